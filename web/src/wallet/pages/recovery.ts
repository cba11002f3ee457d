// The recovery code: shown once, kept by the person, proven by two groups.

import { html, nothing } from "lit";
import { icon } from "../icons";
import { Gate } from "./gate";

export class Recovery extends Gate {
  static override properties = { ...Gate.properties, code: { attribute: false }, step: { state: true }, copied: { state: true } };
  declare code: string;
  declare step: "show" | "confirm";
  declare copied: boolean;
  #asked: number[] = [];

  constructor() {
    super();
    this.code = "";
    this.step = "show";
    this.copied = false;
  }

  get name(): string {
    return this.ctx.words.t(this.step === "show" ? "recovery.name" : "recovery.confirm_name");
  }

  get #groups(): string[] {
    return this.code.split("-");
  }

  override render() {
    return this.step === "show" ? this.#show() : this.#confirm();
  }

  #show() {
    const w = this.ctx.words;
    return html`<div class="stack stack--wide">
      <div class="stack"><h1>${w.t("recovery.title")}</h1><p>${w.t("recovery.why")}</p></div>
      <div class="stack">
        <ol class="groups" aria-label=${w.t("recovery.groups")}>${this.#groups.map((g) => html`<li>${g}</li>`)}</ol>
        <div class="buttons buttons--row">
          <button class="button button--plain" type="button" @click=${this.#copy}>
            ${icon(this.copied ? "accept" : "copy")}<span role="status">${w.t(this.copied ? "copied" : "copy")}</span>
          </button>
          <button class="button button--plain" type="button" @click=${() => window.print()}>${icon("print")}${w.t("print")}</button>
          <button class="button button--plain" type="button" @click=${this.#save}>${icon("save")}${w.t("save")}</button>
        </div>
        <div class="note">${icon("info")}<p>${w.t("recovery.once")}</p></div>
      </div>
      <button class="button button--wide" type="button" @click=${this.#next}>${w.t("recovery.kept")}</button>
    </div>`;
  }

  #confirm() {
    const w = this.ctx.words;
    return html`<form class="stack stack--wide" @submit=${this.#submit}>
      <div class="stack"><h1>${w.t("recovery.confirm_title")}</h1><p>${w.t("recovery.confirm_why")}</p></div>
      ${this.problem()}
      <div class="pair">
        ${this.#asked.map(
          (index) => html`<div class="field">
            <label for="group-${index}">${w.t("recovery.group", { n: index + 1 })}</label>
            <input class="input input--pin" id="group-${index}" name=${index} minlength="4" maxlength="4" required autocomplete="off"
              autocapitalize="characters" spellcheck="false" aria-invalid=${this.reason ? "true" : nothing} />
          </div>`,
        )}
      </div>
      <div class="buttons">
        <button class="button button--wide" type="submit" ?disabled=${this.busy}>${w.t(this.busy ? "recovery.sealing" : "confirm")}</button>
        <button class="button button--plain button--wide" type="button" ?disabled=${this.busy} @click=${() => (this.step = "show")}>
          ${w.t("recovery.show_again")}
        </button>
      </div>
    </form>`;
  }

  readonly #copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(this.code);
    this.copied = true;
  };

  readonly #save = (): void => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([`Facet\n${this.ctx.words.t("recovery.name")}\n\n${this.code}\n`], { type: "text/plain" }));
    link.download = "facet-code.txt";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };

  readonly #next = (): void => {
    this.#asked = twoOf(this.#groups.length);
    this.reason = "";
    this.step = "confirm";
  };

  readonly #submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = new FormData(event.target as HTMLFormElement);
    this.emit(
      "confirmed",
      this.#asked.map((index) => ({ index, text: String(form.get(String(index)) ?? "").toUpperCase() })),
    );
  };
}
customElements.define("facet-recovery", Recovery);

/** Two different places below n, in order. */
function twoOf(n: number): number[] {
  const random = crypto.getRandomValues(new Uint32Array(2));
  const first = random[0]! % n;
  const second = (first + 1 + (random[1]! % (n - 1))) % n;
  return [first, second].sort((a, b) => a - b);
}
