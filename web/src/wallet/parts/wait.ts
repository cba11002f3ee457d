// Waiting: nothing for the first 300 ms, then what is awaited, in words; after
// five seconds what that means and a way out.

import { html, nothing } from "lit";
import { Part } from "../page";
import { icon } from "../icons";

const SHOW = 300;
const SLOW = 5000;

export class Wait extends Part {
  static override properties = { ...Part.properties, what: {}, slow: {}, phase: { state: true } };
  declare what: string;
  declare slow: string;
  declare phase: "quiet" | "waiting" | "slow";
  #timers: number[] = [];

  constructor() {
    super();
    this.what = "";
    this.slow = "";
    this.phase = "quiet";
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.phase = "quiet";
    this.#timers = [
      window.setTimeout(() => (this.phase = "waiting"), SHOW),
      window.setTimeout(() => (this.phase = "slow"), SLOW),
    ];
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#timers.forEach(clearTimeout);
  }

  override render() {
    if (this.phase === "quiet") return html`<div role="status"></div>`;
    return html`<div class="note" role="status">
      ${icon("clock")}
      <div class="stack stack--tight">
        <p>${this.phase === "slow" && this.slow ? this.slow : this.what}</p>
        ${this.phase === "slow"
          ? html`<div><button class="button button--plain" type="button" @click=${this.#cancel}>${this.ctx.words.t("cancel")}</button></div>`
          : nothing}
      </div>
    </div>`;
  }

  readonly #cancel = (): void => {
    this.dispatchEvent(new Event("cancel"));
  };
}
customElements.define("facet-wait", Wait);
