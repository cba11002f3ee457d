// <wallet-request begin="/facet/begin" policy="home">: the site's own button
// opens a sheet with the ways to answer, on this device, on another, or with an
// app the browser knows, and says how it stands. It loads nothing from anyone,
// and never counts down.
//
//   slots       (default) the button · title · facts · done · absent: links for afterwards
//   attributes  begin, policy, next: where to go when it is done
//               digital: the site's address that takes what the browser's Digital Credentials API gave; absent = that way is not offered
//   events      facet-state {id, state} · facet-done {id} (cancel it to stay)
//   parts       dialog, heading, button, qr, link, state
//   properties  --facet-font, -surface, -ink, -muted, -line, -accent, -on-accent, -radius, -focus

import { LitElement, html, nothing, svg, unsafeCSS } from "lit";
import styles from "./sheet.css?text";
import { BeginError, begin, follow, type Begun, type Flow, type Stage } from "./exchange";
import { askBrowser, handOver, hasDigital } from "./digital";
import { encode, path } from "./qr";
import { wordsFor, type ElementKey } from "./words";

const WALLET = "facet-request.wallet";

type View = "start" | "asking" | "choose" | "code" | "ready" | "browser" | "checking" | Stage;

const pictures: Record<Stage, string> = {
  waiting: "M4 30h32M10 30a10 10 0 0 1 20 0M20 14V8M8 18l-4-4M32 18l4-4",
  opened: "M12 3h16a2 2 0 0 1 2 2v30a2 2 0 0 1-2 2H12a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2zM17 32h6M15 18l4 4 7-9",
  done: "M20 3a17 17 0 1 0 0 34a17 17 0 1 0 0-34M11 21l6 6 12-14",
  absent: "M20 3a17 17 0 1 0 0 34a17 17 0 1 0 0-34M12 20h16",
  expired: "M20 3a17 17 0 1 0 0 34a17 17 0 1 0 0-34M20 10v11l7 5",
  error: "M20 4l17 31H3zM20 15v10M20 29v2",
};

export class WalletRequest extends LitElement {
  static override styles = unsafeCSS(styles);
  static override properties = { begin: {}, policy: {}, next: {}, digital: {}, view: { state: true }, copied: { state: true } };
  declare begin: string;
  declare policy: string;
  declare next: string;
  declare digital: string;
  declare view: View;
  declare copied: boolean;
  #begun: Begun | null = null;
  #code = "";
  #error = "";
  #arrived = false; // an answer came and was not taken
  #stop: (() => void) | null = null;
  #leave = new AbortController(); // ends what the open sheet began
  #unusable = false; // the browser has the API and will not

  constructor() {
    super();
    this.begin = this.policy = this.next = this.digital = "";
    this.view = "start";
    this.copied = false;
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#reset();
  }

  /** Opens the sheet, as the button does. */
  open(): void {
    this.#reset();
    this.#dialog?.showModal();
    this.#focus();
  }

  /** Closes the sheet; the focus returns to the button. */
  close(): void {
    this.#dialog?.close();
  }

