// The state of the log in one line, and what stands behind it.

import { html, nothing, type TemplateResult } from "lit";
import { broken, proven } from "./icons";
import type { Context } from "./page";

export function stateLine(ctx: Context, requests: number): TemplateResult {
  const { words: w, state, check } = ctx;
  if (check.bad) {
    const title = check.bad === "entry" && check.entry !== undefined ? w.t("audit.bad.entry.n", { n: check.entry }) : w.t(`audit.bad.${check.bad}`);
    return html`<section class="proof proof--bad" aria-labelledby="st"><div>${broken()}<h1 id="st">${title}</h1></div>
      <p>${w.t("audit.bad.do")}</p></section>`;
  }
  const own = check.signature === "browser" && check.tree === "browser";
  const since = state.since ? w.day(state.since) : "";
  const title = state.size === 0 ? w.t("audit.none") : w.t(own ? "audit.state.good" : "audit.state.server", { since });
  return html`<section class="proof" aria-labelledby="st"><div>${proven()}<h1 id="st">${title}</h1></div>
    <p class="num"><b>${state.size === 1 ? w.t("audit.state.entry") : w.t("audit.state.entries", { n: state.size })}</b>
      ${state.witnesses.length ? w.t("audit.state.witnesses", { names: state.witnesses.join(", ") }) : w.t("audit.state.nowitness")}
      ${state.signed ? w.t("audit.state.signed", { when: w.moment(state.signed) }) : nothing}</p>
    <div class="facts"><details><summary>${w.t("audit.state.what")}</summary><ul class="small">
      <li>${w.t(`audit.state.sig.${check.signature}`)}</li>
      <li>${w.t(`audit.state.tree.${check.tree}`, { n: state.size })}</li>
      <li>${w.t(`audit.state.memory.${check.memory}`)}</li>
      <li>${w.t("audit.state.policies", { requests: w.requests(requests) })}</li>
      <li class="hint">${w.t("audit.state.key")} <code>${state.vkey}</code></li></ul></details>
    <details><summary>${w.t("audit.state.checkpoint")}</summary><pre tabindex="0">${state.checkpoint}</pre></details></div></section>`;
}
