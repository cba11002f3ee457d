// Receiving a proof: from whom, what it will hold, the code from the letter,
// and where it lives afterwards.

import { html, nothing } from "lit";
import { icon, type IconName } from "../icons";
import { EngineError } from "../engine";
import { Guard } from "../guard";
import { Page } from "../page";
import { asker, follow, note } from "../parts/common";
import { reasonOf, sentence } from "../reason";
import type { Accepted, Offer } from "../views";

/** Codes the person can mend on this page. */
const mendable = new Set(["tx_code_wrong", "tx_code_missing", "tx_code_phishing"]);

export class ReceivePage extends Page {
  #offer: Offer | null = null;
  #accepted: Accepted | null = null;
  #busy = false;
  #wrong: EngineError | null = null;
  #waiting = false;
  #guard = new Guard();

  get name(): string {
    return this.ctx.words.t(this.#accepted ? "received.name" : "receive.name");
  }

  override async connectedCallback(): Promise<void> {
    super.connectedCallback();
    const held = this.ctx.take("/receive");
    if (!held) {
      this.ctx.go("/home");
      return;
    }
    try {
      this.#offer = await this.ctx.engine.offer(offerParams(held.params));
      this.requestUpdate();
      await this.updateComplete;
      const decide = this.querySelector(".decide__pair");
      if (decide) this.#guard.watch(decide);
    } catch (err) {
      const reason = reasonOf(err);
      this.ctx.fail({ reason, sent: "not-asked", retry: reason === "network" ? () => this.ctx.again(held) : undefined });
    }
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#guard.release();
  }

  override render() {
    const w = this.ctx.words;
    if (this.#accepted) return this.#received(this.#accepted);
    if (this.#offer) return this.#question(this.#offer);
    return html`<div class="stack"><h1 class="hidden-text">${w.t("receive.name")}</h1>
      <facet-wait .ctx=${this.ctx} what=${w.t("receive.fetching")} slow=${w.t("receive.slow")} @cancel=${() => this.ctx.go("/home")}></facet-wait></div>`;
  }

  #question(o: Offer) {
    const w = this.ctx.words;
    const issuer = { ...o.issuer, register: { [w.lang]: w.t("receive.vouched") }, known_since: null };
    const things = o.items.map((item) => w.pick(item.title));
    return html`<form class="request" novalidate @submit=${this.#submit}>
      <div class="request__ask">
        <section class="stack" aria-labelledby="question">
          ${asker(w, { ...issuer, logo: undefined })}
          <h1 id="question">${w.t("receive.title", { what: w.and(things) })}</h1>
          ${o.issuer.verified ? nothing : note("caution", w.t("receive.unverified"), w.t("receive.unverified_more"))}
        </section>
        ${o.items.map((item, i) => html`<section class="group" aria-labelledby="holds-${i}">
          <div class="group__head"><h2 id="holds-${i}">${w.t("receive.holds", { what: w.pick(item.title) })}</h2>
            ${item.valid_until ? html`<span class="small muted">${w.t("until", { date: w.date(item.valid_until) })}</span>` : nothing}</div>
          <ul>
            ${(item.claims ?? []).map((c) => html`<li class="ask"><p class="ask__name">${w.pick(c.label)}</p></li>`)}
            ${w.pick(item.not_in) ? html`<li class="ask"><p class="ask__name">${w.t("receive.not_in")}</p><p class="small muted">${w.pick(item.not_in)}</p></li>` : nothing}
          </ul>
        </section>`)}
      </div>
      <div class="request__aside">
        ${o.tx_code ? this.#pin(o) : nothing} ${o.confirm ? this.#confirm(o) : nothing} ${this.#steps(o)} ${this.#decide()}
      </div>
    </form>`;
  }

  #pin(o: Offer) {
    const w = this.ctx.words;
    const code = o.tx_code!;
    const numeric = code.input_mode !== "text";
    const digits = code.length > 0 ? code.length : 0;
    const wrong = this.#wrong && this.#wrong.reason !== "tx_code_phishing" ? this.#wrong : null;
    const tries = wrong?.triesLeft ?? null;
    const help = code.description || (digits ? w.t(numeric ? "pin.help_digits" : "pin.help_signs", { n: digits }) : w.t("pin.help"));
    return html`<section class="stack stack--tight" aria-labelledby="pin-title">
      <h2 id="pin-title">${w.t("pin.title", { issuer: o.issuer.name || o.issuer.domain })}</h2>
      <p id="pin-help" class="muted">${help}</p>
      <label class="hidden-text" for="pin">${digits ? w.t(numeric ? "pin.digits" : "pin.signs", { n: digits }) : w.t("pin.label")}</label>
      <input class="input input--pin" id="pin" name="pin" inputmode=${numeric ? "numeric" : "text"} autocomplete="one-time-code" autocapitalize="off"
        spellcheck="false" @keydown=${this.#noEnter} @keypress=${this.#noEnter} maxlength="64" ?disabled=${this.#busy} aria-describedby="pin-help${wrong ? " pin-wrong" : ""}" aria-invalid=${wrong ? "true" : nothing} />
      ${wrong
        ? html`<p class="error-text" id="pin-wrong" role="alert">${sentence(w, wrong.reason)}${tries !== null ? html` ${w.n("pin.tries", tries)}` : nothing}</p>`
        : nothing}
    </section>`;
  }

  #confirm(o: Offer) {
    const w = this.ctx.words;
    const asked = this.#wrong?.reason === "tx_code_phishing";
    return html`<div>
      <label class="tick"><input type="checkbox" id="confirmed" name="confirmed" aria-describedby=${asked ? "confirm-first" : nothing} /><span>${w.t("receive.confirm", { domain: o.issuer.domain })}</span></label>
      ${asked ? html`<p class="error-text" id="confirm-first" role="alert">${sentence(w, "tx_code_phishing")}</p>` : nothing}
    </div>`;
  }

