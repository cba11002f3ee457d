// Before anything: one promise, one button.

import { html } from "lit";
import { mark, icon } from "../icons";
import { more } from "../parts/common";
import { Gate } from "./gate";

export class Welcome extends Gate {
  get name(): string {
    return this.ctx.words.t("welcome.name");
  }

  override render() {
    const w = this.ctx.words;
    return html`<div class="welcome">
      ${mark("mark--large")}
      <h1>${w.t("welcome.title")}</h1>
      ${this.problem()}
      <div class="buttons">
        <button class="button button--wide" type="button" ?disabled=${this.busy} @click=${() => this.emit("create")}>
          ${icon("key")}${this.busy ? w.t("passkey.waiting") : w.t("welcome.create")}
        </button>
        <button class="button button--plain button--wide" type="button" ?disabled=${this.busy} @click=${() => this.emit("have")}>
          ${w.t("welcome.have")}
        </button>
      </div>
      ${more(w.t("welcome.what"), w.t("welcome.about"))}
    </div>`;
  }
}
customElements.define("facet-welcome", Welcome);
