// The request: who asks for what, why, for how long, and what you get. Nothing
// is sent before a tap on "approve", and nothing optional is switched on here.

import { html, nothing } from "lit";
import { icon, gem } from "../icons";
import { Guard } from "../guard";
import { Page } from "../page";
import { asker, follow, more, note } from "../parts/common";
import { paper } from "../parts/paper";
import { reasonOf } from "../reason";
import { safeLink } from "../safe";
import type { Failure } from "../context";
import type { Identify, Item, Outcome, Previewed, Proposal } from "../views";

/** Failures after which the site may have the answer. */
const uncertain = new Set(["network", "answer_uncertain"]);

export class RequestPage extends Page {
  static override properties = { ...Page.properties, proposalId: {} };
  /** A proposal that was put off; empty when the page was opened by a link. */
  declare proposalId: string;

  #proposal: Proposal | null = null;
  #chosen = new Set<string>();
  #shown: Previewed | null = null;
  #asked = 0; // previews asked for; only the answer to the last one counts
  #sending = false;
  #hint = "";
  #guard = new Guard();
  #copied = false;

  constructor() {
    super();
    this.proposalId = "";
  }

  get name(): string {
    const w = this.ctx.words;
    const p = this.#proposal;
    return p?.asker.verified ? w.t("request.name", { party: p.asker.name }) : w.t("request.some");
  }

