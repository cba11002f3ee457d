import { html, nothing, type TemplateResult } from "lit";
import type { Figures } from "../api";
import { mark } from "../icons";
import { Page } from "../page";
import * as plots from "../plots";
import * as tables from "../tables";

const notes = new Set(["rejected_many", "weakening_on"]);

/** The report: paper, always light, without controls once printed. */
export class Report extends Page {
  static override properties = { ...Page.properties, figures: { state: true } };
  declare figures: Figures | undefined;

  override async load(): Promise<void> {
    this.figures = await this.ctx.figures();
  }

  override connectedCallback(): void {
    super.connectedCallback();
    document.documentElement.dataset["theme"] = "light"; // paper
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    delete document.documentElement.dataset["theme"];
  }

  protected override render(): unknown {
    const { words: w, state, check } = this.ctx;
    const f = this.figures;
    if (this.failure) return html`<h1 class="first">${w.t("audit.failed")}</h1><p>${w.t("audit.failed.do", { code: this.failure })}</p>`;
    if (!f) return html`<p class="wait" role="status">${w.t("audit.wait")}</p>`;
    const [from, to] = f.entries ? [w.day(f.from), w.day(f.to)] : ["", ""];
    const period = from === to ? from : `${from} – ${to}`;
    return html`<nav class="screen"><button class="btn" type="button" @click=${() => window.print()}>${w.t("audit.r.print")}</button></nav>
      <article class="a4"><header class="cover"><p class="brand">${mark()}<span>Facet</span></p><p>${w.t("audit.r.kicker")}</p><h1>${w.t("audit.r.title")}</h1>
        <dl>${pair(w.t("audit.r.platforms"), f.platforms.join(", "))}${pair(w.t("audit.r.period"), period)}${pair(w.t("audit.r.made"), w.now())}${pair(w.t("audit.r.log"), state.origin)}</dl></header>
      <section class="verdict"><h2>${w.t("audit.r.result")}</h2><p>${check.bad ? html`<b>${w.t("audit.r.bad")}</b> ${w.t(`audit.bad.${check.bad}`)}`
        : check.tree === "server" || check.signature === "server" ? html`${w.t(`audit.state.sig.${check.signature}`)} ${w.t(`audit.state.tree.${check.tree}`, { n: state.size })}`
        : html`<b>${w.t("audit.r.good")}</b> ${w.t("audit.r.good.text", { n: f.entries })}`}</p></section>
      <section><h2>1. ${w.t("audit.r.findings")}</h2>${this.findings(f)}</section>
      <section><h2>2. ${w.t("audit.r.numbers")}</h2>${tables.purposesTable(f, w)}</section>
      ${f.total.requests ? html`<section><h2>3. ${w.t("audit.r.over")}</h2>
        ${figure(w.t("audit.p.requests", { share: w.share(f.total.answered, f.total.requests) }), w.t("audit.p.requests.sub", { requests: w.requests(f.total.requests) }), html`${plots.legend(w)}${plots.requestsPlot(f, w)}`)}
        ${figure(w.t("audit.p.noanswer"), w.t("audit.p.noanswer.sub"), plots.noAnswerPlot(f, w))}</section>` : nothing}
      <section><h2>4. ${w.t("audit.r.promises")}</h2>
        ${f.deadlines.length ? figure(w.t("audit.p.deadlines", { kept: plots.kept(f), due: plots.due(f) }), w.t("audit.p.deadlines.sub"), plots.deadlinesPlot(f, w)) : html`<p>${w.t("audit.p.deadlines.none")}.</p>`}
        ${f.withdrawals.total ? figure(w.t("audit.p.withdrawals", { n: plots.sealedIn(f), total: f.withdrawals.total }), w.t("audit.p.withdrawals.sub"), plots.withdrawalsPlot(f, w)) : html`<p>${w.t("audit.p.withdrawals.none")}.</p>`}</section>
      ${f.total.requests ? html`<section><h2>5. ${w.t("audit.r.asked")}</h2>${figure(w.t("audit.p.claims"), w.t("audit.p.claims.sub"), plots.claimsPlot(f, w))}</section>` : nothing}
      <section><h2>6. ${w.t("audit.r.weak")}</h2>${f.weakenings.length ? html`${figure(plots.weakTitle(f, w), w.t("audit.p.weak.sub"), plots.weakPlot(f, w))}${tables.weakTable(f, w)}` : html`<p>${w.t("audit.p.weak.none")}.</p>`}</section>
      <section><h2>7. ${w.t("audit.r.method")}</h2><ol class="method">${(["audit.r.m1", "audit.r.m2", "audit.r.m3", "audit.r.m4"] as const).map((k) => html`<li>${w.t(k)}</li>`)}</ol>
        <h3>${w.t("audit.r.cannot")}</h3><p>${w.t("audit.r.cannot.text")}</p><h3>${w.t("audit.1.path.cp")}</h3><pre tabindex="0">${state.checkpoint}</pre>
        <p class="note">${w.t("audit.r.again")} <code>facet audit verify ${location.origin}/log</code></p></section></article>`;
  }

  findings(f: Figures): TemplateResult {
    const { words: w } = this.ctx;
    if (!f.findings.length) return html`<p>${w.t("audit.r.findings.none")}</p>`;
    const kinds = [...new Set(f.findings.map((x) => x.code))].map((code) => {
      const all = f.findings.filter((x) => x.code === code);
      return { code, name: all.map((x) => x.name ?? "").join(", "), entries: [...new Set(all.flatMap((x) => x.entries))] };
    });
    return html`<div class="scroll" tabindex="0" role="region" aria-label=${w.t("audit.r.findings")}><table><thead><tr><th scope="col">${w.t("audit.r.no")}</th>
      <th scope="col" class="left">${w.t("audit.r.finding")}</th><th scope="col" class="left">${w.t("audit.nav.entries")}</th><th scope="col" class="left">${w.t("audit.r.weight")}</th></tr></thead>
      <tbody>${kinds.map((x, i) => html`<tr><th scope="row">${i + 1}</th><td class="left">${w.dyn(`audit.find.${x.code}`, { name: x.name })}</td>
        <td class="left">${x.entries.map((n) => w.n(n)).join(", ")}</td><td class="left">${w.t(notes.has(x.code) ? "audit.r.weight.note" : "audit.r.weight.breach")}</td></tr>`)}</tbody></table></div>`;
  }
}
customElements.define("audit-report", Report);

const pair = (name: string, value: string): TemplateResult => html`<div><dt>${name}</dt><dd>${value}</dd></div>`;

const figure = (title: string, sub: string, plot: TemplateResult): TemplateResult =>
  html`<figure><figcaption><b>${title}.</b> ${sub}</figcaption>${plot}</figure>`;
