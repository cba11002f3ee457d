// When something suits: up to four windows of days and half hours.

import { html, nothing } from "lit";
import { Part } from "../page";
import { icon } from "../icons";
import type { Day, SendWindow } from "../views";

const days: Day[] = ["mo", "tu", "we", "th", "fr", "sa", "su"];
const halfHours = Array.from({ length: 48 }, (_, i) => `${String(i >> 1).padStart(2, "0")}:${i % 2 ? "30" : "00"}`);

/** Most windows the schema takes. */
const MAX = 4;

export class Week extends Part {
  static override properties = { ...Part.properties, windows: { attribute: false } };
  declare windows: SendWindow[];

  override render() {
    const w = this.ctx.words;
    return html`<div class="stack">
      ${this.windows.map((one, i) => this.#window(one, i))}
      ${this.windows.length < MAX
        ? html`<p><button class="button button--plain" type="button" @click=${this.#add}>${icon("add")}${w.t("window.add")}</button></p>`
        : nothing}
    </div>`;
  }

  #window(one: SendWindow, i: number) {
    const w = this.ctx.words;
    const times = (chosen: string) => halfHours.map((t) => html`<option value=${t} ?selected=${t === chosen}>${clock(t)}</option>`);
    return html`<div class="window" role="group" aria-label=${w.t("window.name", { n: i + 1 })}>
      <div class="window__times">
        <select class="input" aria-label=${w.t("window.from")} @change=${(e: Event) => this.#set(i, { from: value(e) })}>${times(one.from)}</select>
        <span>${w.t("window.until")}</span>
        <select class="input" aria-label=${w.t("window.to")} @change=${(e: Event) => this.#set(i, { to: value(e) })}>${times(one.to)}</select>
        <button class="icon-button" type="button" aria-label=${w.t("window.delete", { n: i + 1 })} @click=${() => this.#delete(i)}>${icon("bin")}</button>
      </div>
      <div class="week" role="group" aria-label=${w.t("window.days")}>
        ${days.map((d) => html`<label><input type="checkbox" .checked=${one.days.includes(d)} aria-label=${w.t(`day.${d}`)}
          @change=${(e: Event) => this.#day(i, d, (e.target as HTMLInputElement).checked)} />${w.t(`day.${d}.short`)}</label>`)}
      </div>
    </div>`;
  }

  #day(i: number, day: Day, on: boolean): void {
    const had = this.windows[i]!.days;
    this.#set(i, { days: days.filter((d) => (d === day ? on : had.includes(d))) });
  }

  #set(i: number, change: Partial<SendWindow>): void {
    this.#emit(this.windows.map((one, at) => (at === i ? { ...one, ...change } : one)));
  }

  readonly #add = (): void => {
    const tz = Intl.DateTimeFormat().resolvedOptions().timeZone;
    this.#emit([...this.windows, { days: ["mo", "tu", "we", "th", "fr"], from: "07:00", to: "08:00", tz }]);
  };

  #delete(i: number): void {
    this.#emit(this.windows.filter((_, at) => at !== i));
  }

  #emit(windows: SendWindow[]): void {
    this.dispatchEvent(new CustomEvent<SendWindow[]>("windows", { detail: windows }));
  }
}
customElements.define("facet-week", Week);

function value(event: Event): string {
  return (event.target as HTMLSelectElement).value;
}

/** "06:30" as people write it. */
function clock(t: string): string {
  return t.replace(/^0/, "");
}
