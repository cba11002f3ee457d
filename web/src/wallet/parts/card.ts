// A proof as a card. It looks like its issuer, never like another's, and falls
// back to Facet's own colours when the issuer's cannot be read.

import { html, type PropertyValues } from "lit";
import { Part } from "../page";
import { icon } from "../icons";
import { cardColours } from "../safe";
import { follow } from "./common";
import type { Card } from "../views";
import type { Words } from "../../texts/index";

export class CardPart extends Part {
  static override properties = { ...Part.properties, card: { attribute: false }, href: {} };
  declare card: Card;
  declare href: string;

  constructor() {
    super();
    this.href = "";
  }

  override render() {
    const w = this.ctx.words;
    const body = html`<span class="card__name">${w.pick(this.card.title)}</span>
      <span class="card__foot"><span>${this.card.self ? w.t("card.by_you") : this.card.issuer}</span>${validity(w, this.card)}</span>`;
    return this.href
      ? html`<a class="card" href=${this.href} @click=${follow(this.ctx, this.href)}>${body}</a>`
      : html`<div class="card">${body}</div>`;
  }

  protected override updated(_: PropertyValues): void {
    const box = this.querySelector<HTMLElement>(".card");
    const colours = this.card.self ? null : cardColours(this.card.color, this.card.text_color);
    if (!box || !colours) return;
    box.style.setProperty("--card", colours.card);
    box.style.setProperty("--card-ink", colours.ink);
  }
}
customElements.define("facet-card", CardPart);

function validity(w: Words, card: Card) {
  if (card.state === "expired") return html`<span class="badge badge--caution">${icon("clock")}${w.t("card.expired")}</span>`;
  if (card.state === "revoked") return html`<span class="badge badge--danger">${icon("warning")}${w.t("card.revoked")}</span>`;
  if (card.self) return html`<span>${w.t("card.stays")}</span>`;
  return html`<span>${card.valid_until ? w.t("until", { date: w.shortDate(card.valid_until) }) : w.t("card.no_end")}</span>`;
}
