import { html, nothing, type TemplateResult } from "lit";
import { api, type Figures, type Policy } from "../api";
import { changes, folded, lines, type Change } from "../diff";
import { arrow, less, more, other } from "../icons";
import { Page } from "../page";

/** Policies: every version, and what the newest changed. */
export class Policies extends Page {
  static override properties = { ...Page.properties, policies: { state: true }, figures: { state: true } };
  declare policies: Policy[] | undefined;
  declare figures: Figures | undefined;

  override async load(): Promise<void> {
    [this.policies, this.figures] = await Promise.all([api.policies(), this.ctx.figures()]);
  }

  protected override render(): unknown {
    const { words: w, query } = this.ctx;
    if (this.failure) return html`<h1 class="first">${w.t("audit.failed")}</h1><p>${w.t("audit.failed.do", { code: this.failure })}</p>`;
    if (!this.policies) return html`<p class="wait" role="status">${w.t("audit.wait")}</p>`;
    const chosen = this.policies.find((p) => String(p.index) === query.get("entry"));
    return html`<h1 class="first">${w.t("audit.pol.title")}</h1><p class="muted">${w.t("audit.pol.lead")}</p>
      ${chosen ? this.detail(chosen) : nothing}
      <h2 class="sechead">${w.t("audit.pol.list")}</h2><ol class="list">${[...this.policies].reverse().map((p) => this.row(p))}</ol>`;
  }

  purpose = (id: string): string => {
    const p = this.figures?.purposes.find((x) => x.purpose === id);
    return p ? this.ctx.words.pick(p.label) : id;
  };

  row(p: Policy): TemplateResult {
    const { words: w } = this.ctx;
    return html`<li><a href="/audit/policies?entry=${p.index}"><span class="what">${p.platform}: ${this.purpose(p.purpose)}, ${w.t("audit.pol.version", { n: p.policy.version })}</span>
      <span class="idx">${w.n(p.index)}</span><span class="sub">${w.t("audit.pol.from", { date: w.day(p.hour) })}</span>
      <span class="tag">${w.requests(p.requests)}</span></a></li>`;
  }

  detail(p: Policy): TemplateResult {
    const { words: w } = this.ctx;
    const before = (this.policies ?? []).filter((x) => x.platform === p.platform && x.policy.id === p.policy.id && x.index < p.index).pop();
    const version = (x: Policy): TemplateResult => html`<b>${w.t("audit.pol.version", { n: x.policy.version })}</b><span class="small muted">${w.t("audit.pol.from", { date: w.day(x.hour) })}</span>`;
    const list = before ? changes(before, p) : [];
    return html`<h2 class="sechead">${p.platform}: ${this.purpose(p.purpose)}</h2>
      ${before ? html`<div class="versus"><div><span class="small muted">${w.t("audit.pol.before")}</span>${version(before)}</div>${arrow()}
        <div><span class="small muted">${w.t("audit.pol.after")}</span>${version(p)}</div></div>
        <h3 class="sechead">${w.t("audit.pol.changes")}</h3>
        ${list.length ? html`<ol class="chg">${list.map((c) => this.change(c))}</ol>` : html`<p class="muted same">${w.t("audit.pol.nochange")}</p>`}` : nothing}
      <h3 class="sechead">${w.t("audit.pol.technical")}</h3><div class="code2">
        <div><h3>${w.t("audit.pol.doc")}</h3>${this.code(pretty(before?.document), pretty(p.document))}</div>
        <div><h3>${w.t("audit.pol.query")}</h3>${this.code(before && pretty(before.paths), pretty(p.paths) ?? "")}
          <p class="small muted same"><a href="/audit/entry/${p.index}">${w.t("audit.pol.entry", { n: p.index })}</a>
          <a href="/audit/entries?policy=${p.policy.sha256}">${w.requests(p.requests)}</a></p></div></div>`;
  }

  code(before: string | undefined, after: string | undefined): TemplateResult {
    const now = after ?? "";
    if (before === undefined) return html`<pre tabindex="0">${now}</pre>`;
    const { words: w } = this.ctx;
    return html`<pre tabindex="0">${folded(lines(before, now)).map((l) =>
      typeof l === "number" ? html`<span class="fold">${w.t("audit.pol.same", { n: l })}</span>`
        : l.sign === "-" ? html`<del>- ${l.text}</del>` : l.sign === "+" ? html`<ins>+ ${l.text}</ins>` : `  ${l.text}\n`)}</pre>`;
  }

  change(c: Change): TemplateResult {
    const { words: w } = this.ctx;
    if (!("rule" in c)) {
      const word = c.kind === "purpose" ? this.purpose : w.duration;
      return item(c.kind === "shorter" ? "less" : c.kind === "longer" ? "more" : "else",
        w.t(`audit.pol.${c.kind}`, { before: word(c.before), after: word(c.after) }), nothing);
    }
    const what = w.pick(c.rule.label) || c.rule.key;
    const without = c.rule.required ? w.t("audit.pol.required") : w.t("audit.pol.voluntary", { without: w.pick(c.rule.without) });
    const text = { more: w.pick(c.rule.with), less: w.t("audit.pol.less.text"), else: w.t("audit.pol.else.text"), must: "", may: "" }[c.kind];
    const sign = c.kind === "more" || c.kind === "must" ? "more" : c.kind === "else" ? "else" : "less";
    return item(sign, w.t(`audit.pol.${c.kind}`, { what }), html`<p>${text}</p>${c.kind === "less" ? nothing : html`<p class="was"><span>${without}</span></p>`}`);
  }
}
customElements.define("audit-policies", Policies);

function item(sign: "more" | "less" | "else", title: string, rest: unknown): TemplateResult {
  const icon = { more, less, else: other }[sign]();
  return html`<li><span class="sign sign--${sign}">${icon}</span><h3>${title}</h3>${rest}</li>`;
}

function pretty(v: unknown): string | undefined {
  return v === undefined ? undefined : JSON.stringify(v, null, 2);
}
