// One disclosure: what, what for, until when, its receipt, and what can be
// done about it: take it back, ask what they hold, report.

import { html, nothing } from "lit";
import { icon } from "../icons";
import { Page } from "../page";
import { follow, kindsOf, logo, more, note, receiptLine } from "../parts/common";
import { reasonOf, sentence } from "../reason";
import { safeContact, safeLink } from "../safe";
import type { HistoryDetail, ReceiptCheck } from "../views";

/** The data protection authorities, in the holder's own country, by the board they form. */
const AUTHORITIES = "https://www.edpb.europa.eu/about-edpb/about-edpb/members_en";

export class HistoryDetailPage extends Page {
  static override properties = { ...Page.properties, entryId: {} };
  declare entryId: string;
  #item: HistoryDetail | null = null;
  #check: ReceiptCheck | null = null;
  #busy: "" | "withdraw" | "receipt" = "";
  #problem = "";

  get name(): string {
    return this.#item?.party || this.ctx.words.t("history.name");
  }

  override async connectedCallback(): Promise<void> {
    super.connectedCallback();
    try {
      this.#item = await this.ctx.engine.historyItem(this.entryId);
      this.requestUpdate();
      if (this.#item.receipt === "checking") await this.#recheck();
    } catch (err) {
      this.ctx.fail({ reason: reasonOf(err), sent: "not-asked" });
    }
  }

  override render() {
    const w = this.ctx.words;
    const h = this.#item;
    if (!h) return html`<h1 class="hidden-text">${w.t("history.name")}</h1><facet-wait .ctx=${this.ctx} what=${w.t("history.loading")}></facet-wait>`;
    return html`<div class="stack stack--wide">
      <div class="stack stack--tight">
        <p><a class="text-button" href="/history" @click=${follow(this.ctx, "/history")}>${icon("back")}${w.t("history.name")}</a></p>
        <div class="asker">${logo(h.party)}<div class="asker__who"><h1>${h.party || h.domain}</h1><span class="domain">${h.domain}</span></div></div>
      </div>
      <div class="columns stack stack--wide">
        <div class="stack stack--wide">${this.#what(h)} ${this.#receipt(h)}</div>
        ${this.#actions(h)}
      </div>
    </div>`;
  }

  #what(h: HistoryDetail) {
    const w = this.ctx.words;
    const shown = h.state !== "refused" && h.state !== "none";
    return html`<section class="panel stack" aria-labelledby="what">
      <h2 id="what">${w.t(shown ? "detail.shown" : "detail.asked")}</h2>
      <dl class="pairs">
        <div><dt>${w.t("detail.what")}</dt><dd>${kindsOf(w, h)}</dd></div>
        <div><dt>${w.t("detail.why")}</dt><dd>${w.pick(h.purpose) || w.t("not_stated")}</dd></div>
        <div><dt>${w.t("detail.when")}</dt><dd>${w.when(h.at)}</dd></div>
        <div><dt>${w.t("detail.until")}</dt><dd>${this.#until(h)}</dd></div>
      </dl>
    </section>`;
  }

