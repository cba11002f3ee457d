// Something went wrong: what happened, whether anything was sent, what to do.

import { html } from "lit";
import { icon } from "../icons";
import { Page } from "../page";
import { follow } from "../parts/common";
import type { Failure } from "../context";
import { sentence } from "../reason";
import { isKey } from "../../texts/index";

export class FailurePage extends Page {
  static override properties = { ...Page.properties, failure: { attribute: false } };
  declare failure: Failure;

  get name(): string {
    return this.ctx.words.t("error.name");
  }

  override render() {
    const w = this.ctx.words;
    const { reason, sent, party, retry } = this.failure;
    const help = `error.${reason}.do`;
    return html`<div class="message">
      <span class="message__icon message__icon--danger">${icon("warning")}</span>
      <div class="stack stack--tight" role="alert">
        <h1>${sentence(w, reason)}</h1>
        ${sent === "not-asked" ? "" : html`<p class="h2">${w.t(sent === "nothing" ? "sent.nothing" : "sent.unknown")}</p>`}
      </div>
      <p>${isKey(help) ? w.t(help) : party ? w.t("error.back_to", { party }) : w.t("error.again")}</p>
      <div class="buttons">
        ${retry ? html`<button class="button button--wide" type="button" @click=${retry}>${w.t("again")}</button>` : ""}
        <a class="button button--wide ${retry ? "button--plain" : ""}" href="/home" @click=${follow(this.ctx, "/home")}>${w.t("to_home")}</a>
      </div>
      <p class="small muted">${w.t("error.code")} <span class="code">${reason}</span></p>
    </div>`;
  }
}
customElements.define("facet-failure", FailurePage);