  get #dialog(): HTMLDialogElement | null | undefined {
    return this.shadowRoot?.querySelector("dialog");
  }

  override render() {
    const t = wordsFor(this);
    return html`<span @click=${this.#trigger}><slot><button part="button" class="btn" type="button">${t("open")}</button></slot></span>
      <dialog part="dialog" aria-labelledby="title" @close=${this.#closed} @click=${this.#outside}>
        <div class="sheet">
          <div class="head">
            <h2 id="title" part="heading" tabindex="-1"><slot name="title">${t("title")}</slot></h2>
            <button class="x" type="button" aria-label=${t("close")} @click=${this.close}>
              <svg viewBox="0 0 20 20" aria-hidden="true"><path d="M4 4l12 12M16 4L4 16" /></svg>
            </button>
          </div>
          ${this.#body()}
        </div>
      </dialog>`;
  }

  #body() {
    switch (this.view) {
      case "start":
        return this.#start();
      case "asking":
      case "checking":
        return html`<p role="status">${wordsFor(this)(this.view)}</p>`;
      case "ready":
      case "browser":
        return this.#browser(this.view);
      case "choose":
        return this.#choose();
      case "code":
        return this.#showCode();
      default:
        return this.#state(this.view);
    }
  }

  #start() {
    const t = wordsFor(this);
    return html`<slot name="facts"></slot>
      <div class="way">
        <h3>${t("here")}</h3>
        <button part="button" class="btn" type="button" @click=${() => this.#ask("same_device")}>${t("here.open", { wallet: remembered() || "Facet" })}</button>
        <button part="button" class="btn btn--plain" type="button" @click=${this.close}>${t("not_now")}</button>
      </div>
      <p class="or"><span>${t("or")}</span></p>
      <div class="way">
        <h3>${t("there")}</h3>
        <button part="button" class="btn btn--plain" type="button" @click=${() => this.#ask("cross_device")}>${t("there.show")}</button>
      </div>
      ${this.#appWay()}`;
  }

  /** The browser's own way, where the site offers it and the browser has it. */
  #appWay() {
    const t = wordsFor(this);
    if (!this.digital || !hasDigital()) return nothing;
    if (this.#unusable) return html`<p class="quiet" role="status">${t("app.unusable")}</p>`;
    return html`<p class="or"><span>${t("or")}</span></p>
      <div class="way">
        <h3>${t("app")}</h3>
        <button part="button" class="btn btn--plain" type="button" aria-describedby="app" @click=${() => this.#ask("dc_api")}>${t("app.choose")}</button>
        <p class="quiet" id="app">${t("app.more")}</p>
      </div>`;
  }

  /** While the browser asks, or waits for a tap before it may. */
  #browser(view: "ready" | "browser") {
    const t = wordsFor(this);
    return html`<div class="state" part="state" role="status">
        <svg viewBox="0 0 40 40" aria-hidden="true"><path d="M4 6h32v28H4zM4 13h32M10 20h4M18 20h12M10 27h4M18 27h12" /></svg>
        <h3>${t(view)}</h3>
        <p>${t(`${view}.more`)}</p>
      </div>
      <div class="pair">
        ${view === "ready" ? html`<button part="button" class="btn" type="button" @click=${this.#askBrowser}>${t("app.choose")}</button>` : nothing}
        <button part="button" class="btn btn--plain" type="button" @click=${this.#again}>${t("other_way")}</button>
      </div>`;
  }

  #choose() {
    const t = wordsFor(this);
    return html`<h3>${t("choose")}</h3>
      <div class="way">${this.#begun!.links.map((l) => html`<a part="button" class="btn btn--plain" href=${l.url} @click=${() => remember(l.wallet)}>${l.wallet}</a>`)}</div>`;
  }

  #showCode() {
    const t = wordsFor(this);
    const modules = encode(this.#code);
    const side = modules.length;
    return html`<div class="qr" part="qr">
        <svg viewBox="-4 -4 ${side + 8} ${side + 8}" role="img" aria-label=${t("qr")} shape-rendering="crispEdges">
          ${svg`<path class="light" d="M-4-4h${side + 8}v${side + 8}h-${side + 8}z" /><path class="dark" d=${path(modules)} />`}
        </svg>
        <p>${t("there.scan")}</p>
      </div>
      ${this.#begun!.links.length > 1
        ? html`<label class="pick"><span>${t("choose")}</span><select @change=${this.#pick}>${this.#begun!.links.map((l) => html`<option ?selected=${l.url === this.#code}>${l.wallet}</option>`)}</select></label>`
        : nothing}
      <div class="copy" part="link">
        <input readonly aria-label=${t("link")} .value=${this.#code} @focus=${(e: Event) => (e.target as HTMLInputElement).select()} />
        <button type="button" @click=${this.#copy}><span role="status">${t(this.copied ? "copied" : "copy")}</span></button>
      </div>
      <p class="quiet" role="status">${t("waiting.more")}</p>`;
  }

  #state(stage: Stage) {
    const t = wordsFor(this);
    const pending = stage === "waiting" || stage === "opened";
    return html`<div class="state" part="state" role="status">
        <svg viewBox="0 0 40 40" aria-hidden="true"><path d=${pictures[stage]} /></svg>
        <h3>${t(stage)}</h3>
        <p>${stage === "done" ? html`<slot name="done">${t("done.more")}</slot>` : t(stage === "error" && this.#arrived ? "error.arrived" : (`${stage}.more` as ElementKey))}</p>
      </div>
      ${stage === "error" && this.#error ? html`<p class="code">${this.#error}${this.#begun ? ` · ${this.#begun.id}` : ""}</p>` : nothing}
      <div class="pair">
        ${pending
          ? html`<button part="button" class="btn btn--plain" type="button" @click=${() => (this.view = "code")}>${t("code_again")}</button>
              <button part="button" class="btn btn--plain" type="button" @click=${this.close}>${t("not_now")}</button>`
          : stage === "done"
            ? html`<button part="button" class="btn" type="button" @click=${this.#finish}>${t("go_on")}</button>`
            : html`<button part="button" class="btn btn--plain" type="button" @click=${this.close}>${t("close")}</button>
                <button part="button" class="btn btn--plain" type="button" @click=${this.#again}>${t(stage === "expired" ? "restart" : "again")}</button>`}
      </div>
      ${stage === "absent" ? html`<slot name="absent"></slot>` : nothing}`;
  }

  async #ask(flow: Flow): Promise<void> {
    const { signal } = this.#leave;
    this.#show("asking");
    try {
      this.#begun = await begin(this.begin, flow, this.policy);
    } catch (err) {
      if (!signal.aborted) this.#fail(err instanceof BeginError ? err.code : "other");
      return;
    }
    if (signal.aborted) return; // the sheet was closed meanwhile
    if (flow === "same_device") this.#goTo(this.#begun);
    else if (flow === "dc_api") this.#askWhenAllowed();
    else {
      this.#code = (chosen(this.#begun) ?? this.#begun.links[0]!).url;
      this.#show("code");
      this.#stop = follow(this.#begun, (stage) => this.#report(stage));
    }
  }

  /** Browsers ask only shortly after a tap; a slow begin costs a second one. */
  #askWhenAllowed(): void {
    if (navigator.userActivation && !navigator.userActivation.isActive) this.#show("ready");
    else void this.#askBrowser();
  }

  readonly #askBrowser = async (): Promise<void> => {
    const [begun, { signal }] = [this.#begun!, this.#leave];
    this.#show("browser");
    const asked = await askBrowser(begun, signal);
    if (signal.aborted) return;
    if (typeof asked === "string") {
      this.#unusable = asked === "unusable";
      this.#again(); // to the sheet: the other ways are still there
      return;
    }
    this.#show("checking");
    const { stage, code } = await handOver(this.digital, { id: begun.id, ...asked });
    if (signal.aborted) return;
    this.#error = code;
    this.#report(stage);
  };

  /** Goes to the wallet: the remembered one, the only one, or the one picked. */
  #goTo(begun: Begun): void {
    const link = chosen(begun) ?? (begun.links.length === 1 ? begun.links[0] : undefined);
    if (!link) {
      this.#show("choose");
      return;
    }
    remember(link.wallet);
    location.assign(link.url);
  }

  #report(stage: Stage): void {
    const id = this.#begun?.id ?? "";
    this.dispatchEvent(new CustomEvent("facet-state", { detail: { id, state: stage }, bubbles: true, composed: true }));
    if (stage === "waiting" && this.view === "code") return; // the code stays until something happens
    if (stage === "error") {
      this.#error ||= "rejected";
      this.#arrived = true;
    }
    this.#show(stage);
  }

  #fail(code: string): void {
    this.#error = code;
    this.#show("error");
  }

  /** Changes the view; the focus goes to the heading if it was in the sheet, where it would be lost. */
  #show(view: View): void {
    const inside = this.shadowRoot?.activeElement !== null;
    this.view = view;
    if (inside) void this.updateComplete.then(() => this.#focus());
  }

  #focus(): void {
    this.shadowRoot?.querySelector<HTMLElement>("h2")?.focus();
  }

  readonly #finish = (): void => {
    const id = this.#begun?.id ?? "";
    const goOn = this.dispatchEvent(new CustomEvent("facet-done", { detail: { id }, bubbles: true, composed: true, cancelable: true }));
    const { next } = this;
    this.close();
    if (!goOn) return;
    if (!next) location.reload();
    else location.assign(new URL(next.replace("{id}", encodeURIComponent(id)), location.href).href);
  };

  readonly #again = (): void => {
    const inside = this.shadowRoot?.activeElement !== null;
    this.#reset();
    if (inside) void this.updateComplete.then(() => this.#focus());
  };

  readonly #trigger = (event: Event): void => {
    event.preventDefault();
    this.open();
  };

  readonly #outside = (event: MouseEvent): void => {
    if (event.target === event.currentTarget) this.close(); // the backdrop
  };

  readonly #pick = (event: Event): void => {
    const link = this.#begun!.links[(event.target as HTMLSelectElement).selectedIndex]!;
    remember(link.wallet);
    this.#code = link.url;
    this.requestUpdate();
  };

  readonly #copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(this.#code);
    this.copied = true;
  };

  readonly #closed = (): void => {
    if (!this.#dialog?.open) this.#reset(); // the event comes late: the sheet may be open again
  };

  readonly #reset = (): void => {
    this.#leave.abort();
    this.#leave = new AbortController();
    this.#stop?.();
    this.#stop = null;
    this.#begun = null;
    this.#code = "";
    this.#error = "";
    this.#arrived = false;
    this.copied = false;
    this.view = "start";
  };
}
customElements.define("wallet-request", WalletRequest);

function chosen(begun: Begun) {
  return begun.links.find((l) => l.wallet === remembered());
}

/** Which wallet this browser used last on this site. */
function remembered(): string {
  try {
    return localStorage.getItem(WALLET) ?? "";
  } catch {
    return "";
  }
}

function remember(wallet: string): void {
  try {
    localStorage.setItem(WALLET, wallet);
  } catch {
    // Not remembering is fine.
  }
}
