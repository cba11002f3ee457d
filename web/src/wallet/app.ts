// The app: which page is shown, and the door before an open vault. The path
// says which page; nothing a person said is ever in it.

import { LitElement, html, nothing } from "lit";
import { keyed } from "lit/directives/keyed.js";
import type { Answered, Context, Failure, Held } from "./context";
import { EngineError, type Engine } from "./engine";
import type { Host } from "./host";
import { icon, mark, type IconName } from "./icons";
import { deviceName, knownHere, lockAfter, remember, rememberHere, remembered } from "./look";
import * as passkey from "./passkey";
import { follow } from "./parts/common";
import { reasonOf } from "./reason";
import type { CodeGroup, Settings, VaultStatus } from "./views";
import type { FromFile } from "./pages/unlock";
import { Words, preferredLang, type Key } from "../texts/index";
import "./parts/wait";
import "./parts/reveal";
import "./parts/card";
import "./parts/topics";
import "./parts/scale";
import "./parts/week";
import "./parts/keys";
import "./parts/conflicts";
import "./pages/welcome";
import "./pages/unlock";
import "./pages/recovery";
import "./pages/home";
import "./pages/request";
import "./pages/done";
import "./pages/receive";
import "./pages/preferences";
import "./pages/history";
import "./pages/history-detail";
import "./pages/settings";
import "./pages/failure";

/** What stands before an open vault. */
type Door = "starting" | "welcome" | "have" | "unlock" | "noprf" | "code" | "file" | "adopt" | "recovery" | "open";

const tabs: { path: string; icon: IconName; key: Key }[] = [
  { path: "/home", icon: "home", key: "tab.home" },
  { path: "/preferences", icon: "preferences", key: "tab.preferences" },
  { path: "/history", icon: "history", key: "tab.history" },
  { path: "/settings", icon: "settings", key: "tab.settings" },
];

/** How long the engine may take to lock before its worker is ended anyway, in milliseconds. */
const LOCKING = 1000;

export class App extends LitElement {
  #start!: () => Engine;
  #engine!: Engine;
  #host!: Host;
  #ctx!: Context;
  #held: Held | null = null;
  #door: Door = "starting";
  #creating = false;
  #busy = false;
  #reason = "";
  #code = "";
  #offline = false;
  #answered: Answered | null = null;
  #failure: Failure | null = null;
  #visit = 0; // counts arrivals, so that the same page opened anew is a new page
  #rest = 0;

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  /** `start` starts an engine in a worker of its own. */
  begin(start: () => Engine, host: Host, held: Held | null): void {
    this.#start = start;
    this.#engine = start();
    this.#host = host;
    this.#held = held;
    this.#look(remembered());
    window.addEventListener("popstate", this.#moved);
    for (const sign of ["pointerdown", "keydown"]) window.addEventListener(sign, this.#awake, { passive: true });
    for (const sign of ["online", "offline"]) window.addEventListener(sign, () => this.requestUpdate());
    void this.#arrived();
  }

  /** Another link arrived while the wallet was open. */
  arrive(held: Held): void {
    this.#held = held;
    this.#moved();
  }

  async #arrived(): Promise<void> {
    const insecure = this.#host.config().then(
      (c) => c.insecure_loopback === true,
      () => false,
    );
    try {
      const status = await this.#engine.vault.status();
      if (status.state === "open") await this.#opened(status);
      else this.#to(status.state === "none" && !knownHere() ? "welcome" : "unlock");
    } catch (err) {
      this.#fail({ reason: reasonOf(err), sent: "nothing", retry: () => location.reload() });
    }
    this.#ctx = { ...this.#ctx, insecure: await insecure };
    this.requestUpdate();
  }

  // ---- the door ----

