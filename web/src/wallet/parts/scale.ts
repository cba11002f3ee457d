// Three steps with words at both ends. No answer is not the middle: then there
// is no thumb at all, and the first key or tap sets one.

import { html, nothing } from "lit";
import { Part } from "../page";

export interface Step {
  value: string;
  words: string;
}

export class Scale extends Part {
  static override properties = { ...Part.properties, name: {}, label: {}, steps: { attribute: false }, value: { attribute: false } };
  declare name: string;
  declare label: string;
  declare steps: Step[];
  declare value: string | undefined;

  override render() {
    const w = this.ctx.words;
    const at = this.steps.findIndex((s) => s.value === this.value);
    const set = at >= 0;
    const words = set ? this.steps[at]!.words : w.t("no_answer");
    const middle = Math.floor((this.steps.length - 1) / 2);
    return html`<div class="scale ${set ? "" : "scale--unset"}">
      <div class="scale__head">
        <label for=${this.name}>${this.label}</label><output for=${this.name}>${words}</output>
        ${set ? html`<button class="text-button" type="button" aria-label=${w.t("clear.what", { what: this.label })} @click=${this.#clear}>${w.t("clear")}</button>` : nothing}
      </div>
      <input type="range" id=${this.name} min="0" max=${this.steps.length - 1} step="1" .value=${String(set ? at : middle)} aria-valuetext=${words}
        @change=${this.#choose} @click=${this.#choose} @keydown=${this.#key} />
      <p class="scale__ends" aria-hidden="true">${this.steps.map((s) => html`<span>${s.words}</span>`)}</p>
    </div>`;
  }

  readonly #choose = (event: Event): void => {
    const step = this.steps[Number((event.target as HTMLInputElement).value)];
    if (step && step.value !== this.value) this.#emit(step.value);
  };

  // Space and Enter take the step the thumb would stand on.
  readonly #key = (event: KeyboardEvent): void => {
    if (event.key !== " " && event.key !== "Enter") return;
    event.preventDefault();
    this.#choose(event);
  };

  readonly #clear = async (): Promise<void> => {
    this.#emit(undefined);
    await this.updateComplete;
    this.querySelector<HTMLInputElement>("input")?.focus();
  };

  #emit(value: string | undefined): void {
    this.dispatchEvent(new CustomEvent<string | undefined>("value", { detail: value }));
  }
}
customElements.define("facet-scale", Scale);
