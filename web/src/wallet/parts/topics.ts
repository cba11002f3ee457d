// Choosing topics: chips of what is chosen, a search, and the tree. Native
// lists, check boxes and buttons, so that every key and every voice works.

import { html, nothing } from "lit";
import { Part } from "../page";
import { icon } from "../icons";
import type { Topic } from "../views";

/** Most hits a search shows at once. */
const HITS = 40;

/** How many topics of the first level are shown before "show all". */
const FIRST = 8;

/** The topic tree, once, for every part that needs it. */
export class TopicTree {
  readonly roots: Topic[] = [];
  readonly #byId = new Map<string, Topic>();
  readonly #below = new Map<string, Topic[]>();
  readonly #sought: { topic: Topic; folded: string }[];

  constructor(topics: Topic[], lang: string) {
    const order = new Intl.Collator(lang).compare;
    const sorted = [...topics].sort((a, b) => order(a.name, b.name));
    for (const topic of sorted) this.#byId.set(topic.id, topic);
    for (const topic of sorted) {
      if (!topic.parent || !this.#byId.has(topic.parent)) this.roots.push(topic);
      else this.#below.set(topic.parent, [...(this.#below.get(topic.parent) ?? []), topic]);
    }
    this.#sought = sorted.map((topic) => ({ topic, folded: fold(topic.name) }));
  }

  below(topic: Topic): Topic[] {
    return this.#below.get(topic.id) ?? [];
  }

  name(id: string): string {
    return this.#byId.get(id)?.name ?? id;
  }

  /** "Sport" for "Ski": what stands above it. */
  above(topic: Topic): string {
    const parent = topic.parent ? this.#byId.get(topic.parent) : undefined;
    return parent ? parent.name : "";
  }

  /** Topics that contain the words; those that begin with them first. */
  find(words: string): Topic[] {
    const sought = fold(words);
    const hits = this.#sought.filter((s) => s.folded.includes(sought));
    hits.sort((a, b) => Number(b.folded.startsWith(sought)) - Number(a.folded.startsWith(sought)));
    return hits.map((h) => h.topic);
  }
}

/** Case and accents do not matter to a search. */
function fold(text: string): string {
  return text.trim().toLowerCase().normalize("NFD").replace(/\p{M}/gu, "");
}

export interface TopicChange {
  id: string;
  on: boolean;
}

export class TopicsPart extends Part {
  static override properties = {
    ...Part.properties, tree: { attribute: false }, chosen: { attribute: false }, max: { type: Number }, label: {}, avoid: { type: Boolean },
    folded: { type: Boolean }, words: { state: true }, adding: { state: true },
  };
  declare tree: TopicTree;
  declare chosen: string[];
  declare max: number;
  /** Name of the list of chosen topics. */
  declare label: string;
  declare avoid: boolean;
  /** The tree waits behind "+ Topic". */
  declare folded: boolean;
  declare words: string;
  declare adding: boolean;
  #open = new Set<string>();
  #all = false;

  constructor() {
    super();
    this.chosen = [];
    this.max = 32;
    this.label = "";
    this.avoid = false;
    this.folded = false;
    this.words = "";
    this.adding = false;
  }

  override render() {
    const shown = !this.folded || this.adding;
    return html`<div class="stack">
      ${this.chosen.length || this.folded ? this.#chips() : nothing} ${shown ? this.#picker() : nothing}
    </div>`;
  }

