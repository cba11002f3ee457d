// What you showed to whom: kinds, never values.

import { html } from "lit";
import { icon } from "../icons";
import { Page } from "../page";
import { follow, kindsOf, stateOf } from "../parts/common";
import { reasonOf } from "../reason";
import type { HistoryRow } from "../views";

export class HistoryPage extends Page {
  #rows: HistoryRow[] | null = null;

  get name(): string {
    return this.ctx.words.t("history.name");
  }

  override async connectedCallback(): Promise<void> {
    super.connectedCallback();
    try {
      this.#rows = (await this.ctx.engine.history()) ?? [];
      this.requestUpdate();
    } catch (err) {
      this.ctx.fail({ reason: reasonOf(err), sent: "not-asked" });
    }
  }

  override render() {
    const w = this.ctx.words;
    return html`<div class="stack stack--wide">
      <div class="stack stack--tight"><h1>${w.t("history.name")}</h1><p>${w.t("history.why")}</p></div>
      ${this.#rows === null
        ? html`<facet-wait .ctx=${this.ctx} what=${w.t("history.loading")}></facet-wait>`
        : this.#rows.length === 0
          ? html`<div class="empty"><p><strong>${w.t("nothing_yet")}</strong> ${w.t("history.empty")}</p></div>`
          : html`<div class="columns stack stack--wide">${byParty(this.#rows).map((rows, i) => this.#party(rows, i))}</div>`}
    </div>`;
  }

  #party(rows: HistoryRow[], n: number) {
    const w = this.ctx.words;
    const first = rows.reduce((least, row) => Math.min(least, row.at), Infinity);
    const name = rows[0]!.party || rows[0]!.domain;
    return html`<section class="section" aria-labelledby="party-${n}">
      <div class="section__head"><h2 id="party-${n}">${name}</h2><span class="small muted">${w.t("history.since", { date: w.date(first) })}</span></div>
      <ul class="rows">
        ${rows.map((row) => {
          const path = `/history/${encodeURIComponent(row.id)}`;
          return html`<li><a class="row" href=${path} @click=${follow(this.ctx, path)}>
            <span class="row__text"><span class="row__name">${kindsOf(w, row)}</span><span class="small muted">${w.when(row.at)}</span></span>
            ${stateOf(w, row)} ${icon("expand")}
          </a></li>`;
        })}
      </ul>
    </section>`;
  }
}
customElements.define("facet-history", HistoryPage);

/** Rows by site, the site with the newest first; newest first within. */
function byParty(rows: HistoryRow[]): HistoryRow[][] {
  const groups = new Map<string, HistoryRow[]>();
  for (const row of [...rows].sort((a, b) => b.at - a.at)) {
    const who = row.party || row.domain;
    groups.set(who, [...(groups.get(who) ?? []), row]);
  }
  return [...groups.values()];
}
