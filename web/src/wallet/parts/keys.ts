// Who can open the vault: passkeys and the recovery code. They come, go and are
// replaced here; each act says plainly what it does. While a new code is shown
// the part wants the page for itself: event "alone", with a boolean.

import { html, nothing } from "lit";
import { icon } from "../icons";
import { deviceName } from "../look";
import { Part } from "../page";
import * as passkey from "../passkey";
import { reasonOf, sentence } from "../reason";
import type { CodeGroup, VaultKey } from "../views";

type Doing = "" | "adding" | "removing" | "replacing" | "showing";

export class Keys extends Part {
  static override properties = { ...Part.properties, doing: { state: true } };
  declare doing: Doing;
  #keys: VaultKey[] = [];
  #removing = "";
  #code = "";
  #busy = false;
  #reason = "";
  #said = "";

  constructor() {
    super();
    this.doing = "";
  }

  override async connectedCallback(): Promise<void> {
    super.connectedCallback();
    await this.#attempt(async () => {
      this.#keys = await this.ctx.engine.keys();
    });
  }

  override render() {
    if (this.doing === "showing") return this.#showing();
    const w = this.ctx.words;
    const passkeys = this.#keys.filter((k) => k.kind === "passkey");
    return html`<section class="section" aria-labelledby="safety">
      <div class="section__head"><h2 id="safety">${w.t("safety.title")}</h2></div>
      <p class="small muted">${w.t("safety.why")}</p>
      ${this.#problem()} ${this.#said ? html`<p class="small is-trust" role="status">${this.#said}</p>` : nothing}
      <ul class="rows">
        ${passkeys.map((k) => this.#passkey(k, passkeys.length > 1))} ${this.#adding()} ${this.#recovery()}
      </ul>
    </section>`;
  }

  #problem() {
    if (!this.#reason) return nothing;
    const w = this.ctx.words;
    return html`<div class="note note--danger" role="alert">${icon("warning")}
      <div><strong>${sentence(w, this.#reason)}</strong><br /><span class="small">${w.t("error.code")} <span class="code">${this.#reason}</span></span></div></div>`;
  }

  #passkey(k: VaultKey, several: boolean) {
    const w = this.ctx.words;
    const name = k.label || w.t("safety.passkey");
    const facts = [k.here ? w.t("safety.here") : "", k.since ? w.t("safety.since", { date: w.date(k.since) }) : ""].filter(Boolean);
    const removing = this.doing === "removing" && this.#removing === k.id;
    return html`<li>
      <div class="row">${icon("key")}<span class="row__text"><span class="row__name">${name}</span><span class="small muted">${facts.join(" ")}</span></span>
        ${several && !k.here && !removing
          ? html`<span class="row__state"><button class="text-button" type="button" ?disabled=${this.#busy} @click=${() => this.#do("removing", k.id)}>
              ${w.t("safety.remove")}<span class="hidden-text">: ${name}</span></button></span>`
          : nothing}
      </div>
      ${removing
        ? html`<div class="row__more stack stack--tight">
            <p>${w.t("safety.remove_why", { name })}</p>
            <div class="buttons">
              <button class="button button--danger" type="button" ?disabled=${this.#busy} @click=${this.#remove}>${icon("bin")}${w.t(this.#busy ? "safety.removing" : "safety.remove_now")}</button>
              ${this.#cancel()}
            </div>
          </div>`
        : nothing}
    </li>`;
  }

  #adding() {
    const w = this.ctx.words;
    if (this.doing !== "adding")
      return html`<li><button class="row row--button" type="button" ?disabled=${this.#busy} @click=${() => this.#do("adding")}>${icon("add")}
        <span class="row__text"><span class="row__name">${w.t("safety.add")}</span><span class="small muted">${w.t("safety.add_more")}</span></span>${icon("expand")}</button></li>`;
    return html`<li>
      <form class="row__more stack stack--tight" @submit=${this.#add}>
        <p>${w.t("safety.add_why")}</p>
        <label class="field"><span>${w.t("safety.name")}</span><input class="input" name="label" maxlength="40" autocomplete="off" value=${deviceName()} /></label>
        <div class="buttons">
          <button class="button" type="submit" ?disabled=${this.#busy}>${icon("key")}${w.t(this.#busy ? "passkey.waiting" : "safety.add_now")}</button>
          ${this.#cancel()}
        </div>
      </form>
    </li>`;
  }

  #recovery() {
    const w = this.ctx.words;
    const since = this.#keys.findLast((k) => k.kind === "code")?.since;
    return html`<li>
      <div class="row">${icon("letter")}
        <span class="row__text"><span class="row__name">${w.t("safety.code")}</span>
          <span class="small muted">${since ? w.t("safety.since", { date: w.date(since) }) : nothing} ${w.t("safety.code_more")}</span></span>
        ${this.doing === "replacing"
          ? nothing
          : html`<span class="row__state"><button class="text-button" type="button" ?disabled=${this.#busy} @click=${() => this.#do("replacing")}>${w.t("safety.replace")}</button></span>`}
      </div>
      ${this.doing === "replacing"
        ? html`<div class="row__more stack stack--tight">
            <p>${w.t("safety.replace_why")}</p>
            <div class="buttons"><button class="button" type="button" ?disabled=${this.#busy} @click=${this.#draw}>${w.t("safety.replace_now")}</button>${this.#cancel()}</div>
          </div>`
        : nothing}
    </li>`;
  }

  /** The new code: shown once, proven by two groups; until then the old one is valid. */
  #showing() {
    const w = this.ctx.words;
    return html`<div class="stack">
      <facet-recovery .ctx=${this.ctx} .busy=${this.#busy} .reason=${this.#reason} .code=${this.#code} @confirmed=${this.#confirm}></facet-recovery>
      <p class="small muted">${w.t("safety.replace_until")}</p>
      ${this.#cancel()}
    </div>`;
  }

  #cancel() {
    return html`<button class="button button--plain" type="button" ?disabled=${this.#busy} @click=${() => this.#do("")}>${this.ctx.words.t("cancel")}</button>`;
  }

  #do(doing: Doing, id = ""): void {
    if ((doing === "showing") !== (this.doing === "showing")) this.dispatchEvent(new CustomEvent("alone", { detail: doing === "showing" }));
    this.#removing = id;
    this.#code = "";
    this.#reason = "";
    this.#said = "";
    this.doing = doing;
  }

  readonly #add = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const label = String(new FormData(event.target as HTMLFormElement).get("label") ?? "");
    await this.#attempt(async () => {
      const opener = await passkey.add(this.ctx.host);
      try {
        this.#keys = await this.ctx.engine.vault.addPasskey(opener, label);
      } catch (err) {
        await passkey.discard(this.ctx.host, opener.credentialId);
        throw err;
      }
      this.#do("");
      this.#said = this.ctx.words.t("safety.added");
    });
  };

  readonly #remove = (): Promise<void> =>
    this.#attempt(async () => {
      this.#keys = await this.ctx.engine.vault.removePasskey(this.#removing);
      this.#do("");
      this.#said = this.ctx.words.t("safety.removed");
    });

  readonly #draw = (): Promise<void> =>
    this.#attempt(async () => {
      const { recovery_code } = await this.ctx.engine.vault.newCode();
      this.#do("showing");
      this.#code = recovery_code;
    });

  readonly #confirm = (event: CustomEvent<CodeGroup[]>): Promise<void> =>
    this.#attempt(async () => {
      await this.ctx.engine.vault.confirmCode(event.detail);
      this.#keys = await this.ctx.engine.keys();
      this.#do("");
      this.#said = this.ctx.words.t("safety.replaced");
    });

  async #attempt(act: () => Promise<void>): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    this.#reason = "";
    this.requestUpdate();
    try {
      await act();
    } catch (err) {
      this.#reason = reasonOf(err);
    }
    this.#busy = false;
    this.requestUpdate();
  }
}
customElements.define("facet-keys", Keys);
