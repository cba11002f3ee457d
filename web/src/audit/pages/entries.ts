import { html, nothing, type TemplateResult } from "lit";
import { api, type Figures, type List, type Row } from "../api";
import { broken, proven, swatch } from "../icons";
import { Page } from "../page";
import { climb, equal, leafHash, readCheckpoint, readEntry, readProof, stepsOf } from "../verify";

const kinds = ["policy", "request", "result", "withdrawal", "erasure", "retention", "config"] as const;
const outcomes = ["answered", "no_answer", "expired", "rejected"] as const;
const tones: Record<string, string> = { answered: "v1", no_answer: "v2", expired: "v3", rejected: "v4" };

type Found = { what: "good" | "number" | "bad"; index: number } | { what: "none" };

/** The list of entries, filters, and the search by receipt. */
export class Entries extends Page {
  static override properties = { ...Page.properties, list: { state: true }, figures: { state: true }, found: { state: true } };
  declare list: List | undefined;
  declare figures: Figures | undefined;
  declare found: Found | undefined;

  override async load(): Promise<void> {
    this.figures = await this.ctx.figures();
    this.list = await api.entries(this.ctx.query);
  }

  protected override render(): unknown {
    const { words: w, state, query } = this.ctx;
    if (this.failure) return html`<h1 class="first">${w.t("audit.failed")}</h1><p>${w.t("audit.failed.do", { code: this.failure })}</p>`;
    return html`<h1 class="first">${w.t("audit.nav.entries")}</h1><p class="muted">${w.t("audit.e.lead", { n: state.size })}</p>
      <form class="find" @submit=${this.search}><div class="field"><label for="q">${w.t("audit.e.search")}</label>
        <textarea id="q" rows="3" aria-describedby="qh" spellcheck="false" autocomplete="off"></textarea>
        <p id="qh" class="muted small">${w.t("audit.e.search.hint")}</p></div>
        <div><button class="btn" type="submit">${w.t("audit.e.go")}</button></div>
        <div role="status">${this.found ? this.answer(this.found) : nothing}</div>
        <div class="filters">
          ${this.filter("kind", w.t("audit.e.f.kind"), w.t("audit.e.f.kind.all"), kinds.map((k) => [k, w.t(`audit.kind.${k}`)]))}
          ${this.filter("purpose", w.t("audit.e.f.purpose"), w.t("audit.e.f.purpose.all"), (this.figures?.purposes ?? []).map((p) => [p.purpose, w.pick(p.label)]))}
          ${this.filter("outcome", w.t("audit.e.f.outcome"), w.t("audit.e.f.outcome.all"), outcomes.map((o) => [o, w.t(`audit.outcome.${o}`)]))}
          ${this.filter("since", w.t("audit.e.f.since"), w.t("audit.e.f.since.all"), [7, 30, 90].map((d) => [daysAgo(d), w.t("audit.e.f.since.days", { n: d })]))}
        </div></form>
      ${query.has("about") || query.has("week") || query.has("policy") ? html`<p class="same">${w.t("audit.e.only")} <a href="/audit/entries">${w.t("audit.e.all")}</a></p>` : nothing}
      ${this.list ? this.rows(this.list) : html`<p class="wait" role="status">${w.t("audit.wait")}</p>`}`;
  }

  filter(name: string, label: string, all: string, options: (readonly [string, string])[]): TemplateResult {
    const now = this.ctx.query.get(name) ?? "";
    const change = (e: Event): void => {
      const q = new URLSearchParams(this.ctx.query);
      q.delete("before");
      const value = (e.target as HTMLSelectElement).value;
      if (value) q.set(name, value);
      else q.delete(name);
      this.ctx.go(`/audit/entries?${q}`);
    };
    return html`<div class="field"><label for="f-${name}">${label}</label><select id="f-${name}" @change=${change}>
      <option value="" ?selected=${!now}>${all}</option>
      ${options.map(([value, text]) => html`<option value=${value} ?selected=${value === now}>${text}</option>`)}</select></div>`;
  }

