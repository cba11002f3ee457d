// The base of every page: light DOM, so that one global style sheet applies
// and no inline style is needed, and the manners of arriving on a page.

import { LitElement } from "lit";
import type { Context } from "./context";

/** A piece of a page. */
export abstract class Part extends LitElement {
  static override properties = { ctx: { attribute: false } };
  declare ctx: Context;

  protected override createRenderRoot(): HTMLElement {
    return this;
  }
}

/** A page. Whenever its heading is another one, focus goes there and the window's title follows. */
export abstract class Page extends Part {
  #heading: Element | null = null;

  /** The name of the page for the window's title. */
  abstract get name(): string;

  protected override updated(): void {
    document.title = `${this.name} – Facet`;
    const heading = this.querySelector<HTMLElement>("h1");
    if (!heading || heading === this.#heading) return;
    this.#heading = heading;
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }
}
