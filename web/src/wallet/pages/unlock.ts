// A vault is there but closed. Also the page for a device whose passkey cannot
// open vaults: it says so and offers the recovery code.

import { html, nothing } from "lit";
import { icon, type IconName } from "../icons";
import { Gate, type GateAct } from "./gate";
import type { Key } from "../../texts/index";

/** The largest vault there is, in bytes. */
const MAX_VAULT = 4 << 20;

/** An exported vault and the code that opens it. */
export interface FromFile {
  /** base64; empty if the file is larger than any vault */
  file: string;
  code: string;
}

export class Unlock extends Gate {
  static override properties = { ...Gate.properties, held: { type: Boolean }, mode: {}, creating: { type: Boolean } };
  /** A site's request waits behind this door. */
  declare held: boolean;
  declare mode: "passkey" | "have" | "noprf" | "code" | "file" | "adopt";
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
      case "have":
        return this.#have();
      case "file":
        return this.#file();
      case "adopt":
        return this.#adopt();
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

  /** A device that does not know the vault yet: three ways to it. */
  #have() {
    const w = this.ctx.words;
    const way = (symbol: IconName, act: GateAct, name: Key, why: Key) => html`<li>
      <button class="row row--button" type="button" ?disabled=${this.busy} @click=${() => this.emit(act)}>
        ${icon(symbol)}<span class="row__text"><span class="row__name">${w.t(name)}</span><span class="small muted">${w.t(why)}</span></span>${icon("expand")}
      </button>
    </li>`;
    return html`<div class="stack stack--wide">
      <h1>${w.t("have.title")}</h1>
      ${this.problem()} ${this.busy ? html`<p role="status">${w.t("passkey.waiting")}</p>` : nothing}
      <ul class="rows">
        ${way("key", "unlock", "unlock.open", "have.passkey")} ${way("letter", "code", "unlock.with_code", "have.code")} ${way("save", "file", "have.file", "have.file_more")}
      </ul>
      <button class="button button--plain button--wide" type="button" ?disabled=${this.busy} @click=${() => this.emit("back")}>${w.t("back")}</button>
    </div>`;
  }

  #file() {
    const w = this.ctx.words;
    return html`<form class="stack stack--wide" @submit=${this.#submitFile}>
      <div class="stack"><h1>${w.t("file.title")}</h1><p id="file-help">${w.t("file.why")}</p></div>
      ${this.problem()}
      <div class="field">
        <label for="file">${w.t("file.choose")}</label>
        <input class="input" id="file" name="file" type="file" required accept=".vault,application/octet-stream" aria-describedby="file-help" />
      </div>
      ${this.#codeField()}
      <div class="buttons">
        <button class="button button--wide" type="submit" ?disabled=${this.busy}>${w.t(this.busy ? "unlock.opening" : "unlock.open_code")}</button>
        <button class="button button--plain button--wide" type="button" ?disabled=${this.busy} @click=${() => this.emit("have")}>${w.t("back")}</button>
      </div>
    </form>`;
  }

  /** The file is open in memory; now it needs a passkey of this host. */
  #adopt() {
    const w = this.ctx.words;
    return html`<div class="message">
      <span class="message__icon message__icon--trust">${icon("accept")}</span>
      <div class="stack stack--tight"><h1>${w.t("adopt.title")}</h1><p>${w.t("adopt.why")}</p></div>
      ${this.problem()}
      <div class="buttons">
        <button class="button button--wide" type="button" ?disabled=${this.busy} @click=${() => this.emit("adopt")}>
          ${icon("key")}${w.t(this.busy ? "passkey.waiting" : "adopt.now")}
        </button>
        <button class="button button--plain button--wide" type="button" ?disabled=${this.busy} @click=${() => this.emit("have")}>${w.t("cancel")}</button>
      </div>
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

  #codeField() {
    return html`<div class="field">
      <label for="code">${this.ctx.words.t("recovery.name")}</label>
      <input class="input code" id="code" name="code" required autocomplete="off" autocapitalize="characters" spellcheck="false"
        aria-describedby=${this.mode === "code" ? "code-help" : nothing} aria-invalid=${this.reason ? "true" : nothing} maxlength="60" />
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
      ${this.#codeField()}
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

  readonly #submitFile = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = new FormData(event.target as HTMLFormElement);
    const file = form.get("file");
    const code = form.get("code");
    if (!(file instanceof File) || typeof code !== "string") return;
    const bytes = file.size <= MAX_VAULT ? new Uint8Array(await file.arrayBuffer()) : new Uint8Array();
    this.emit("file", { file: base64(bytes), code: code.trim() } satisfies FromFile);
  };
}
customElements.define("facet-unlock", Unlock);

function base64(bytes: Uint8Array): string {
  let binary = "";
  for (let i = 0; i < bytes.length; i += 0x8000) binary += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return btoa(binary);
}
