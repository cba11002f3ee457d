// The auditor's console: reads, recomputes, shows. Nothing here can change
// anything, and nothing is loaded from anywhere else.

import { html, LitElement, nothing } from "lit";
import { api, type Figures, type State } from "./api";
import { check, type Check } from "./check";
import { hatch, mark } from "./icons";
import type { Context } from "./page";
import { chosenLang, keepLang, Words, type Lang } from "./words";
import "./pages/overview";
import "./pages/entries";
import "./pages/entry";
import "./pages/policies";
import "./pages/report";

const areas = ["overview", "entries", "policies", "report"] as const;

class App extends LitElement {
  static override properties = { ctx: { state: true }, failure: { state: true }, words: { state: true } };
  declare ctx: Context | undefined;
  declare failure: string | undefined;
  declare words: Words;
  #figures: Promise<Figures> | undefined;

  constructor() {
    super();
    this.words = new Words(chosenLang());
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    document.documentElement.lang = this.words.lang;
    window.addEventListener("popstate", () => this.#arrive());
    this.addEventListener("click", (e) => this.#follow(e));
    this.#read().catch((e: unknown) => (this.failure = e instanceof Error ? e.message : "unknown"));
  }

  async #read(): Promise<void> {
    const state = await api.state();
    this.#show(state, await check(state));
  }

  #show(state: State, result: Check): void {
    this.ctx = {
      words: this.words,
      state,
      check: result,
      ...here(),
      figures: () => (this.#figures ??= api.overview()),
      go: (path) => this.#go(path),
    };
  }

  #arrive(): void {
    if (this.ctx) this.ctx = { ...this.ctx, ...here(), words: this.words };
  }

  #go(path: string): void {
    history.pushState(null, "", path);
    this.#arrive();
  }

  /** Links inside the console change the page without loading it again. */
  #follow(e: MouseEvent): void {
    const link = e.composedPath().find((n): n is HTMLAnchorElement => n instanceof HTMLAnchorElement);
    if (!link || e.defaultPrevented || e.button !== 0 || e.ctrlKey || e.metaKey || e.shiftKey || e.altKey) return;
    const url = new URL(link.href);
    if (url.origin !== location.origin || !url.pathname.startsWith("/audit") || url.hash) return;
    e.preventDefault();
    this.#go(url.pathname + url.search);
  }

  #speak(lang: Lang): void {
    keepLang(lang);
    document.documentElement.lang = lang;
    this.words = new Words(lang);
    this.#arrive();
  }

  protected override render(): unknown {
    const w = this.words;
    const area = this.ctx?.path[0] ?? "overview";
    return html`<a class="skip" href="#content" @click=${(e: Event) => {
        e.preventDefault();
        this.querySelector<HTMLElement>("main")?.focus();
      }}>${w.t("audit.skip")}</a>
      <header class="top"><div><div class="brand">${mark()}<span>${w.t("audit.title")}</span><span class="langs" role="group" aria-label=${w.t("audit.language")}>
        ${(["de", "en"] as const).map((l) => html`<button type="button" lang=${l} aria-pressed=${w.lang === l ? "true" : "false"} @click=${() => this.#speak(l)}>${l === "de" ? "Deutsch" : "English"}</button>`)}
        <span>${w.t("audit.readonly")}</span></span></div>
      <nav class="tabs" aria-label=${w.t("audit.areas")}>${areas.map((a) => html`<a href=${a === "overview" ? "/audit" : `/audit/${a}`}
        aria-current=${a === area || (a === "entries" && area === "entry") ? "page" : nothing}>${w.t(`audit.nav.${a}`)}</a>`)}</nav></div></header>
      <main id="content" class="page" tabindex="-1">${hatch()}${this.#page(area)}</main>`;
  }

  #page(area: string): unknown {
    const w = this.words;
    if (this.failure) return html`<h1 class="first">${w.t("audit.failed")}</h1><p>${w.t("audit.failed.do", { code: this.failure })}</p>`;
    const ctx = this.ctx;
    if (!ctx) return html`<p class="wait" role="status">${w.t("audit.wait")}</p>`;
    switch (area) {
      case "entries":
        return html`<audit-entries .ctx=${ctx}></audit-entries>`;
      case "entry":
        return html`<audit-entry .ctx=${ctx}></audit-entry>`;
      case "policies":
        return html`<audit-policies .ctx=${ctx}></audit-policies>`;
      case "report":
        return html`<audit-report .ctx=${ctx}></audit-report>`;
      default:
        return html`<audit-overview .ctx=${ctx}></audit-overview>`;
    }
  }
}
customElements.define("audit-app", App);

function here(): { path: string[]; query: URLSearchParams } {
  const path = location.pathname.replace(/^\/audit\/?/, "").split("/").filter(Boolean);
  return { path: path.length ? path : ["overview"], query: new URLSearchParams(location.search) };
}