  override async connectedCallback(): Promise<void> {
    super.connectedCallback();
    window.addEventListener("online", this.#redraw);
    window.addEventListener("offline", this.#redraw);
    await this.#load();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.removeEventListener("online", this.#redraw);
    window.removeEventListener("offline", this.#redraw);
    this.#guard.release();
  }

  readonly #redraw = () => this.requestUpdate();

  async #load(): Promise<void> {
    const held = this.proposalId ? null : this.ctx.take("/authorize");
    if (!this.proposalId && !held) {
      this.ctx.go("/home");
      return;
    }
    try {
      const p = held
        ? await this.ctx.engine.ask(`${location.origin}/authorize#${held.params}`)
        : await this.ctx.engine.proposal(this.proposalId);
      if (!this.isConnected) return;
      if (p.kind !== "unverified" && p.satisfiable) this.#shown = await this.ctx.engine.preview(p.id, []);
      this.#proposal = p;
      this.requestUpdate();
      await this.updateComplete;
      const decide = this.querySelector(".decide__pair");
      if (decide) this.#guard.watch(decide);
    } catch (err) {
      const reason = reasonOf(err);
      const again = reason === "network" && held ? () => this.ctx.again(held) : undefined;
      this.#fail({ reason, sent: "nothing", retry: again });
    }
  }

  override render() {
    const w = this.ctx.words;
    const p = this.#proposal;
    if (!p)
      return html`<div class="stack"><h1 class="hidden-text">${w.t("request.some")}</h1>
        <facet-wait .ctx=${this.ctx} what=${w.t("request.fetching")} slow=${w.t("request.slow")} @cancel=${() => this.ctx.go("/home")}></facet-wait></div>`;
    return p.kind === "unverified" ? this.#unverified(p) : this.#answerable(p);
  }

  #answerable(p: Proposal) {
    const optional = p.optional ?? [];
    return html`<div class="request">
      <div class="request__ask">
        ${this.#who(p)} ${p.missing?.length ? this.#missing(p) : nothing} ${this.#required(p)} ${optional.length && p.satisfiable ? this.#optional(p, optional) : nothing}
      </div>
      <div class="request__aside">
        ${p.satisfiable ? html`${this.#preview(p)} ${this.#identify(this.#shown?.identify ?? p.identify)} ${this.#takeBack(p)}` : nothing} ${this.#decide(p)}
      </div>
      ${this.#details(p)}
    </div>`;
  }

  #who(p: Proposal) {
    const w = this.ctx.words;
    const stated = (words: string) => words || w.t("not_stated");
    const policy = p.kind === "policy";
    return html`<section class="stack" aria-labelledby="question">
      ${asker(w, p.asker)}
      ${p.asker.suspicious ? note("caution", w.t("asker.suspicious"), w.t("asker.suspicious_more", { domain: p.asker.domain })) : nothing}
      ${p.cross_device ? note("caution", w.t("cross.title"), w.t("cross.more")) : nothing}
      ${p.log_moved ? note("caution", w.t("log.moved", { party: p.asker.name }), w.t("log.moved_more")) : nothing}
      ${p.registered?.beyond.length
        ? note("caution", w.t("register.beyond", { party: p.asker.name }), w.t("register.beyond_more", { what: p.registered.beyond.map((b) => w.pick(b)).join(", ") }))
        : nothing}
      <h1 id="question"><span class="lead">${w.t("request.wants", { party: p.asker.name })}</span> ${w.pick(p.question)}</h1>
      ${policy ? nothing : note("caution", w.t("foreign.no_purpose", { party: p.asker.name }), w.t("foreign.no_retention"))}
      <dl class="facts">
        <div>${icon("purpose")}<dt>${w.t("request.purpose")}</dt><dd>${stated(policy ? w.pick(p.purpose.label) : "")}</dd></div>
        <div>${icon("benefit")}<dt>${w.t("request.benefit")}</dt><dd>${stated(w.pick(p.benefit))}</dd></div>
        <div>${icon("clock")}<dt>${w.t("request.how_long")}</dt><dd>${stated(policy ? w.retention(p.retention.seconds) : "")}</dd></div>
      </dl>
    </section>`;
  }

  #missing(p: Proposal) {
    const w = this.ctx.words;
    return html`<section class="group" aria-labelledby="missing">
      <div class="group__head"><h2 id="missing">${w.t("missing.title")}</h2></div>
      <ul>
        ${(p.missing ?? []).map((m) => {
          const link = safeLink(m.get_url);
          return html`<li class="ask">
            <p class="ask__name">${w.pick(m.label)}</p>
            ${link ? html`<p><a class="text-button" href=${link} rel="noreferrer">${w.t("missing.get")}</a></p>` : html`<p class="small muted">${w.t("missing.where")}</p>`}
          </li>`;
        })}
      </ul>
    </section>`;
  }

  #required(p: Proposal) {
    const w = this.ctx.words;
    const items = p.required ?? [];
    if (!items.length) return nothing;
    const title = p.kind === "policy" ? w.t("required.title") : w.t("required.says", { party: p.asker.name });
    return html`<section class="group" aria-labelledby="required">
      <div class="group__head"><h2 id="required">${title}</h2><span class="small muted">${w.n("answers", items.length)}</span></div>
      <ul>${items.map((item) => html`<li class="ask">
        <p class="ask__name">${w.pick(item.name)} ${this.#new(item)}</p>
        ${this.#claims(item)}
        ${w.pick(item.note) ? html`<p class="small muted">${w.pick(item.note)}</p>` : nothing}
        ${this.#reveal(p, item)}
      </li>`)}</ul>
    </section>`;
  }

  #optional(p: Proposal, items: Item[]) {
    const w = this.ctx.words;
    return html`<section class="group" aria-labelledby="optional">
      <div class="group__head">
        <h2 id="optional">${w.t("optional.title")}</h2><span class="small muted">${w.n("answers", items.length)}</span>
        <p class="small muted">${w.t(p.required?.length ? "optional.off" : "optional.off_alone")}</p>
      </div>
      <ul>${items.map((item, i) => html`<li class="ask">
        <label class="switch" for="opt-${i}"><span class="ask__name">${w.pick(item.name)} ${this.#new(item)}</span>
          <input type="checkbox" role="switch" id="opt-${i}" autocomplete="off" aria-describedby="effect-${i}" ?disabled=${!item.has_value || this.#sending}
            .checked=${this.#chosen.has(item.key)} @change=${(e: Event) => this.#toggle(item, (e.target as HTMLInputElement).checked)} /></label>
        ${this.#claims(item)}
        <dl class="effect" id="effect-${i}">
          <div class="effect__without"><dt>${w.t("without")}</dt><dd>${w.pick(item.without) || w.t("without.default")}</dd></div>
          <div class="effect__with"><dt>${w.t("with")}</dt><dd>${w.pick(item.with) || w.t("with.default")}</dd></div>
        </dl>
        ${item.has_value
          ? this.#reveal(p, item)
          : html`<p class="small muted">${w.t("optional.no_value")} <a href="/preferences" @click=${follow(this.ctx, "/preferences")}>${w.t("optional.say")}</a></p>`}
      </li>`)}</ul>
    </section>`;
  }

  #claims(item: Item) {
    return item.claims ? html`<p class="small">${this.ctx.words.t("item.claims", { what: this.ctx.words.pick(item.claims) })}</p>` : nothing;
  }

  #new(item: Item) {
    return item.is_new ? html`<span class="badge badge--optional">${icon("add")}${this.ctx.words.t("request.new")}</span>` : nothing;
  }

  #reveal(p: Proposal, item: Item) {
    const w = this.ctx.words;
    if (!item.has_value) return nothing;
    const by = item.by === "self" ? w.t("by_self") : w.t("by", { issuer: item.by });
    return html`<facet-reveal .ctx=${this.ctx} label=${w.t("reveal.yours")} what=${w.pick(item.name)} note=${by}
      .load=${async () => w.pick((await this.ctx.engine.reveal(p.id, item.key)).text)}></facet-reveal>`;
  }

  #preview(p: Proposal) {
    const w = this.ctx.words;
    if (p.kind !== "policy")
      return html`<section class="preview" aria-labelledby="preview">
        <div><h2 id="preview">${w.t("preview.none")}</h2><p class="small muted">${w.t("preview.none_why", { party: p.asker.name })}</p></div>
      </section>`;
    const outcome: Outcome = this.#shown?.outcome ?? p.preview;
    return html`<section class="preview" aria-labelledby="preview">
      <div><h2 id="preview" tabindex="-1">${w.t("preview.title")}</h2><p class="small muted">${w.t("preview.why", { party: p.asker.name })}</p></div>
      ${paper(w, p.asker.name, outcome)}
      <dl class="outcome small" aria-live="polite">
        ${(outcome.lines ?? []).map(
          (line) => html`<div><dt>${w.pick(line.label)}</dt><dd class=${line.changed ? "is-changed" : ""}>${w.pick(line.value)}</dd></div>`,
        )}
      </dl>
    </section>`;
  }

  #identify(identify: Identify) {
    const w = this.ctx.words;
    const levels = ["barely", "somewhat", "strongly"] as const;
    const now = levels.indexOf(identify.level);
    const parts = (identify.parts ?? []).map((part) => w.pick(part.label)).filter(Boolean);
    return html`<section class="identify" aria-labelledby="identify">
      <h3 id="identify">${w.t("identify.title")}</h3>
      <ol class="identify__scale">
        ${levels.map((level, i) => html`<li class=${i === now ? "is-now" : i < now ? "is-passed" : ""} aria-current=${i === now ? "true" : nothing}>${w.t(`identify.${level}`)}</li>`)}
      </ol>
      ${more(
        w.t("identify.why"),
        html`<div class="stack stack--tight small">
          <p>${w.t(`identify.${identify.level}.why`)}</p>
          ${parts.length ? html`<p>${w.t("identify.parts")}</p><ul>${parts.map((part) => html`<li>– ${part}</li>`)}</ul>` : nothing}
          <p>${w.t("identify.no_name")}</p>
        </div>`,
      )}
    </section>`;
  }

  #takeBack(p: Proposal) {
    const w = this.ctx.words;
    return p.kind === "policy"
      ? html`<p class="with-icon small">${icon("undo")}<span>${w.t("request.take_back")}</span></p>`
      : html`<p class="with-icon small is-caution">${icon("warning")}<span>${w.t("foreign.no_take_back", { party: p.asker.name })}</span></p>`;
  }

  #decide(p: Proposal) {
    const w = this.ctx.words;
    const offline = !navigator.onLine;
    const off = this.#sending || offline;
    const sends = (this.#shown?.sends ?? []).map((s) => w.within(w.pick(s.label)));
    const possible = (p.required?.length ?? 0) + (p.optional?.length ?? 0);
    const leaving = (p.required?.length ?? 0) + this.#chosen.size;
    const summary = this.#sending
      ? w.t("request.sending", { party: p.asker.name })
      : !p.satisfiable
        ? w.t("missing.sum")
        : html`${w.t("request.you_send")} <strong>${sends.length ? this.#sends(sends) : w.t("request.nothing")}</strong>`;
    return html`<div class="decide ${p.satisfiable ? "" : "decide--one"}">
      ${offline ? html`<p class="decide__note" role="status"><strong>${w.t("offline")}</strong> ${w.t("offline.more")}</p>` : nothing}
      ${this.#hint ? html`<p class="decide__note" role="status">${this.#hint}</p>` : nothing}
      <p class="decide__sum" aria-live="polite">
        ${gem(p.satisfiable ? leaving : 0, possible)}<span>${summary}</span>
        ${p.kind === "policy" && p.satisfiable && !this.#sending ? html`<button class="text-button" type="button" @click=${this.#toPreview}>${w.t("preview.title")}</button>` : nothing}
      </p>
      <div class="decide__pair">
        <button class="choice" type="button" ?disabled=${off} @click=${this.#refuse}>${icon("close")}${w.t("refuse")}</button>
        ${p.satisfiable ? html`<button class="choice" type="button" ?disabled=${off} @click=${this.#approve}>${icon("accept")}${w.t("approve")}</button>` : nothing}
      </div>
    </div>`;
  }

  #sends(labels: string[]): string {
    const w = this.ctx.words;
    return labels.length === 1 ? w.t("request.only", { what: labels[0]! }) : w.commas(labels);
  }

  #details(p: Proposal) {
    const w = this.ctx.words;
    const lines = p.technical ?? [];
    if (!lines.length) return nothing;
    const all = lines.map((l) => `${l.label}: ${l.value}`).join("\n");
    return more(
      w.t("details"),
      html`<div class="stack">
        <dl class="pairs">${lines.map((l) => html`<div><dt>${l.label}</dt><dd class="code">${l.value}</dd></div>`)}</dl>
        <p><button class="button button--plain" type="button" @click=${() => this.#copy(all)}>
          ${icon(this.#copied ? "accept" : "copy")}<span role="status">${w.t(this.#copied ? "copied" : "copy_all")}</span>
        </button></p>
      </div>`,
      "request__details",
    );
  }

  #unverified(p: Proposal) {
    const w = this.ctx.words;
    const items = [...(p.required ?? []), ...(p.optional ?? [])];
    return html`<div class="request">
      <div class="request__ask">
        <section class="stack" aria-labelledby="question">
          ${asker(w, p.asker)}
          <h1 id="question"><span class="lead">${w.t("unverified.lead")}</span> ${items.length ? w.n("unverified.title", items.length) : w.t("unverified.title_some")}</h1>
          ${note("caution", w.t("unverified.nothing"), w.t("unverified.why"))}
        </section>
        ${items.length
          ? html`<section class="group" aria-labelledby="required">
              <div class="group__head"><h2 id="required">${w.t("unverified.wanted")}</h2><span class="small muted">${w.n("answers", items.length)}</span></div>
              <ul>${items.map((item) => html`<li class="ask"><p class="ask__name">${w.pick(item.name)}</p></li>`)}</ul>
            </section>`
          : nothing}
      </div>
      <div class="request__aside">
        <section class="stack" aria-labelledby="do">
          <h2 id="do">${w.t("what_to_do")}</h2>
          <p>${w.t("unverified.do")}</p>
          <a class="button button--wide" href="/home" @click=${follow(this.ctx, "/home")}>${w.t("close")}</a>
          <p class="small muted">${w.t("error.code")} <span class="code">${p.code ?? "verifier_unknown"}</span></p>
        </section>
      </div>
      ${this.#details(p)}
    </div>`;
  }

  async #toggle(item: Item, on: boolean): Promise<void> {
    if (on) this.#chosen.add(item.key);
    else this.#chosen.delete(item.key);
    this.requestUpdate();
    await this.#refresh();
  }

  /** Asks the engine what the choices on the page come to. Its answer carries the digest that "approve" is about. */
  async #refresh(): Promise<void> {
    const p = this.#proposal;
    if (!p) return;
    const turn = ++this.#asked;
    this.#shown = this.#shown && { ...this.#shown, digest: "" }; // stale until answered
    try {
      const shown = await this.ctx.engine.preview(p.id, [...this.#chosen]);
      if (turn !== this.#asked) return;
      this.#shown = shown;
      this.requestUpdate();
    } catch (err) {
      this.#fail({ reason: reasonOf(err), sent: "nothing", party: p.asker.name });
    }
  }

  readonly #toPreview = (): void => {
    const heading = this.querySelector<HTMLElement>("#preview");
    heading?.focus({ preventScroll: true });
    heading?.scrollIntoView({ block: "start" });
  };

  #allowed(event: MouseEvent): boolean {
    const verdict = this.#guard.verdict(event);
    this.#hint = verdict === "covered" ? this.ctx.words.t("request.covered") : "";
    this.requestUpdate();
    return verdict === "yes" && !this.#sending;
  }

  readonly #approve = async (event: MouseEvent): Promise<void> => {
    const p = this.#proposal;
    if (!p || !this.#shown?.digest || !this.#allowed(event)) return;
    this.#sending = true;
    this.requestUpdate();
    await this.#present(p, this.#shown.digest, [...this.#chosen]);
  };

  /** Sends the approved answer. When nobody knows whether it arrived, the very same one can be sent again. */
  async #present(p: Proposal, digest: string, choices: string[]): Promise<void> {
    try {
      const presented = await this.ctx.engine.present(p.id, digest, choices);
      this.ctx.answered({ proposal: p, presented, back: safeLink(presented.redirect_uri) });
    } catch (err) {
      const reason = reasonOf(err);
      const retry = reason === "network" ? () => void this.#present(p, digest, choices) : undefined;
      this.ctx.fail({ reason, sent: uncertain.has(reason) ? "unknown" : "nothing", party: p.asker.name, retry });
    }
  }

  readonly #refuse = async (event: MouseEvent): Promise<void> => {
    const p = this.#proposal;
    if (!p || !this.#allowed(event)) return;
    this.#sending = true;
    this.requestUpdate();
    try {
      const { redirect_uri } = await this.ctx.engine.refuse(p.id);
      this.ctx.answered({ proposal: p, presented: null, back: safeLink(redirect_uri) });
    } catch {
      // A refusal that does not arrive is still a refusal: nothing was sent.
      this.ctx.answered({ proposal: p, presented: null, back: null });
    }
  };

  #copy(text: string): void {
    void navigator.clipboard.writeText(text).then(() => {
      this.#copied = true;
      this.requestUpdate();
    });
  }

  #fail(failure: Failure): void {
    if (this.isConnected) this.ctx.fail(failure);
  }
}
customElements.define("facet-request", RequestPage);
