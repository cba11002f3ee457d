// Plots: x in percent, y in pixels, so that text keeps its size at every width.
// Every plot has a spoken summary here and a table beside it.

import { html, svg, type SVGTemplateResult, type TemplateResult } from "lit";
import type { Figures } from "./api";
import { swatch } from "./icons";
import { hourStart, type Words } from "./words";

export const outcomes = ["answered", "no_answer", "expired", "rejected"] as const;
const kinds = { answered: "v1", no_answer: "v2", expired: "v3", rejected: "v4" } as const;

export const legend = (w: Words): TemplateResult =>
  html`<ul class="legend">${outcomes.map((o) => html`<li>${swatch(kinds[o])}${w.t(`audit.outcome.${o}`)}</li>`)}</ul>`;

/** The newest weeks that fit on a phone. */
const newest = <T>(list: T[]): T[] => list.slice(-12);

/** Round steps for an axis up to at least max. */
function axis(max: number): number[] {
  const raw = Math.max(max, 3) / 3;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = Math.max(1, ([1, 2, 5, 10].find((m) => m * power >= raw) ?? 10) * power);
  return [0, step, 2 * step, 3 * step];
}

const FLOOR = 190;
const ROOM = 166;

function grid(steps: number[], w: Words): SVGTemplateResult[] {
  return steps.map((v, i) => {
    const y = FLOOR - (ROOM * i) / 3;
    return svg`<line x1="0" x2="91%" y1=${y} y2=${y} class=${i ? "g" : "g0"}></line>
      <text x="100%" y=${y + 5} text-anchor="end">${w.n(v)}</text>`;
  });
}

export function requestsPlot(f: Figures, w: Words): TemplateResult {
  const weeks = newest(f.weeks);
  const [only, second] = weeks;
  if (only && !second) return oneWeek(only, w);
  const steps = axis(Math.max(...weeks.map((k) => k.requests)));
  const top = steps[3] ?? 1;
  const slot = 91 / Math.max(weeks.length, 4);
  const label = `${w.t("audit.p.requests.axis")}: ${weeks.map((k) => `${k.week}: ${w.n(k.requests)}`).join(", ")}`;
  return html`<svg class="plot" height="266" role="img" aria-label=${label}>
    ${svg`<text x="0" y="14">${w.t("audit.p.requests.axis")}</text>`}${grid(steps, w)}
    ${weeks.map((k, i) => {
      const x = i * slot + slot * 0.12;
      const wide = slot * 0.76;
      let y = FLOOR;
      const bars = (["answered", "no_answer", "expired"] as const).map((o) => {
        const h = (k[o] / top) * ROOM;
        y -= h;
        return svg`<rect x="${x}%" y=${y} width="${wide}%" height=${Math.max(0, h - 1.5)} class=${kinds[o]}></rect>`;
      });
      return svg`${bars}<text x="${x + wide / 2}%" y="210" text-anchor="middle">${k.week.slice(-2)}</text>
        <rect x="${x}%" y="244" width="${wide}%" height="22" class=${k.rejected ? "v4" : "track"}></rect>
        <rect x="${x + wide * 0.2}%" y="247" width="${wide * 0.6}%" height="16" fill="var(--surface)"></rect>
        <text x="${x + wide / 2}%" y="260" text-anchor="middle" class=${k.rejected ? "b" : ""}>${w.n(k.rejected)}</text>`;
    })}${svg`<text x="0" y="236">${w.t("audit.p.requests.rejected")}</text>`}</svg>`;
}

/** A log of one week has no course over time: its parts fill the width. */
function oneWeek(k: Figures["weeks"][number], w: Words): TemplateResult {
  const label = `${w.t("audit.th.week")} ${k.week}: ${w.requests(k.requests)}, ${outcomes.map((o) => `${w.t(`audit.outcome.${o}`)} ${w.n(k[o])}`).join(", ")}`;
  let x = 0;
  const parts = ([...outcomes, "open"] as const).filter((o) => k[o] > 0).map((o) => {
    const wide = (k[o] / k.requests) * 100;
    const at = x;
    x += wide;
    return svg`<rect x="${at}%" y="26" width="${Math.max(wide - 0.4, 0.4)}%" height="40" class=${o === "open" ? "track" : kinds[o]}></rect>
      <text x="${at + wide / 2}%" y="86" text-anchor="middle" class="i">${w.n(k[o])}</text>`;
  });
  return html`<svg class="plot" height="92" role="img" aria-label=${label}>${svg`<text x="0" y="14">${w.t("audit.th.week")} ${k.week.slice(-2)}</text>
    <text x="100%" y="14" text-anchor="end" class="b">${w.requests(k.requests)}</text>`}${parts}</svg>`;
}

