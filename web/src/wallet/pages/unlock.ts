// A vault is there but closed. Also the page for a device whose passkey cannot
// open vaults: it says so and offers the recovery code.

import { html, nothing } from "lit";
import { icon } from "../icons";
import { Gate } from "./gate";

export class Unlock extends Gate {
  static override properties = { ...Gate.properties, held: { type: Boolean }, mode: {}, creating: { type: Boolean } };
  /** A site's request waits behind this door. */
  declare held: boolean;
  declare mode: "passkey" | "noprf" | "code";
  /** The passkey that cannot do it was just being made. */
  declare creating: boolean;

  constructor() {
    super();
    this.held = false;
    this.mode = "passkey";
    this.creating = false;
  }

  get name(): string {
    return this.ctx.words.t("unlock.name");
  }

  override render() {
    switch (this.mode) {
      case "noprf":
        return this.#noPRF();
      case "code":
        return this.#code();
      default:
        return this.#passkey();
    }
  }

  #passkey() {
    const w = this.ctx.words;
    return html`<div class="message">
      <span class="message__icon message__icon--plain">${icon("lock")}</span>
      <div class="stack stack--tight">
        <h1>${w.t("unlock.title")}</h1>
        <p>${w.t(this.held ? "unlock.held" : "unlock.why")}</p>
      </div>
      ${this.problem()}
      <div class="buttons">
        <button class="button button--wide" type="button" ?disabled=${this.busy} @click=${() => this.emit("unlock")}>
          ${icon("key")}${this.busy ? w.t("passkey.waiting") : w.t("unlock.open")}
        </button>
        <button class="button button--plain button--wide" type="button" ?disabled=${this.busy} @click=${() => this.emit("code")}>
          ${w.t("unlock.with_code")}
        </button>
      </div>
      <p><button class="text-button" type="button" ?disabled=${this.busy} @click=${() => this.emit("back")}>${w.t("unlock.new")}</button></p>
    </div>`;
  }

  #noPRF() {
    const w = this.ctx.words;
    return html`<div class="message">
      <span class="message__icon message__icon--plain">${icon("info")}</span>
      <div class="stack stack--tight">
        <h1>${w.t("noprf.title")}</h1>
        <p>${w.t("noprf.why")}</p>
      </div>
      <p>${w.t(this.creating ? "noprf.creating" : "noprf.opening")}</p>
      <div class="buttons">
        <button class="button button--wide" type="button" @click=${() => this.emit("code")}>${w.t("unlock.with_code")}</button>
        <button class="button button--plain button--wide" type="button" @click=${() => this.emit("back")}>${w.t("noprf.again")}</button>
      </div>
      <p class="small muted">${w.t("error.code")} <span class="code">prf_missing</span></p>
    </div>`;
  }

  #code() {
    const w = this.ctx.words;
    return html`<form class="stack stack--wide" @submit=${this.#submit}>
      <div class="stack">
        <h1>${w.t("unlock.code_title")}</h1>
        <p id="code-help">${w.t("unlock.code_why")}</p>
      </div>
      ${this.problem()}
      <div class="field">
        <label for="code">${w.t("recovery.name")}</label>
        <input class="input code" id="code" name="code" required autocomplete="off" autocapitalize="characters" spellcheck="false"
          aria-describedby="code-help" aria-invalid=${this.reason ? "true" : nothing} maxlength="60" />
      </div>
      <div class="buttons">
        <button class="button button--wide" type="submit" ?disabled=${this.busy}>${w.t(this.busy ? "unlock.opening" : "unlock.open_code")}</button>
        <button class="button button--plain button--wide" type="button" ?disabled=${this.busy} @click=${() => this.emit("back")}>${w.t("back")}</button>
      </div>
    </form>`;
  }

  readonly #submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const code = new FormData(event.target as HTMLFormElement).get("code");
    if (typeof code === "string" && code.trim()) this.emit("code", code.trim());
  };
}
customElements.define("facet-unlock", Unlock);
