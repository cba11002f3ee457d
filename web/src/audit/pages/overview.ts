import { html, nothing, type TemplateResult } from "lit";
import type { Figures, Finding } from "../api";
import { proven, warning } from "../icons";
import { Page } from "../page";
import * as plots from "../plots";
import { stateLine } from "../stateline";
import * as tables from "../tables";

interface Card {
  id: string;
  title: string;
  sub: string;
  plot: TemplateResult | typeof nothing;
  table: TemplateResult | typeof nothing;
  link: string;
  wide?: boolean;
  /** Beside two others, since it has many rows. */
  tall?: boolean;
  legend?: TemplateResult;
}

/** The overview: the state line, what to look at first, six plots. */
export class Overview extends Page {
  static override properties = { ...Page.properties, figures: { state: true } };
  declare figures: Figures | undefined;

  override async load(): Promise<void> {
    this.figures = await this.ctx.figures();
  }

  protected override render(): unknown {
    const { words: w } = this.ctx;
    const f = this.figures;
    if (this.failure) return html`<h1 class="first">${w.t("audit.failed")}</h1><p>${w.t("audit.failed.do", { code: this.failure })}</p>`;
    if (!f) return html`<p class="wait" role="status">${w.t("audit.wait")}</p>`;
    return html`${stateLine(this.ctx, f.total.requests)}
      <h2 class="sechead">${w.t("audit.look")}</h2><ul class="look">${this.look(f)}</ul>
      ${f.entries ? html`<div class="plots">${this.cards(f).map((c) => this.card(c))}</div>` : nothing}`;
  }

  look(f: Figures): TemplateResult[] {
    const { words: w } = this.ctx;
    if (!f.findings.length) {
      return [html`<li>${proven()}<h3>${w.t("audit.look.none")}</h3><p>${w.t("audit.look.none.text")}</p></li>`];
    }
    const groups = new Map<string, Finding[]>();
    for (const x of f.findings) {
      groups.set(x.code, [...(groups.get(x.code) ?? []), x]);
    }
    return [...groups.values()].map((list) => {
      const first = list[0] as Finding;
      const about = [...new Set(list.flatMap((x) => x.entries))].slice(0, 100);
      const name = list.map((x) => x.name ?? "").join(", ");
      const link = about.length ? `/audit/entries?about=${about.join()}` : "/audit/entries?kind=result&outcome=rejected";
      const text = first.code === "weakening_on" ? w.t("audit.find.weakening_on.text", { name }) : list.length > 1 ? w.t("audit.find.times", { n: list.length }) : "";
      return html`<li>${warning()}<h3>${w.dyn(`audit.find.${first.code}`, { name })}</h3>
        <p>${text} <a href=${link}>${w.t("audit.find.entries")}</a></p></li>`;
    });
  }

  card(c: Card): TemplateResult {
    const { words: w } = this.ctx;
    return html`<section class="card ${c.wide ? "wide" : c.tall ? "tall" : ""}" aria-labelledby=${c.id}>
      <header><h2 id=${c.id}>${c.title}</h2><p class="muted small">${c.sub}</p></header>${c.legend ?? nothing}${c.plot}
      ${c.table === nothing ? nothing : html`<div class="acts"><details><summary>${w.t("audit.table")}</summary>${c.table}</details><a href=${c.link}>${w.t("audit.entries.link")}</a></div>`}</section>`;
  }

  cards(f: Figures): Card[] {
    const { words: w } = this.ctx;
    const { requests, answered } = f.total;
    const none = { plot: nothing, table: nothing } as const;
    const due = plots.due(f);
    return [
      {
        id: "p1", wide: true, link: "/audit/entries?kind=request", legend: plots.legend(w),
        title: requests ? w.t("audit.p.requests", { share: w.share(answered, requests) }) : w.t("audit.p.requests.none"),
        sub: w.t("audit.p.requests.sub", { requests: w.requests(requests) }),
        ...(requests ? { plot: plots.requestsPlot(f, w), table: tables.requestsTable(f, w) } : none),
      },
      {
        id: "p2", tall: true, link: "/audit/entries?kind=request", title: w.t("audit.p.claims"), sub: w.t("audit.p.claims.sub"),
        ...(requests ? { plot: plots.claimsPlot(f, w), table: tables.claimsTable(f, w) } : none),
      },
      {
        id: "p3", link: "/audit/entries?kind=result&outcome=no_answer", title: w.t("audit.p.noanswer"), sub: w.t("audit.p.noanswer.sub"),
        ...(requests ? { plot: plots.noAnswerPlot(f, w), table: tables.noAnswerTable(f, w) } : none),
      },
      {
        id: "p6", link: "/audit/entries?kind=config", title: plots.weakTitle(f, w), sub: w.t("audit.p.weak.sub"),
        ...(f.weakenings.length ? { plot: plots.weakPlot(f, w), table: tables.weakTable(f, w) } : none),
      },
      {
        id: "p4", link: "/audit/entries?kind=retention",
        title: due ? w.t("audit.p.deadlines", { kept: plots.kept(f), due }) : w.t("audit.p.deadlines.none"), sub: w.t("audit.p.deadlines.sub"),
        ...(due ? { plot: plots.deadlinesPlot(f, w), table: tables.deadlinesTable(f, w) } : none),
      },
      {
        id: "p5", link: "/audit/entries?kind=withdrawal", sub: w.t("audit.p.withdrawals.sub"),
        title: f.withdrawals.total ? w.t("audit.p.withdrawals", { n: plots.sealedIn(f), total: f.withdrawals.total }) : w.t("audit.p.withdrawals.none"),
        ...(f.withdrawals.total ? { plot: plots.withdrawalsPlot(f, w), table: tables.withdrawalsTable(f, w) } : none),
      },
    ];
  }
}
customElements.define("audit-overview", Overview);