export function claimsPlot(f: Figures, w: Words): TemplateResult {
  const most = Math.max(1, ...f.purposes.map((p) => p.requests));
  let y = -14;
  const rows = f.purposes.map((p) => {
    y += 32;
    const head = svg`<text x="0" y=${y} class="b">${w.pick(p.label)}</text><text x="0" y=${y + 20}>${w.requests(p.requests)}</text>`;
    y += 22;
    return svg`${head}${p.claims.map((c) => {
      y += 24;
      return svg`<text x="0" y=${y} class="i">${clip(w.pick(c.label))}</text>
        <rect x="62%" y=${y - 11} width="28%" height="14" class="track"></rect>
        <rect x="62%" y=${y - 11} width="${(c.asked / most) * 28}%" height="14" class="v1"></rect>
        <text x="100%" y=${y + 1} text-anchor="end" class="i">${w.n(c.asked)}</text>`;
    })}`;
  });
  return html`<svg class="plot" height=${y + 12} role="img" aria-label=${w.t("audit.p.claims")}>${rows}</svg>`;
}

const clip = (s: string): string => (s.length > 24 ? `${s.slice(0, 23)}…` : s);

export function noAnswerPlot(f: Figures, w: Words): TemplateResult {
  const share = (p: { no_answer: number; requests: number }): number => (p.requests ? p.no_answer / p.requests : 0);
  const list = [...f.purposes].sort((a, b) => share(b) - share(a));
  const all = share(f.total) * 84;
  const label = list.map((p) => `${w.pick(p.label)}: ${w.share(p.no_answer, p.requests)}`).join(", ");
  return html`<svg class="plot" height=${list.length * 48 + 30} role="img" aria-label=${label}>
    ${svg`<text x="${Math.min(Math.max(all, 8), 80)}%" y="13" text-anchor="middle" class="i">${w.t("audit.p.noanswer.all", { share: w.share(f.total.no_answer, f.total.requests) })}</text>`}
    ${list.map((p, i) => {
      const y = 60 + i * 48;
      return svg`<text x="0" y=${y - 14} class="i">${w.pick(p.label)}</text><line x1="0" x2="84%" y1=${y} y2=${y} class="g"></line>
        <line x1="0" x2="${share(p) * 84}%" y1=${y} y2=${y} class="line2"></line>
        <line x1="${all}%" x2="${all}%" y1=${y - 7} y2=${y + 7} class="tick"></line>
        <circle cx="${share(p) * 84}%" cy=${y} r="7" class="dot2"></circle>
        <text x="100%" y=${y + 5} text-anchor="end" class="b">${w.share(p.no_answer, p.requests)}</text>`;
    })}</svg>`;
}

export function deadlinesPlot(f: Figures, w: Words): TemplateResult {
  const weeks = newest(f.deadlines);
  const steps = axis(Math.max(...weeks.map((d) => d.due)));
  const top = steps[3] ?? 1;
  const slot = 91 / Math.max(weeks.length, 4);
  const label = weeks.map((d) => `${d.week}: ${d.in_time + d.late} / ${d.due}`).join(", ");
  return html`<svg class="plot" height="220" role="img" aria-label=${label}>
    ${svg`<text x="0" y="14">${w.t("audit.p.deadlines.axis")}</text>`}${grid(steps, w)}
    ${weeks.map((d, i) => {
      const x = i * slot + slot * 0.12;
      const wide = slot * 0.76;
      const done = ((d.in_time + d.late) / top) * ROOM;
      const due = FLOOR - (d.due / top) * ROOM;
      const wrong = d.late + d.open;
      return svg`<rect x="${x}%" y=${FLOOR - done} width="${wide}%" height=${done} class="v1"></rect>
        <line x1="${x - slot * 0.06}%" x2="${x + wide + slot * 0.06}%" y1=${due} y2=${due} class="mark"></line>
        <text x="${x + wide / 2}%" y="210" text-anchor="middle">${d.week.slice(-2)}</text>
        ${wrong ? svg`<circle cx="${x + wide / 2}%" cy=${due - 12} r="6" class="ring"></circle>
          <text x="${x + wide / 2}%" y=${due - 24} text-anchor="middle" class="b">${w.n(wrong)}</text>` : ""}`;
    })}</svg>`;
}

