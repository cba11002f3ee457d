// The small paper above the preview: decoration that moves with what the
// engine worked out. The list below it is what is true.

import { html, nothing, type TemplateResult } from "lit";
import type { Outcome } from "../views";
import type { Words } from "../../texts/index";

export function paper(w: Words, title: string, outcome: Outcome): TemplateResult | typeof nothing {
  const lines = outcome.lines ?? [];
  const shaping = lines.filter((l) => l.key === "home.topics" || l.key === "article.length" || l.key === "ui.layout");
  if (!shaping.length) return nothing;
  const changed = (key: string) => lines.find((l) => l.key === key && l.changed);
  const topics = changed("home.topics");
  const looks = ["paper", changed("article.length") ? "paper--short" : "", changed("ui.layout") ? "paper--guide" : ""].join(" ");
  const bars = html`<i></i><i></i><i></i><i></i>`;
  return html`<div class=${looks} aria-hidden="true">
    <p class="paper__title">${title}</p>
    <div class="paper__grid">
      <div class="story"><span class="story__picture"></span>
        ${topics ? html`<span class="story__head story__head--changed">${w.pick(topics.value)}</span>` : html`<span class="story__bar"></span>`}${bars}</div>
      <div class="story story--second"><span class="story__bar"></span>${bars}<i></i></div>
    </div>
  </div>`;
}
