// A value that is masked until it is asked for. Until then it is not in the
// page at all, and it is masked again when the window is left.

import { html, nothing } from "lit";
import { Part } from "../page";
import { icon } from "../icons";

export class Reveal extends Part {
  static override properties = { ...Part.properties, what: {}, label: {}, note: {}, load: { attribute: false }, value: { state: true } };
  /** What would be shown, for its accessible name. */
  declare what: string;
  declare label: string;
  declare note: string;
  declare load: () => Promise<string>;
  declare value: string | null;

  constructor() {
    super();
    this.what = "";
    this.label = "";
    this.note = "";
    this.value = null;
  }

  readonly #away = (): void => {
    if (document.visibilityState !== "hidden") return;
    const details = this.querySelector("details");
    if (details) details.open = false;
  };

  override connectedCallback(): void {
    super.connectedCallback();
    document.addEventListener("visibilitychange", this.#away);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    document.removeEventListener("visibilitychange", this.#away);
    this.value = null;
  }

  override render() {
    const w = this.ctx.words;
    return html`<details class="reveal" @toggle=${this.#toggle}>
      <summary>
        <span>${this.label}</span><span class="reveal__mask" aria-hidden="true">••••••</span>
        <span class="reveal__hint">
          <span class="reveal__show">${icon("eye")}${w.t("reveal.show")}</span>
          <span class="reveal__hide">${icon("hide")}${w.t("reveal.hide")}</span>
          <span class="hidden-text">: ${this.what}</span>
        </span>
      </summary>
      <p class="reveal__value" aria-live="polite">
        ${this.value ?? "…"}${this.note ? html`<span class="small muted"> · ${this.note}</span>` : nothing}
      </p>
    </details>`;
  }

  readonly #toggle = async (event: Event): Promise<void> => {
    const { open } = event.target as HTMLDetailsElement;
    if (!open) {
      this.value = null;
      return;
    }
    try {
      this.value = await this.load();
    } catch {
      this.value = this.ctx.words.t("reveal.failed");
    }
  };
}
customElements.define("facet-reveal", Reveal);