  #to(door: Door, reason = ""): void {
    this.#door = door;
    this.#reason = reason;
    this.#busy = false;
    this.#mirrorDoor();
    this.requestUpdate();
  }

  /** The doors that stand alone have a path of their own; before a page the page's path stays. */
  #mirrorDoor(): void {
    if (this.#held || location.pathname === "/authorize" || location.pathname === "/receive") return;
    const path = ["welcome", "have", "file", "adopt", "recovery"].includes(this.#door) ? "/welcome" : "";
    if (path && location.pathname !== path) history.replaceState(null, "", path);
  }

  async #attempt(act: () => Promise<void>): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    this.#reason = "";
    this.requestUpdate();
    try {
      await act();
    } catch (err) {
      if (err instanceof passkey.NoPRF) this.#to("noprf");
      else this.#reason = reasonOf(err);
    }
    this.#busy = false;
    this.requestUpdate();
  }

  readonly #create = (): Promise<void> =>
    this.#attempt(async () => {
      this.#creating = true;
      const opener = await passkey.create(this.#host);
      const { recovery_code } = await this.#engine.vault.create(opener, deviceName());
      this.#code = recovery_code;
      this.#to("recovery");
    });

  readonly #confirmed = (event: CustomEvent<CodeGroup[]>): Promise<void> =>
    this.#attempt(async () => {
      const { ok } = await this.#engine.vault.confirmRecovery(event.detail);
      if (!ok) throw new EngineError("recovery_wrong");
      this.#code = "";
      await this.#opened();
    });

  readonly #have = (): void => this.#to("have");

  readonly #fromFile = (event: CustomEvent<FromFile | null>): void => {
    if (!event.detail) {
      this.#to("file");
      return;
    }
    const { file, code } = event.detail;
    void this.#attempt(async () => {
      await this.#engine.vault.openFile(file, code);
      this.#to("adopt");
    });
  };

  readonly #adopt = (): Promise<void> =>
    this.#attempt(async () => {
      this.#creating = true;
      await this.#opened(await this.#engine.vault.adopt(await passkey.create(this.#host), deviceName()));
    });

  readonly #unlock = (): Promise<void> => {
    this.#creating = false;
    return this.#attempt(async () => {
      await this.#opened(await this.#engine.vault.open(await passkey.open(this.#host)));
    });
  };

  readonly #withCode = (event: CustomEvent<string | null>): void => {
    const code = event.detail;
    if (code === null) {
      this.#to("code");
      return;
    }
    void this.#attempt(async () => {
      await this.#opened(await this.#engine.vault.openWithCode(code));
    });
  };

  readonly #back = (): void => {
    if (this.#creating || this.#door === "have" || this.#door === "unlock") this.#to("welcome");
    else this.#to(knownHere() ? "unlock" : "have");
  };

  async #opened(status?: VaultStatus): Promise<void> {
    this.#offline = status?.offline === true;
    const settings = await this.#engine.settings.get();
    this.#look({ ...settings, language: settings.language || remembered().language });
    rememberHere();
    this.#door = "open";
    if (["/", "/welcome", "/unlock"].includes(location.pathname)) history.replaceState(null, "", "/home");
    this.#awake();
    this.#moved();
  }

  readonly #lock = async (): Promise<void> => {
    clearTimeout(this.#rest);
    await Promise.race([this.#engine.vault.lock().catch(() => undefined), new Promise((wake) => setTimeout(wake, LOCKING))]);
    this.#engine.end();
    this.#engine = this.#start();
    await this.#host.logout().catch(() => undefined);
    this.#offline = false;
    this.#look(this.#ctx.settings);
    this.#answered = null;
    this.#failure = null;
    history.replaceState(null, "", "/home");
    this.#to("unlock");
  };

  readonly #awake = (): void => {
    clearTimeout(this.#rest);
    if (this.#door === "open") this.#rest = window.setTimeout(() => void this.#lock(), lockAfter() * 60_000);
  };

  // ---- moving about ----

  readonly #go = (path: string): void => {
    history.pushState(null, "", path);
    this.#moved();
  };

  readonly #moved = (): void => {
    this.#visit++;
    this.#answered = null;
    this.#failure = null;
    this.requestUpdate();
  };

  #take(path: Held["path"]): Held | null {
    if (this.#held?.path !== path) return null;
    const held = this.#held;
    this.#held = null;
    return held;
  }

  #fail(failure: Failure): void {
    this.#failure = failure;
    this.requestUpdate();
  }

  readonly #onAnswered = (answered: Answered): void => {
    this.#answered = answered;
    this.#failure = null;
    this.requestUpdate();
  };

  #look(settings: Settings): void {
    remember(settings);
    const words = new Words(settings.language || preferredLang(), settings.formal);
    document.documentElement.lang = words.lang;
    if (settings.theme) document.documentElement.dataset.theme = settings.theme;
    else delete document.documentElement.dataset.theme;
    this.#ctx = {
      engine: this.#engine,
      host: this.#host,
      words,
      settings,
      insecure: this.#ctx?.insecure ?? false,
      offline: this.#offline,
      take: (path) => this.#take(path),
      again: (held) => this.arrive(held),
      go: this.#go,
      fail: (failure) => this.#fail(failure),
      answered: this.#onAnswered,
      look: (next) => this.#look(next),
      lock: this.#lock,
    };
    this.requestUpdate();
  }

  // ---- drawing ----

  override render() {
    if (!this.#ctx) return nothing;
    const w = this.#ctx.words;
    const path = this.#section();
    const tabbed = this.#door === "open" && !this.#failure && tabs.some((t) => t.path === path);
    document.body.className = tabbed ? "has-tabs" : path === "/authorize" || path === "/receive" ? "focus focus--wide" : "focus";
    if (this.#answered || this.#failure || this.#door !== "open") document.body.classList.remove("focus--wide");
    return html`
      <a class="skip" href="#main" @click=${this.#skip}>${w.t("skip")}</a>
      ${this.#ctx.insecure ? html`<aside class="banner">${icon("warning")}${w.t("insecure")}</aside>` : nothing}
      ${this.#offline ? this.#banner() : nothing}
      <header class="topbar">
        ${tabbed ? html`<a class="brand" href="/home" @click=${follow(this.#ctx, "/home")}>${mark()}Facet</a>${this.#tabs(path)}` : html`<span class="brand">${mark()}Facet</span>${this.#corner(path)}`}
      </header>
      <main id="main" tabindex="-1">${this.#failure ? this.#failed(this.#failure) : this.#door === "open" ? this.#page(path) : this.#gate()}</main>
    `;
  }

  /** A vault opened without a network stays what it is until it is opened anew. */
  #banner() {
    const w = this.#ctx.words;
    return html`<p class="banner" role="status">${icon("info")}
      ${navigator.onLine
        ? html`<span>${w.t("offline.over")}</span> <button class="text-button" type="button" @click=${this.#lock}>${w.t("offline.reopen")}</button>`
        : html`<span><strong>${w.t("offline")}</strong> ${w.t("offline.more")}</span>`}
    </p>`;
  }

  #section(): string {
    const first = location.pathname.split("/")[1] ?? "";
    return `/${first}`;
  }

  #tabs(path: string) {
    const w = this.#ctx.words;
    return html`<nav class="tabs" aria-label=${w.t("tabs")}>
      <ul>${tabs.map((t) => html`<li><a href=${t.path} aria-current=${t.path === path ? "page" : nothing} @click=${follow(this.#ctx, t.path)}>${icon(t.icon)}${w.t(t.key)}</a></li>`)}</ul>
    </nav>`;
  }

  /** The one link beside the name on pages that ask something. */
  #corner(path: string) {
    const w = this.#ctx.words;
    if (this.#door === "open") {
      const asks = (path === "/authorize" || path === "/receive") && !this.#answered && !this.#failure;
      return asks ? html`<div class="topbar__end"><a class="text-button" href="/home" @click=${follow(this.#ctx, "/home")}>${w.t("later")}</a></div>` : nothing;
    }
    const other = w.lang === "de" ? "en" : "de";
    return html`<div class="topbar__end">
      <button class="text-button" type="button" lang=${other} @click=${() => this.#look({ ...this.#ctx.settings, language: other })}>${other === "en" ? "English" : "Deutsch"}</button>
    </div>`;
  }

  #gate() {
    const ctx = this.#ctx;
    switch (this.#door) {
      case "starting":
        return html`<div class="message"><h1 class="hidden-text">Facet</h1><facet-wait .ctx=${ctx} what=${ctx.words.t("starting")} slow=${ctx.words.t("starting.slow")} @cancel=${() => location.reload()}></facet-wait></div>`;
      case "welcome":
        return html`<facet-welcome .ctx=${ctx} .busy=${this.#busy} .reason=${this.#reason} @create=${this.#create} @have=${this.#have}></facet-welcome>`;
      case "recovery":
        return html`<facet-recovery .ctx=${ctx} .busy=${this.#busy} .reason=${this.#reason} .code=${this.#code} @confirmed=${this.#confirmed}></facet-recovery>`;
      default:
        return html`<facet-unlock .ctx=${ctx} .busy=${this.#busy} .reason=${this.#reason} .held=${this.#held !== null} .creating=${this.#creating}
          .mode=${this.#door === "unlock" ? "passkey" : this.#door} @have=${this.#have} @unlock=${this.#unlock} @code=${this.#withCode} @file=${this.#fromFile} @adopt=${this.#adopt} @back=${this.#back}></facet-unlock>`;
    }
  }

  #failed(failure: Failure) {
    return html`<facet-failure .ctx=${this.#ctx} .failure=${failure}></facet-failure>`;
  }

  #page(path: string) {
    const ctx = this.#ctx;
    const rest = decodeURIComponent(location.pathname.split("/")[2] ?? "");
    if (this.#answered) return html`<facet-done .ctx=${ctx} .answered=${this.#answered}></facet-done>`;
    // A list of one, keyed by the visit: an arrival makes a new page, never a patched old one.
    switch (path) {
      case "/authorize":
        return keyed(this.#visit, html`<facet-request .ctx=${ctx} proposalId=${rest}></facet-request>`);
      case "/receive":
        return keyed(this.#visit, html`<facet-receive .ctx=${ctx}></facet-receive>`);
      case "/preferences":
        return keyed(this.#visit, html`<facet-preferences .ctx=${ctx}></facet-preferences>`);
      case "/history":
        return rest
          ? keyed(this.#visit, html`<facet-history-detail .ctx=${ctx} entryId=${rest}></facet-history-detail>`)
          : keyed(this.#visit, html`<facet-history .ctx=${ctx}></facet-history>`);
      case "/settings":
        return keyed(this.#visit, html`<facet-settings .ctx=${ctx}></facet-settings>`);
      default:
        return keyed(this.#visit, html`<facet-home .ctx=${ctx}></facet-home>`);
    }
  }

  readonly #skip = (event: Event): void => {
    event.preventDefault();
    this.querySelector<HTMLElement>("#main")?.focus();
  };
}
customElements.define("facet-app", App);