  #chips() {
    const w = this.ctx.words;
    return html`<ul class="chips" aria-label=${this.label}>
      ${this.chosen.map((id, i) => {
        const name = this.tree.name(id);
        return html`<li><button class="chip ${this.avoid ? "chip--avoid" : ""}" type="button" aria-label=${w.t("topic.remove", { topic: name })}
          @click=${() => this.#remove(id, i)}>${name}${icon("close")}</button></li>`;
      })}
      ${this.folded
        ? html`<li><button class="chip chip--add" type="button" aria-expanded=${this.adding ? "true" : "false"} @click=${this.#add}>
            ${icon(this.adding ? "close" : "add")}${w.t(this.adding ? "topic.done" : "topic.add")}</button></li>`
        : nothing}
    </ul>`;
  }

  #picker() {
    const w = this.ctx.words;
    const hits = this.words.trim() ? this.tree.find(this.words) : null;
    return html`<div class="search">
        ${icon("search")}
        <input class="input" type="search" aria-label=${w.t("topic.search")} placeholder=${w.t("topic.search")} .value=${this.words}
          autocomplete="off" @input=${(e: Event) => (this.words = (e.target as HTMLInputElement).value)} />
      </div>
      <p class="hidden-text" role="status">${hits ? w.n("topic.hits", hits.length) : ""}</p>
      ${hits === null ? this.#roots() : hits.length ? this.#hits(hits) : this.#none()}
      ${this.chosen.length >= this.max ? html`<p class="small muted" role="status">${w.t("topic.full", { n: this.max })}</p>` : nothing}`;
  }

  #roots() {
    const w = this.ctx.words;
    const { roots } = this.tree;
    const some = this.#all || this.folded || roots.length <= FIRST + 1 ? roots : this.#first(roots);
    return html`<ul class="tree ${this.folded ? "tree--short" : ""}">${some.map((t) => this.#branch(t))}</ul>
      ${some.length < roots.length || this.#all
        ? html`<p><button class="text-button" type="button" aria-expanded=${this.#all ? "true" : "false"} @click=${this.#more}>${w.t(this.#all ? "topic.fewer" : "topic.all")}</button></p>`
        : nothing}`;
  }

  /** What is chosen, and below, comes first; then the beginning of the alphabet. */
  #first(roots: Topic[]): Topic[] {
    const used = (t: Topic): boolean => this.chosen.includes(t.id) || this.tree.below(t).some(used);
    const mine = roots.filter(used);
    const rest = roots.filter((t) => !mine.includes(t)).slice(0, Math.max(0, FIRST - mine.length));
    return roots.filter((t) => mine.includes(t) || rest.includes(t));
  }

  #branch(topic: Topic): unknown {
    const w = this.ctx.words;
    const below = this.tree.below(topic);
    const open = this.#open.has(topic.id);
    if (!below.length) return html`<li>${this.#tick(topic)}</li>`;
    return html`<li>
      <div class="tree__row">
        ${this.#tick(topic)}<span class="tree__count">${w.t("topic.inside", { n: below.length })}</span>
        <button class="icon-button" type="button" aria-expanded=${open ? "true" : "false"} aria-label=${w.t("topic.below", { topic: topic.name })}
          @click=${() => this.#flip(topic.id)}>${icon("expand")}</button>
      </div>
      ${open ? html`<ul class="tree__sub">${below.map((t) => this.#branch(t))}</ul>` : nothing}
    </li>`;
  }

  #hits(hits: Topic[]) {
    const w = this.ctx.words;
    return html`<ul class="tree tree--short">
        ${hits.slice(0, HITS).map((t) => html`<li>${this.#tick(t, this.tree.above(t))}</li>`)}
      </ul>
      ${hits.length > HITS ? html`<p class="small muted">${w.t("topic.more", { n: hits.length - HITS })}</p>` : nothing}`;
  }

  #none() {
    const w = this.ctx.words;
    return html`<div class="empty">
      <p><strong>${w.t("topic.none", { word: this.words.trim() })}</strong> ${w.t("topic.none_more")}</p>
      <button class="button button--plain" type="button" @click=${() => (this.words = "")}>${w.t("topic.all")}</button>
    </div>`;
  }

  #tick(topic: Topic, above = "") {
    const on = this.chosen.includes(topic.id);
    return html`<label class="tick"><input type="checkbox" .checked=${on} ?disabled=${!on && this.chosen.length >= this.max}
        @change=${(e: Event) => this.#emit(topic.id, (e.target as HTMLInputElement).checked)} />
      <span>${topic.name}${above ? html` <span class="tree__path">${above}</span>` : nothing}</span></label>`;
  }

  readonly #more = (): void => {
    this.#all = !this.#all;
    this.requestUpdate();
  };

  #flip(id: string): void {
    if (!this.#open.delete(id)) this.#open.add(id);
    this.requestUpdate();
  }

  readonly #add = (): void => {
    this.adding = !this.adding;
    this.words = "";
    if (this.adding) void this.updateComplete.then(() => this.querySelector<HTMLInputElement>("input[type=search]")?.focus());
  };

  /** After a chip is gone the focus goes to the next one, else to the search or "+ Topic". */
  async #remove(id: string, place: number): Promise<void> {
    this.#emit(id, false);
    await new Promise((drawn) => requestAnimationFrame(drawn));
    await this.updateComplete;
    const chips = this.querySelectorAll<HTMLElement>(".chip");
    (chips[Math.min(place, chips.length - 1)] ?? this.querySelector<HTMLElement>("input[type=search]"))?.focus();
  }

  #emit(id: string, on: boolean): void {
    this.dispatchEvent(new CustomEvent<TopicChange>("topic", { detail: { id, on } }));
  }
}
customElements.define("facet-topics", TopicsPart);