  #until(h: HistoryDetail): string {
    const w = this.ctx.words;
    if (h.state === "withdrawn") return w.t("detail.until_withdrawn");
    if (h.state === "refused" || h.state === "none") return w.t("sent.nothing");
    if (h.until <= 0) return w.t("not_stated");
    if (h.until <= h.at) return w.t("retention.none");
    return w.t(h.state === "expired" ? "detail.until_past" : "done.until", { date: w.date(h.until) });
  }

  #receipt(h: HistoryDetail) {
    const w = this.ctx.words;
    if (h.state === "refused" || h.state === "none") return nothing;
    const index = this.#check?.index ?? h.log?.index ?? -1;
    const detail = this.#check?.detail ?? "";
    const technical: [string, string | undefined][] = [
      [w.t("detail.entry"), index >= 0 ? String(index) : undefined],
      [w.t("detail.log"), h.log?.origin],
      [w.t("detail.policy"), h.policy ? `${h.policy.id} · ${h.policy.version}` : undefined],
      [w.t("detail.checksum"), h.policy?.sha256],
      [w.t("detail.asker"), h.client_id],
      [w.t("detail.reason"), detail || undefined],
    ];
    return html`<section class="section" aria-labelledby="receipt">
      <h2 class="hidden-text" id="receipt">${w.t("receipt.name")}</h2>
      ${h.receipt === "checked"
        ? note("trust", w.t("receipt.checked"), w.t("receipt.checked_more"))
        : h.receipt === "failed"
          ? note("danger", w.t("receipt.failed"), w.t("receipt.failed_more"))
          : html`${receiptLine(w, h.receipt)}<p class="small muted">${w.t(h.receipt === "missing" ? "receipt.missing_more" : "receipt.checking_more")}</p>`}
      ${h.receipt !== "missing"
        ? html`<p><button class="text-button" type="button" ?disabled=${this.#busy !== ""} @click=${this.#recheck}>${w.t(this.#busy === "receipt" ? "receipt.checking" : "receipt.again")}</button></p>`
        : nothing}
      ${more(w.t("details"), html`<dl class="pairs">${technical.map(([label, value]) => (value ? html`<div><dt>${label}</dt><dd class="code">${value}</dd></div>` : nothing))}</dl>`)}
    </section>`;
  }

  #actions(h: HistoryDetail) {
    const w = this.ctx.words;
    const contact = safeContact(h.support) ?? safeLink(`https://${h.domain}/`);
    return html`<section class="stack" aria-labelledby="do">
      <h2 id="do">${w.t("what_to_do")}</h2>
      ${h.state === "withdrawn"
        ? note("trust", w.t("withdrawn.title"), h.erasure ? w.t("withdrawn.receipt", { when: w.when(h.erasure.at) }) : w.t("withdrawn.no_receipt"))
        : nothing}
      ${h.can_withdraw
        ? html`<div class="panel stack stack--tight">
            <p><strong>${w.t("withdraw.title")}</strong><br /><span class="muted">${w.t("withdraw.why", { party: h.party || h.domain })}</span></p>
            ${this.#problem ? html`<p class="error-text" role="alert">${this.#problem}</p>` : nothing}
            <button class="button button--wide" type="button" ?disabled=${this.#busy !== ""} @click=${this.#withdraw}>
              ${icon("undo")}${w.t(this.#busy === "withdraw" ? "withdraw.busy" : "withdraw.now")}
            </button>
          </div>`
        : nothing}
      <ul class="rows">
        ${contact
          ? html`<li><a class="row" href=${contact} target="_blank" rel="noopener noreferrer">${icon("letter")}
              <span class="row__text"><span class="row__name">${w.t("ask.title")}</span><span class="small muted">${w.t("ask.more", { party: h.party || h.domain })}</span></span>${icon("expand")}</a></li>`
          : nothing}
        <li><a class="row" href=${AUTHORITIES} target="_blank" rel="noopener noreferrer">${icon("flag")}
          <span class="row__text"><span class="row__name">${w.t("report.title")}</span><span class="small muted">${w.t("report.more")}</span></span>${icon("expand")}</a></li>
      </ul>
    </section>`;
  }

  readonly #recheck = async (): Promise<void> => {
    if (!this.#item || this.#busy) return;
    this.#busy = "receipt";
    this.requestUpdate();
    try {
      this.#check = await this.ctx.engine.checkReceipt(this.#item.id);
      this.#item = { ...this.#item, receipt: this.#check.receipt };
    } catch {
      // No answer is no verdict: it stays as it was and can be asked again.
    }
    this.#busy = "";
    this.requestUpdate();
  };

  readonly #withdraw = async (): Promise<void> => {
    if (!this.#item || this.#busy) return;
    this.#busy = "withdraw";
    this.#problem = "";
    this.requestUpdate();
    try {
      await this.ctx.engine.withdraw(this.#item.id);
      this.#item = await this.ctx.engine.historyItem(this.entryId);
    } catch (err) {
      this.#problem = `${this.ctx.words.t("withdraw.failed")} ${sentence(this.ctx.words, reasonOf(err))}`;
    }
    this.#busy = "";
    this.requestUpdate();
  };
}
customElements.define("facet-history-detail", HistoryDetailPage);
