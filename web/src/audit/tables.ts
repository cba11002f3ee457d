// The tables behind the plots: the same figures, for reading and copying.

import { html, type TemplateResult } from "lit";
import type { Figures } from "./api";
import { erased, outcomes } from "./plots";
import type { Words } from "./words";

/** A region of its own name: the card around it is named after the finding. */
function table(w: Words, name: string, head: string[], rows: (string | TemplateResult)[][]): TemplateResult {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${w.t("audit.table")}: ${name}"><table><thead><tr>
    ${head.map((h) => html`<th scope="col">${h}</th>`)}</tr></thead><tbody>
    ${rows.map((r) => html`<tr>${r.map((c, i) => (i ? html`<td>${c}</td>` : html`<th scope="row">${c}</th>`))}</tr>`)}
  </tbody></table></div>`;
}

const counts = [...outcomes, "open"] as const;

export const requestsTable = (f: Figures, w: Words): TemplateResult =>
  table(
    w,
    w.t("audit.p.requests.axis"),
    [w.t("audit.th.week"), w.t("audit.th.requests"), ...counts.map((o) => w.t(`audit.outcome.${o}`))],
    f.weeks.map((k) => [
      html`<a href="/audit/entries?kind=request&week=${k.week}">${k.week}</a>`,
      w.n(k.requests),
      ...counts.map((o) => w.n(k[o])),
    ]),
  );

export const claimsTable = (f: Figures, w: Words): TemplateResult =>
  table(
    w,
    w.t("audit.p.claims"),
    [w.t("audit.th.claim"), w.t("audit.th.path"), w.t("audit.th.purpose"), w.t("audit.th.requests")],
    f.purposes.flatMap((p) => p.claims.map((c) => [w.pick(c.label), html`<code>${c.path}</code>`, w.pick(p.label), w.n(c.asked)])),
  );

export const purposesTable = (f: Figures, w: Words): TemplateResult =>
  table(
    w,
    w.t("audit.th.purpose"),
    [w.t("audit.th.purpose"), w.t("audit.th.requests"), ...counts.map((o) => w.t(`audit.outcome.${o}`)), w.t("audit.th.due"), w.t("audit.th.late")],
    f.purposes.map((p) => [
      html`<a href="/audit/entries?purpose=${p.purpose}">${w.pick(p.label)}</a>`,
      w.n(p.requests),
      ...counts.map((o) => w.n(p[o])),
      w.n(p.due),
      w.n(p.late),
    ]),
  );

export const noAnswerTable = (f: Figures, w: Words): TemplateResult =>
  table(
    w,
    w.t("audit.p.noanswer"),
    [w.t("audit.th.purpose"), w.t("audit.th.requests"), w.t("audit.outcome.no_answer"), w.t("audit.th.share")],
    f.purposes.map((p) => [
      html`<a href="/audit/entries?kind=result&outcome=no_answer&purpose=${p.purpose}">${w.pick(p.label)}</a>`,
      w.n(p.requests),
      w.n(p.no_answer),
      w.share(p.no_answer, p.requests),
    ]),
  );

export const deadlinesTable = (f: Figures, w: Words): TemplateResult =>
  table(
    w,
    w.t("audit.p.deadlines.axis"),
    [w.t("audit.th.week"), w.t("audit.th.due"), w.t("audit.th.intime"), w.t("audit.th.late"), w.t("audit.outcome.open")],
    f.deadlines.map((d) => [d.week, w.n(d.due), w.n(d.in_time), w.n(d.late), w.n(d.open)]),
  );

export const withdrawalsTable = (f: Figures, w: Words): TemplateResult =>
  table(w, w.t("audit.kind.withdrawal"), [w.t("audit.th.how"), w.t("audit.th.count")], erased.map((k) => [w.t(`audit.w.${k}`), w.n(f.withdrawals[k])]));

export const weakTable = (f: Figures, w: Words): TemplateResult =>
  table(
    w,
    w.t("audit.r.weak"),
    [w.t("audit.th.setting"), w.t("audit.th.from"), w.t("audit.th.to"), w.t("audit.th.entry")],
    f.weakenings.map((x) => [
      html`<code>${x.name}</code>`,
      w.hour(x.from),
      x.to ? w.hour(x.to) : w.t("audit.now"),
      html`<a href="/audit/entry/${x.index}">${w.n(x.index)}</a>`,
    ]),
  );
