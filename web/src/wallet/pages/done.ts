// Answered: what was sent, the receipt, and the way back.

import { html, nothing } from "lit";
import { icon } from "../icons";
import { Page } from "../page";
import { follow, receiptLine } from "../parts/common";
import type { Answered } from "../context";
import type { ReceiptState } from "../views";

/** How often, and how many times, the log is asked for the receipt. */
const EVERY = 1000;
const TRIES = 20;

export class DonePage extends Page {
  static override properties = { ...Page.properties, answered: { attribute: false }, receipt: { state: true } };
  declare answered: Answered;
  declare receipt: ReceiptState;

  constructor() {
    super();
    this.receipt = "checking";
  }

  get name(): string {
    return this.ctx.words.t(this.answered.presented ? "done.name" : "refused.name");
  }

  override async connectedCallback(): Promise<void> {
    super.connectedCallback();
    const id = this.answered.presented?.history_id;
    if (!id || this.answered.proposal.kind !== "policy") return;
    for (let tries = 0; tries < TRIES && this.isConnected; tries++) {
      try {
        this.receipt = (await this.ctx.engine.checkReceipt(id)).receipt;
      } catch {
        // Not there yet, or no network: the history asks again.
      }
      if (this.receipt !== "checking") return;
      await new Promise((wake) => setTimeout(wake, EVERY));
    }
  }

  override render() {
    return this.answered.presented ? this.#sent() : this.#refused();
  }

  #sent() {
    const w = this.ctx.words;
    const { proposal, presented, back } = this.answered;
    const party = proposal.asker.name;
    const elsewhere = proposal.cross_device || !back;
    const carried = !elsewhere && presented?.carried;
    const path = `/history/${encodeURIComponent(presented?.history_id ?? "")}`;
    const sent = (presented?.sent ?? []).map((s) => w.pick(s.label));
    return html`<div class="message">
      <span class="message__icon message__icon--${elsewhere ? "plain" : "trust"}">${icon(elsewhere ? "screen" : "accept")}</span>
      <div class="stack stack--tight">
        <h1>${w.t(elsewhere ? "done.elsewhere" : carried ? "done.carried" : "done.title")}</h1>
        <p>${w.t(elsewhere ? "done.elsewhere_more" : carried ? "done.carried_more" : "done.more", { party })}</p>
      </div>
      <section class="panel stack" aria-labelledby="what">
        <h2 id="what">${w.t(carried ? "done.brings" : "done.has", { party })}</h2>
        <ul class="stack stack--tight">
          ${sent.length ? sent.map((s) => html`<li class="with-icon">${icon("accept")}<span>${s}</span></li>`) : html`<li>${w.t("done.has_nothing")}</li>`}
        </ul>
        ${proposal.kind === "policy"
          ? html`<p class="muted">${proposal.retention.seconds > 0 ? w.t("done.until", { date: w.date(presented?.until ?? proposal.retention.until) }) : w.t("retention.none")}</p>
              ${receiptLine(w, this.receipt)}`
          : nothing}
      </section>
      ${back && !elsewhere
        ? html`<a class="button button--wide" href=${back} rel="noreferrer">${w.t("back_to", { party })}</a>`
        : html`<a class="button button--plain button--wide" href="/home" @click=${follow(this.ctx, "/home")}>${w.t("to_home")}</a>`}
      ${proposal.kind === "policy"
        ? html`<p class="with-icon small">${icon("undo")}<span>${w.t("done.take_back")} <a href=${path} @click=${follow(this.ctx, path)}>${w.t("done.in_history")}</a>.</span></p>`
        : nothing}
    </div>`;
  }

  #refused() {
    const w = this.ctx.words;
    const { proposal, back } = this.answered;
    const party = proposal.asker.name;
    return html`<div class="message">
      <span class="message__icon message__icon--plain">${icon("close")}</span>
      <div class="stack stack--tight">
        <h1>${w.t("refused.title")}</h1>
        <p>${w.t("sent.nothing")} ${w.t("refused.more", { party })}</p>
      </div>
      ${back
        ? html`<a class="button button--wide" href=${back} rel="noreferrer">${w.t("back_to", { party })}</a>`
        : html`<a class="button button--plain button--wide" href="/home" @click=${follow(this.ctx, "/home")}>${w.t("to_home")}</a>`}
    </div>`;
  }
}
customElements.define("facet-done", DonePage);