  rows(list: List): TemplateResult {
    const { words: w } = this.ctx;
    if (!list.rows.length) return html`<p class="wait">${w.t("audit.e.empty")}</p>`;
    const older = new URLSearchParams(this.ctx.query);
    if (list.next !== undefined) older.set("before", String(list.next));
    return html`<ol class="list" aria-label=${w.t("audit.nav.entries")}>${list.rows.map((r) => this.row(r))}</ol>
      <nav class="pager"><span class="muted small">${w.t("audit.e.shown", { n: list.rows.length, total: list.total })}</span>
      ${list.next === undefined ? nothing : html`<a href="/audit/entries?${older}">${w.t("audit.e.more")}</a>`}</nav>`;
  }

  row(r: Row): TemplateResult {
    const { words: w } = this.ctx;
    const kind = w.t(`audit.kind.${r.kind}`);
    const purpose = this.figures?.purposes.find((p) => p.purpose === r.purpose);
    const what = purpose ? w.pick(purpose.label) : (r.weakenings?.join(", ") || (r.purpose ?? ""));
    const title = r.ref !== undefined ? w.t("audit.row.ref", { kind, ref: r.ref, what }) : what ? w.t("audit.row", { kind, what }) : kind;
    return html`<li><a href="/audit/entry/${r.index}"><span class="what">${title}</span><span class="idx">${w.n(r.index)}</span>
      <span class="sub">${w.hour(r.hour)}</span><span class="tag">${swatch(this.tone(r))}${this.tag(r)}</span></a></li>`;
  }

  tone(r: Row): string {
    if (r.kind === "config" && r.weakenings?.length) return "v4";
    return (r.outcome && tones[r.outcome]) || "v1";
  }

  tag(r: Row): string {
    const { words: w } = this.ctx;
    if (r.kind === "config") return w.t(r.weakenings?.length ? "audit.tag.weak" : "audit.tag.strict");
    if (r.kind === "result") return r.outcome ? w.t(`audit.outcome.${r.outcome}`) : "";
    return w.t(`audit.tag.${r.kind}`);
  }

  answer(f: Found): TemplateResult {
    const { words: w } = this.ctx;
    if (f.what === "none") return html`<div class="found found--bad">${broken()}<p>${w.t("audit.e.found.none")}</p></div>`;
    const link = html`<b><a href="/audit/entry/${f.index}">${w.t("audit.e.found", { n: f.index })}</a></b>`;
    if (f.what === "bad") return html`<div class="found found--bad">${broken()}<p>${w.t("audit.e.found.bad")}</p></div>`;
    return html`<div class="found">${proven()}<p>${link} ${w.t(`audit.e.found.${f.what}`)}</p></div>`;
  }

  /** Looks a receipt up; the only request is for the bundle that holds the entry. */
  search = async (e: Event): Promise<void> => {
    e.preventDefault();
    const { state } = this.ctx;
    const text = this.querySelector<HTMLTextAreaElement>("#q")?.value.trim() ?? "";
    const number = /^[0-9]{1,15}$/.exec(text.replaceAll(".", "").replaceAll(",", ""));
    if (number) {
      const index = Number(number[0]);
      this.found = index < state.size ? { what: "number", index } : { what: "none" };
      return;
    }
    const proof = readProof(text);
    if (!proof) {
      this.found = { what: "none" };
      return;
    }
    this.found = await this.fits(proof).then(
      (good) => ({ what: good ? "good" : "bad", index: proof.index }) as Found,
      () => ({ what: "bad", index: proof.index }) as Found,
    );
  };

  /** Whether the receipt's entry is the log's, and its path leads to a checkpoint this log signed. */
  async fits(proof: NonNullable<ReturnType<typeof readProof>>): Promise<boolean> {
    const { state } = this.ctx;
    const checkpoint = await readCheckpoint(proof.checkpoint, state.vkey);
    if (checkpoint.signature === "bad" || checkpoint.origin !== state.origin) return false;
    const steps = stepsOf(proof.index, checkpoint.size, proof.path);
    if (!steps || proof.index >= state.size) return false;
    const leaf = await readEntry(proof.index, state.size);
    return equal(await climb(await leafHash(leaf), steps), checkpoint.root);
  }
}
customElements.define("audit-entries", Entries);

function daysAgo(n: number): string {
  return `${new Date(Date.now() - n * 86_400_000).toISOString().slice(0, 13)}Z`;
}
