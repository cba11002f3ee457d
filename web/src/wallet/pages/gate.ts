// What stands before an open vault: the base of welcome, unlock and recovery.

import { html, nothing } from "lit";
import { icon } from "../icons";
import { Page } from "../page";
import { sentence } from "../reason";

export type GateAct = "create" | "have" | "unlock" | "code" | "file" | "adopt" | "back" | "confirmed";

export abstract class Gate extends Page {
  static override properties = { ...Page.properties, busy: { type: Boolean }, reason: {} };
  /** A passkey prompt or the engine is at work. */
  declare busy: boolean;
  /** Why the last try did not work. */
  declare reason: string;

  constructor() {
    super();
    this.busy = false;
    this.reason = "";
  }

  protected emit(act: GateAct, detail: unknown = null): void {
    this.dispatchEvent(new CustomEvent(act, { detail }));
  }

  /** The last problem in words, where the next try begins. */
  protected problem() {
    if (!this.reason) return nothing;
    const w = this.ctx.words;
    const words = sentence(w, this.reason);
    return html`<div class="note note--danger" role="alert">
      ${icon("warning")}
      <div><strong>${words}</strong><br /><span class="small">${w.t("error.code")} <span class="code">${this.reason}</span></span></div>
    </div>`;
  }
}
