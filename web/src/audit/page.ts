// The base of the console's pages: light DOM, one global style sheet, and the
// manners of arriving.

import { LitElement } from "lit";
import type { Figures, State } from "./api";
import type { Check } from "./check";
import type { Words } from "./words";

/** What every page is given. */
export interface Context {
  words: Words;
  state: State;
  check: Check;
  /** The rest of the path and the query, e.g. ["entry", "7"]. */
  path: string[];
  query: URLSearchParams;
  figures(): Promise<Figures>;
  go(path: string): void;
}

export abstract class Page extends LitElement {
  static override properties = { ctx: { attribute: false }, failure: { state: true } };
  declare ctx: Context;
  declare failure: string | undefined;
  #arrived = false;

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  /** Loads what the page shows; called when it is opened and when its address changes. */
  abstract load(): Promise<void>;

  override willUpdate(changed: Map<string, unknown>): void {
    const before = changed.get("ctx") as Context | undefined;
    if (!changed.has("ctx") || (before && before.path.join() === this.ctx.path.join() && `${before.query}` === `${this.ctx.query}` && before.words === this.ctx.words)) return;
    this.failure = undefined;
    this.load().catch((e: unknown) => (this.failure = e instanceof Error ? e.message : "unknown"));
  }

  protected override updated(): void {
    const heading = this.querySelector<HTMLElement>("h1");
    if (!heading) return;
    document.title = `${heading.textContent?.trim()} · ${this.ctx.words.t("audit.title")}`;
    if (this.#arrived) return;
    this.#arrived = true;
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }
}
