import { html, svg, type TemplateResult } from "lit";

const icon = (d: string, kind = ""): TemplateResult =>
  html`<svg class="ico ${kind}" viewBox="0 0 24 24" aria-hidden="true"><path d=${d}></path></svg>`;

export const proven = (): TemplateResult => icon("M12 2l8 4v6c0 5-3.5 8.5-8 10-4.5-1.5-8-5-8-10V6zM8 12l3 3 5-6", "ok");
export const broken = (): TemplateResult => icon("M12 2l8 4v6c0 5-3.5 8.5-8 10-4.5-1.5-8-5-8-10V6zM9 9l6 6M15 9l-6 6");
export const warning = (): TemplateResult => icon("M12 3l10 18H2zM12 10v5M12 17.5v1");
export const more = (): TemplateResult => icon("M12 5v14M5 12h14");
export const less = (): TemplateResult => icon("M5 12h14");
export const other = (): TemplateResult => icon("M5 9h14M5 15h14M15 5L9 19");
export const arrow = (): TemplateResult => icon("M4 12h16M14 6l6 6-6 6");

export const mark = (): TemplateResult => html`<svg viewBox="0 0 24 24" aria-hidden="true">
  <path fill="var(--cut-1)" d="M12 1 21 6.5 15 10z"></path><path fill="var(--cut-4)" d="M12 1 15 10 3 6.5z"></path>
  <path fill="var(--cut-2)" d="M3 6.5 15 10 12 23 3 17.5z"></path><path fill="var(--cut-3)" d="M21 6.5v11L12 23l3-13z"></path></svg>`;

/** The hatching of "rejected", once per page. */
export const hatch = (): TemplateResult => html`<svg class="defs" aria-hidden="true"><defs>${svg`
  <pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
    <rect width="5" height="5" fill="var(--surface)"></rect><rect width="2.6" height="5" fill="var(--v4)"></rect>
  </pattern>`}</defs></svg>`;

/** The small square of a legend or tag. */
export const swatch = (kind: string): TemplateResult =>
  html`<svg viewBox="0 0 14 14" aria-hidden="true"><rect x="1" y="1" width="12" height="12" class=${kind}></rect></svg>`;
