// The drawings of the wallet: one stroke, square ends, 24 units. An icon never
// carries meaning alone; there is always a word beside it.

import { html, type TemplateResult } from "lit";

const paths = {
  accept: "m5 12.5 4.5 4.5L19 7.5",
  back: "m15 5-7 7 7 7",
  add: "M12 5v14M5 12h14",
  benefit: "M4 9h16v11H4zM12 9v11M4 13h16M12 9 8 4M12 9l4-5",
  bin: "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13",
  business: "M4 8h16v11H4zM9 8V5h6v3M4 13h16",
  close: "m6 6 12 12M18 6 6 18",
  clock: "m12 3 8 4.5v9L12 21l-8-4.5v-9zM12 8v4.5l3 1.5",
  copy: "M9 9h11v11H9zM15 5V4H4v11h1",
  expand: "m9 5 7 7-7 7",
  eye: "M2.5 12 7 7h10l4.5 5L17 17H7zM12 9.5l2.5 2.5-2.5 2.5L9.5 12z",
  family: "m8 4 3 2v3l-3 2-3-2V6zM17 8l2 1.5v2.5L17 13.5 15 12V9.5zM2.5 20l1.5-6h8l1 4M13 20l1-3.5h6l1 3.5",
  flag: "M6 21V4h12l-3 4 3 4H6",
  hide: "M2.5 12 7 7h10l4.5 5L17 17H7zM4.5 19.5l15-15",
  history: "M4 5v5h5M4.6 10A8 8 0 1 1 4 13M12 8v5l3 2",
  home: "M4 11 12 4l8 7v9h-5v-6H9v6H4z",
  info: "m12 3 8 4.5v9L12 21l-8-4.5v-9zM12 11v5M12 8v.2",
  key: "m4 12 4-4 4 4-4 4zM12 12h9v4M17 12v3",
  learning: "m12 5 9 4.5-9 4.5-9-4.5zM6.5 12v5L12 19.5l5.5-2.5v-5",
  letter: "M4 6h16v12H4zM4 7l8 6 8-6",
  lock: "M5 11h14v9H5zM8 11V8l2-3h4l2 3v3",
  moon: "M18 15 9 6l1-3-5 5v7l6 6h6l4-5z",
  preferences: "M4 7h9M17 7h3M4 17h3M11 17h9M15 4.5l2.5 2.5L15 9.5 12.5 7zM9 14.5l2.5 2.5L9 19.5 6.5 17z",
  print: "M7 9V4h10v5M7 16H4V9h16v7h-3M7 13.5h10V20H7z",
  private: "m12 4 3.5 2v4L12 12 8.5 10V6zM5 20l1.5-5h11l1.5 5z",
  purpose: "M4 5h16v11h-7l-5 4v-4H4z",
  save: "M12 4v11M7.5 11l4.5 4.5 4.5-4.5M4 20h16",
  screen: "M5 5h14v10H5zM2.5 19h19",
  search: "m11 4 6 4v6l-6 4-6-4V8zM16.5 16.5l4 4",
  settings: "M12 3.5 19.4 7.75v8.5L12 20.5l-7.4-4.25v-8.5zM12 9l2.6 1.5v3L12 15l-2.6-1.5v-3z",
  trust: "m12 3 7 3v6c0 4-3 7-7 9-4-2-7-5-7-9V6zM8.5 12l2.5 2.5 4.5-5",
  undo: "M9 5 4 10l5 5M4 10h11l5 4v5",
  unknown: "M4 5h16v11h-7l-5 4v-4H4zM10 8.5h4v2.5h-2v1.5",
  warning: "M12 4 21.5 20h-19zM12 10v4.5M12 17v.2",
} as const;

export type IconName = keyof typeof paths;

export function icon(name: IconName): TemplateResult {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d=${paths[name]} /></svg>`;
}

/** The stone with five cuts. */
export function mark(size: "mark" | "mark--large" = "mark"): TemplateResult {
  return html`<svg class=${size} viewBox="0 0 24 24" aria-hidden="true">
    <path class="cut-2" d="M7 2h11l-4 7z" /><path class="cut-4" d="M18 2l5 8-9-1z" />
    <path class="cut-5" d="M23 10 11 23l3-14z" /><path class="cut-3" d="M11 23 1 9h13z" />
    <path class="cut-1" d="M1 9l6-7 7 7z" />
  </svg>`;
}

/** Decoration beside "You send": each answer that leaves lights one cut; the fifth never lights. */
export function gem(leaving: number, possible: number): TemplateResult {
  const lit = possible <= 4 ? leaving : Math.ceil((leaving / possible) * 4);
  const on = (n: number) => (lit >= n ? `is-lit-${n}` : "");
  return html`<svg class="gem" viewBox="0 0 24 24" aria-hidden="true">
    <path class=${on(2)} d="M7 2h11l-4 7z" /><path class=${on(3)} d="M18 2l5 8-9-1z" />
    <path class=${on(1)} d="M23 10 11 23l3-14z" /><path class=${on(4)} d="M11 23 1 9h13z" />
    <path d="M1 9l6-7 7 7z" />
  </svg>`;
}
