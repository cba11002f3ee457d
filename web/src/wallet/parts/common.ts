// The small parts that many pages share. Functions, not elements: they keep no state.

import { html, nothing, type TemplateResult } from "lit";
import type { Context } from "../context";
import { icon, type IconName } from "../icons";
import { safeLogo } from "../safe";
import type { Asker, HistoryRow, ReceiptState } from "../views";
import type { Key, Words } from "../../texts/index";

/** A site's sign: its logo when it is a picture that fetches nothing, else the first letter of its name. */
export function logo(name: string, uri?: string, small = false): TemplateResult {
  const size = small ? "logo logo--small" : "logo";
  const picture = safeLogo(uri);
  if (picture) return html`<span class=${size}><img src=${picture} alt="" /></span>`;
  const letter = /^\p{L}/u.exec(name)?.[0].toUpperCase();
  return letter
    ? html`<span class="${size} logo--letter" aria-hidden="true">${letter}</span>`
    : html`<span class=${size}>${icon("unknown")}</span>`;
}

/** Who asks, or who offers: always the same facts in the same place. */
export function asker(w: Words, a: Asker): TemplateResult {
  return html`<div class="asker">
    ${logo(a.verified ? a.name : "", a.logo)}
    <div class="asker__who">
      <span class="asker__name">${a.verified ? a.name : w.t("asker.unnamed")}</span>
      <span class="domain">${a.domain}</span>
    </div>
    ${badge(w, a.verified)}
    <p class="asker__facts">${askerFacts(w, a)}</p>
  </div>`;
}

export function badge(w: Words, verified: boolean): TemplateResult {
  return verified
    ? html`<span class="badge badge--trust">${icon("trust")}${w.t("asker.verified")}</span>`
    : html`<span class="badge badge--caution">${icon("warning")}${w.t("asker.unverified")}</span>`;
}

function askerFacts(w: Words, a: Asker): string {
  const register = w.pick(a.register);
  const listed = !register || register.endsWith(".") ? register : w.t("asker.listed", { register });
  const vouched = a.verified ? listed : w.t("asker.nobody");
  const known = a.known_since ? w.t("asker.since", { date: w.date(a.known_since) }) : w.t("asker.first");
  return `${vouched} ${known}`.trim();
}

/** A message with an icon; `strong` is the sentence that matters. */
export function note(kind: "plain" | "trust" | "caution" | "danger", strong: string, rest: unknown = nothing): TemplateResult {
  const symbol: IconName = kind === "trust" ? "trust" : kind === "plain" ? "info" : "warning";
  return html`<div class="note note--${kind}" role=${kind === "plain" ? nothing : "note"}>
    ${icon(symbol)}
    <div><strong>${strong}</strong>${rest === nothing ? nothing : html`<br />${rest}`}</div>
  </div>`;
}

/** A switch between hidden and shown text that the browser itself makes operable. */
export function more(summary: string, body: unknown, extra = ""): TemplateResult {
  return html`<details class="more ${extra}">
    <summary>${icon("expand")}${summary}</summary>
    <div class="more__body">${body}</div>
  </details>`;
}

const states: Record<HistoryRow["state"], { icon: IconName; key: Key; look: string }> = {
  active: { icon: "clock", key: "state.active", look: "muted" },
  expired: { icon: "accept", key: "state.expired", look: "muted" },
  withdrawn: { icon: "undo", key: "state.withdrawn", look: "muted" },
  refused: { icon: "close", key: "state.refused", look: "muted" },
  none: { icon: "close", key: "state.none", look: "muted" },
};

/** What became of a disclosure: icon and word. */
export function stateOf(w: Words, row: HistoryRow): TemplateResult {
  const keptNothing = (row.state === "active" || row.state === "expired") && row.until > 0 && row.until <= row.at;
  if (keptNothing) return html`<span class="row__state is-trust">${icon("accept")}${w.t("state.kept_nothing")}</span>`;
  const s = states[row.state];
  const words = row.state === "active" && row.until > 0 ? w.t("until", { date: w.shortDate(row.until) }) : w.t(s.key);
  return html`<span class="row__state ${s.look}">${icon(s.icon)}${words}</span>`;
}

/** The kinds of what was shown, never values. */
export function kindsOf(w: Words, row: HistoryRow): string {
  const kinds = (row.kinds ?? []).map(w.pick).filter(Boolean);
  return kinds.length ? w.commas(kinds.map((kind, i) => (i ? w.within(kind) : kind))) : w.t("history.no_kinds");
}

const receipts: Record<ReceiptState, { icon: IconName; key: Key; look: string }> = {
  checking: { icon: "clock", key: "receipt.checking", look: "muted" },
  checked: { icon: "trust", key: "receipt.checked", look: "is-trust" },
  missing: { icon: "info", key: "receipt.missing", look: "muted" },
  failed: { icon: "warning", key: "receipt.failed", look: "is-danger" },
};

export function receiptLine(w: Words, state: ReceiptState): TemplateResult {
  const s = receipts[state];
  return html`<p class="row__state ${s.look}" role="status">${icon(s.icon)}${w.t(s.key)}</p>`;
}

/** A link inside the wallet that does not load a page. */
export function follow(ctx: Context, path: string): (event: MouseEvent) => void {
  return (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    ctx.go(path);
  };
}
