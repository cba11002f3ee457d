// Who can open the wallet, how it looks and speaks, when it locks, and how to leave.

import { html, nothing } from "lit";
import { icon } from "../icons";
import { Page } from "../page";
import { follow } from "../parts/common";
import { lockAfter, setLockAfter, LOCK_MINUTES } from "../look";
import { reasonOf, sentence } from "../reason";
import type { Settings } from "../views";

export class SettingsPage extends Page {
  static override properties = { ...Page.properties, deleting: { state: true }, busy: { state: true }, problem: { state: true }, exported: { state: true }, alone: { state: true } };
  declare deleting: boolean;
  declare busy: boolean;
  declare problem: string;
  declare exported: boolean;
  /** A new recovery code is on the page, and nothing else. */
  declare alone: boolean;

  constructor() {
    super();
    this.deleting = false;
    this.busy = false;
    this.problem = "";
    this.exported = false;
    this.alone = false;
  }

  get name(): string {
    return this.ctx.words.t("settings.name");
  }

  override render() {
    const w = this.ctx.words;
    const rest = (part: unknown) => (this.alone ? nothing : part);
    return html`<div class="stack">
      ${rest(html`<h1>${w.t("settings.name")}</h1>`)}
      ${this.problem ? html`<div class="note note--danger" role="alert">${icon("warning")}<p><strong>${this.problem}</strong></p></div>` : nothing}
      ${rest(html`<facet-conflicts .ctx=${this.ctx}></facet-conflicts>`)}
      <div class=${this.alone ? "" : "columns stack stack--wide"}>
        <div class="stack stack--wide">
          <facet-keys .ctx=${this.ctx} @alone=${(event: CustomEvent<boolean>) => (this.alone = event.detail)}></facet-keys>
          ${rest(html`${this.#lock()} ${this.#leave()}`)}
        </div>
        ${rest(html`<div class="stack stack--wide">${this.#look()} ${this.#delete()}</div>`)}
      </div>
    </div>`;
  }

  #lock() {
    const w = this.ctx.words;
    return html`<ul class="rows">
      <li><button class="row row--button" type="button" @click=${() => this.ctx.lock()}>${icon("lock")}<span class="row__text"><span class="row__name">${w.t("safety.lock")}</span><span class="small muted">${w.t("safety.lock_more")}</span></span>${icon("expand")}</button></li>
    </ul>`;
  }

  #leave() {
    const w = this.ctx.words;
    return html`<section class="section" aria-labelledby="leave">
      <div class="section__head"><h2 id="leave">${w.t("export.title")}</h2></div>
      <ul class="rows">
        <li><button class="row row--button" type="button" ?disabled=${this.busy} @click=${this.#export}>${icon("save")}
          <span class="row__text"><span class="row__name">${w.t("export.save")}</span><span class="small muted" role="status">${w.t(this.exported ? "export.saved" : "export.more")}</span></span>${icon("expand")}</button></li>
      </ul>
    </section>`;
  }

  #look() {
    const w = this.ctx.words;
    const s = this.ctx.settings;
    const german = w.lang === "de";
    return html`<section class="section" aria-labelledby="look">
      <div class="section__head"><h2 id="look">${w.t("look.title")}</h2></div>
      <div class="panel stack">
        ${this.#select(w.t("look.language"), w.lang, [["de", "Deutsch"], ["en", "English"]], (v) => this.#set({ language: v as Settings["language"] }))}
        ${german ? this.#select(w.t("look.address"), s.formal ? "sie" : "du", [["du", "du"], ["sie", "Sie"]], (v) => this.#set({ formal: v === "sie" })) : nothing}
        ${this.#select(w.t("look.theme"), s.theme, [["", w.t("theme.system")], ["light", w.t("theme.light")], ["dark", w.t("theme.dark")]], (v) => this.#set({ theme: v as Settings["theme"] }))}
        ${this.#select(w.t("look.lock"), String(lockAfter()), LOCK_MINUTES.map((n): [string, string] => [String(n), w.n("minutes", n)]), (v) => setLockAfter(Number(v)))}
      </div>
    </section>`;
  }

  #select(label: string, value: string, options: [string, string][], change: (v: string) => void) {
    return html`<label class="field"><span>${label}</span><select class="input" @change=${(e: Event) => change((e.target as HTMLSelectElement).value)}>
      ${options.map(([v, words]) => html`<option value=${v} ?selected=${v === value}>${words}</option>`)}
    </select></label>`;
  }

  #delete() {
    const w = this.ctx.words;
    return html`<section class="section" aria-labelledby="delete">
      <div class="section__head"><h2 id="delete">${w.t("delete.title")}</h2></div>
      <div class="panel stack stack--tight">
        <p>${w.t("delete.why")} <a href="/history" @click=${follow(this.ctx, "/history")}>${w.t("delete.history")}</a></p>
        ${this.deleting
          ? html`<form class="stack stack--tight" @submit=${this.#wipe}>
              <label class="tick"><input type="checkbox" name="sure" required /><span>${w.t("delete.sure")}</span></label>
              <div class="buttons"><button class="button button--danger" type="submit" ?disabled=${this.busy}>${icon("bin")}${w.t(this.busy ? "delete.busy" : "delete.now")}</button>
                <button class="button button--plain" type="button" ?disabled=${this.busy} @click=${() => (this.deleting = false)}>${w.t("cancel")}</button></div>
            </form>`
          : html`<p><button class="button button--danger" type="button" @click=${() => (this.deleting = true)}>${icon("bin")}${w.t("delete.title")}</button></p>`}
      </div>
    </section>`;
  }

  async #set(change: Partial<Settings>): Promise<void> {
    const next = { ...this.ctx.settings, ...change };
    this.ctx.look(next); // at once; the vault follows
    await this.#try(() => this.ctx.engine.settings.set(next));
  }

  readonly #export = (): Promise<void> =>
    this.#try(async () => {
      const { file, name } = await this.ctx.engine.export();
      const bytes = Uint8Array.from(atob(file), (c) => c.charCodeAt(0));
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([bytes], { type: "application/octet-stream" }));
      link.download = name || "facet-vault.json";
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
      this.exported = true;
    });

  readonly #wipe = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    await this.#try(async () => {
      await this.ctx.host.deleteVault();
      await this.ctx.lock();
      localStorage.clear();
      for (const { name } of await indexedDB.databases()) if (name) indexedDB.deleteDatabase(name);
      location.replace("/welcome");
    });
  };

  async #try(act: () => Promise<unknown>): Promise<void> {
    this.busy = true;
    this.problem = "";
    try {
      await act();
    } catch (err) {
      this.problem = sentence(this.ctx.words, reasonOf(err));
    }
    this.busy = false;
  }
}
customElements.define("facet-settings", SettingsPage);
