// <hint-why explain="…" source="…" until="…" without="…" back="/your-data">:
// the small "why do I see this?" beside anything adapted. Four facts in a
// fixed order, then the way to take it back, unless nothing was given.
//
//   attributes  explain, source, until, without: text · back: where it is taken back; absent = nothing to take back
//   slot        (default) further links

import { LitElement, html, nothing, unsafeCSS } from "lit";
import styles from "./why.css?text";
import { wordsFor } from "./words";

/** From here on there is room for a card beside the words. */
const WIDE = "(min-width: 56.25rem)";

export class HintWhy extends LitElement {
  static override styles = unsafeCSS(styles);
  static override properties = { explain: {}, source: {}, until: {}, without: {}, back: {} };
  declare explain: string;
  declare source: string;
  declare until: string;
  declare without: string;
  declare back: string;

  constructor() {
    super();
    this.explain = this.source = this.until = this.without = this.back = "";
  }

  override render() {
    const t = wordsFor(this);
    const fact = (name: string, words: string) => (words ? html`<dt>${name}</dt><dd>${words}</dd>` : nothing);
    return html`<button part="button" type="button" popovertarget="card" aria-haspopup="dialog">
        <svg viewBox="0 0 16 16" aria-hidden="true"><path d="M8 1l6 4.5v5L8 15l-6-4.5v-5zM8 1v14M2 5.5 14 10.5" /></svg><span>${t("why")}</span>
      </button>
      <div id="card" part="card" popover="auto" role="dialog" aria-label=${t("why")} @toggle=${this.#toggled}>
        <p>${this.explain}</p>
        <dl>${fact(t("why.source"), this.source)}${fact(t("why.until"), this.until)}${fact(t("why.without"), this.without)}</dl>
        <p class="acts">${this.back ? html`<a href=${this.back}>${t("why.take_back")}</a>` : nothing}<slot></slot></p>
      </div>`;
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener("resize", this.#place);
  }

  readonly #toggled = (event: ToggleEvent): void => {
    const open = event.newState === "open";
    this.shadowRoot!.querySelector("button")!.setAttribute("aria-expanded", String(open));
    if (open) {
      this.#place();
      addEventListener("resize", this.#place);
    } else {
      removeEventListener("resize", this.#place);
    }
  };

  /** Puts the card under its button where there is room; on a phone it lies at the bottom edge. */
  readonly #place = (): void => {
    const card = this.shadowRoot!.querySelector<HTMLElement>("#card")!;
    const button = this.shadowRoot!.querySelector("button")!;
    if (!matchMedia(WIDE).matches) {
      for (const side of ["left", "top"]) card.style.removeProperty(side);
      return;
    }
    const at = button.getBoundingClientRect();
    const { width, height } = card.getBoundingClientRect();
    const below = at.bottom + 8 + height <= innerHeight;
    card.style.setProperty("left", `${Math.max(16, Math.min(at.left, innerWidth - width - 16))}px`);
    card.style.setProperty("top", `${below ? at.bottom + 8 : Math.max(16, at.top - 8 - height)}px`);
  };
}
customElements.define("hint-why", HintWhy);