  #steps(o: Offer) {
    const w = this.ctx.words;
    const now = this.#busy ? 1 : 0;
    const steps: { icon: IconName; words: string }[] = [
      { icon: "expand", words: w.t(o.tx_code ? "steps.code" : "steps.decide") },
      { icon: "save", words: w.t("steps.fetch", { issuer: o.issuer.name || o.issuer.domain }) },
      { icon: "lock", words: w.t("steps.store") },
    ];
    return html`<ol class="steps" aria-label=${w.t("steps.name")} aria-live="polite">
      ${steps.map((s, i) => html`<li class=${i < now ? "is-done" : i === now ? "is-now" : ""} aria-current=${i === now ? "step" : nothing}>${icon(i < now ? "accept" : s.icon)}<span>${s.words}</span></li>`)}
    </ol>`;
  }

  #decide() {
    const w = this.ctx.words;
    return html`<div class="decide">
      <p class="decide__sum">${icon("lock")}<span>${w.t("receive.then")}</span></p>
      <div class="decide__pair">
        <button class="choice" type="button" ?disabled=${this.#busy} @click=${this.#refuse}>${icon("close")}${w.t("refuse")}</button>
        <button class="choice" type="submit" ?disabled=${this.#busy} @click=${this.#tap}>${icon("accept")}${w.t("accept")}</button>
      </div>
    </div>`;
  }

  #received(a: Accepted) {
    const w = this.ctx.words;
    const claims = a.claims ?? [];
    return html`<div class="message">
      <span class="message__icon message__icon--trust">${icon("accept")}</span>
      <div class="stack stack--tight"><h1>${w.t("received.title")}</h1><p>${w.t("receive.then")}</p></div>
      <ul class="cards">${a.cards.map((card) => html`<li><facet-card .ctx=${this.ctx} .card=${card}></facet-card></li>`)}</ul>
      ${claims.length
        ? html`<section class="group" aria-labelledby="holds">
            <div class="group__head"><h2 id="holds">${w.t("received.holds")}</h2></div>
            <ul>${claims.map((c) => html`<li class="ask"><p class="ask__name">${w.pick(c.label)}</p>
              <facet-reveal .ctx=${this.ctx} label=${w.t("reveal.content")} what=${w.pick(c.label)} .load=${async () => w.pick(c.value)}></facet-reveal></li>`)}</ul>
          </section>`
        : nothing}
      <a class="button button--wide" href="/home" @click=${follow(this.ctx, "/home")}>${w.t(this.#waiting ? "received.waiting" : "to_home")}</a>
    </div>`;
  }

  readonly #tap = (event: MouseEvent): void => {
    if (this.#guard.verdict(event) !== "yes") event.preventDefault();
  };

  /** Enter in the code field must not decide: only a press on the button does. */
  readonly #noEnter = (event: KeyboardEvent): void => {
    if (event.key === "Enter") event.preventDefault();
  };

  readonly #submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const o = this.#offer;
    if (!o || this.#busy) return;
    const form = new FormData(event.target as HTMLFormElement);
    const pin = String(form.get("pin") ?? "").replace(/\s/g, ""); // letters print codes in groups
    const confirmed = form.get("confirmed") === "on";
    if (o.confirm && !confirmed) return this.#again(new EngineError("tx_code_phishing"));
    if (o.tx_code && !pin) return this.#again(new EngineError("tx_code_missing"));
    this.#busy = true;
    this.#wrong = null;
    this.requestUpdate();
    try {
      this.#accepted = await this.ctx.engine.accept(o.offer_id, pin, confirmed);
      this.#waiting = await this.ctx.engine.home().then((h) => (h.waiting ?? []).length > 0, () => false);
    } catch (err) {
      const reason = reasonOf(err);
      if (err instanceof EngineError && mendable.has(reason)) return this.#again(err);
      this.ctx.fail({ reason, sent: "not-asked", party: o.issuer.name });
      return;
    }
    this.requestUpdate();
  };

  async #again(err: EngineError): Promise<void> {
    this.#busy = false;
    this.#wrong = err;
    this.requestUpdate();
    await this.updateComplete;
    if (err.reason === "tx_code_phishing") {
      this.querySelector<HTMLInputElement>("#confirmed")?.focus();
      return;
    }
    const pin = this.querySelector<HTMLInputElement>("#pin");
    if (!pin) return;
    pin.value = "";
    pin.focus();
  }

  readonly #refuse = (event: MouseEvent): void => {
    if (this.#guard.verdict(event) === "yes") this.ctx.go("/home");
  };
}
customElements.define("facet-receive", ReceivePage);

/** The members of an offer link the standard knows (OpenID4VCI §4.1). */
function offerParams(params: URLSearchParams): Record<string, string> {
  const out: Record<string, string> = {};
  for (const name of ["credential_offer", "credential_offer_uri"]) {
    const value = params.get(name);
    if (value !== null) out[name] = value;
  }
  return out;
}