export const erased = ["same_hour", "next_hour", "later", "open"] as const;

export function withdrawalsPlot(f: Figures, w: Words): TemplateResult {
  const most = Math.max(1, ...erased.map((k) => f.withdrawals[k]));
  const label = erased.map((k) => `${w.t(`audit.w.${k}`)}: ${w.n(f.withdrawals[k])}`).join(", ");
  return html`<svg class="plot" height="108" role="img" aria-label=${label}>${erased.map((k, i) => {
    const y = 16 + i * 26;
    return svg`<text x="0" y=${y} class="i">${w.t(`audit.w.${k}`)}</text>
      <rect x="38%" y=${y - 11} width="46%" height="14" class="track"></rect>
      <rect x="38%" y=${y - 11} width="${(f.withdrawals[k] / most) * 46}%" height="14" class=${i < 2 ? "v1" : "v4"}></rect>
      <text x="100%" y=${y + 1} text-anchor="end" class="i">${w.n(f.withdrawals[k])}</text>`;
  })}</svg>`;
}

export function weakPlot(f: Figures, w: Words): TemplateResult {
  const names = [...new Set(f.weakenings.map((x) => x.name))];
  const from = hourStart(f.from).getTime();
  const span = Math.max(hourStart(f.to).getTime() + 3_600_000 - from, 3_600_000);
  const at = (hour: string): number => ((hourStart(hour).getTime() - from) / span) * 100;
  const label = f.weakenings.map((x) => `${x.name}: ${w.hour(x.from)} – ${x.to ? w.hour(x.to) : w.t("audit.now")}`).join(", ");
  return html`<svg class="plot" height=${names.length * 56 + 24} role="img" aria-label=${label}>
    ${names.map((name, i) => {
      const y = 26 + i * 56;
      const spans = f.weakenings.filter((x) => x.name === name);
      return svg`<text x="0" y=${y - 10} class="i">${name}</text><rect x="0" y=${y} width="100%" height="12" class="track"></rect>
        <text x="100%" y=${y - 10} text-anchor="end" class="b">${w.t("audit.p.weak.times", { n: spans.length })}</text>
        ${spans.map((x) => {
          const start = Math.min(at(x.from), 99);
          const end = x.to ? at(x.to) : 100;
          return svg`<rect x="${start}%" y=${y - 3} width="${Math.max(0.9, end - start)}%" height="18" class="weak"></rect>`;
        })}`;
    })}
    ${svg`<text x="0" y=${names.length * 56 + 14}>${w.day(f.from)}</text>
      <text x="100%" y=${names.length * 56 + 14} text-anchor="end">${w.day(f.to)}</text>`}</svg>`;
}

/** Sums that headings speak of. */
export const kept = (f: Figures): number => f.deadlines.reduce((n, d) => n + d.in_time, 0);
export const due = (f: Figures): number => f.deadlines.reduce((n, d) => n + d.due, 0);
export const sealedIn = (f: Figures): number => f.withdrawals.same_hour + f.withdrawals.next_hour;

export function weakTitle(f: Figures, w: Words): string {
  const on = f.weakenings.filter((x) => !x.to).length;
  const state = on === 0 ? w.t("audit.p.weak.off") : on === 1 ? w.t("audit.p.weak.on", { n: 1 }) : w.t("audit.p.weak.on.many", { n: on });
  if (f.weakenings.length === 0) return w.t("audit.p.weak.none");
  return f.weakenings.length === 1 ? w.t("audit.p.weak.one", { on: state }) : w.t("audit.p.weak", { n: f.weakenings.length, on: state });
}

