// What was stated differently on two devices at once: both versions are kept,
// and the person chooses, once.

import { html, nothing } from "lit";
import { icon } from "../icons";
import { Part } from "../page";
import { reasonOf, sentence } from "../reason";
import type { Conflict } from "../views";
import type { Key } from "../../texts/index";

const kinds: Record<Conflict["kind"], Key> = { preferences: "conflict.preferences", today: "conflict.today", settings: "conflict.settings" };

export class Conflicts extends Part {
  #list: Conflict[] = [];
  #busy = false;
  #reason = "";

  override async connectedCallback(): Promise<void> {
    super.connectedCallback();
    await this.#attempt(() => this.ctx.engine.conflicts.list());
  }

  override render() {
    const w = this.ctx.words;
    if (!this.#list.length && !this.#reason) return nothing;
    return html`<section class="section" aria-labelledby="conflicts">
      <div class="section__head"><h2 id="conflicts">${w.t("conflict.title")}</h2></div>
      <p>${w.t("conflict.why")}</p>
      ${this.#reason ? html`<div class="note note--danger" role="alert">${icon("warning")}<p><strong>${sentence(w, this.#reason)}</strong></p></div>` : nothing}
      ${this.#list.map(
        (c) => html`<div class="panel stack">
          <h3>${w.t(kinds[c.kind])}</h3>
          <div class="versions">${this.#version(c, "kept")} ${this.#version(c, "other")}</div>
        </div>`,
      )}
    </section>`;
  }

  #version(c: Conflict, take: "kept" | "other") {
    const w = this.ctx.words;
    const title = w.t(take === "kept" ? "conflict.kept" : "conflict.other");
    return html`<div class="stack stack--tight">
      <h4 class="small muted">${title}</h4>
      <dl class="stack stack--tight">${c[take].map((line) => html`<div><dt class="small muted">${w.pick(line.label)}</dt><dd>${w.pick(line.value)}</dd></div>`)}</dl>
      <button class="button button--plain" type="button" ?disabled=${this.#busy} @click=${() => this.#choose(c, take)}>${w.t("conflict.take")}<span class="hidden-text">: ${title}</span></button>
    </div>`;
  }

  async #choose(c: Conflict, take: "kept" | "other"): Promise<void> {
    await this.#attempt(() => this.ctx.engine.conflicts.choose(c.id, take));
    if (!this.#reason && c.kind === "settings") this.ctx.look(await this.ctx.engine.settings.get());
  }

  async #attempt(act: () => Promise<Conflict[]>): Promise<void> {
    this.#busy = true;
    this.#reason = "";
    this.requestUpdate();
    try {
      this.#list = await act();
    } catch (err) {
      this.#reason = reasonOf(err);
    }
    this.#busy = false;
    this.requestUpdate();
  }
}
customElements.define("facet-conflicts", Conflicts);
