// What I like. Saved as you go, every step can be undone, and each part says
// which kinds of site may ever ask for it.

import { html, nothing } from "lit";
import { icon } from "../icons";
import { Page } from "../page";
import { TopicTree, type TopicChange } from "../parts/topics";
import { reasonOf } from "../reason";
import whoMay from "../who-may.json";
import type { AdTolerance, Channel, Format, Frequency, Preferences, SendWindow, Depth, Tone } from "../views";
import type { Key } from "../../texts/index";

const formats: Format[] = ["text", "audio", "video", "live", "interactive"];
const channels: Channel[] = ["web", "app", "email", "push", "audio"];
const frequencies: Frequency[] = ["realtime", "daily", "weekdays", "weekly", "monthly", "never"];
const tolerances: AdTolerance[] = ["none", "contextual-only", "chosen-topics"];
const languages = ["de", "en", "fr", "it", "es", "tr", "ar", "uk", "pl", "ru"];

/** How many steps can be undone. */
const MEMORY = 50;

interface Step {
  before: Preferences;
  words: string;
}

type Lists = "topics" | "topics_avoid";

export class PreferencesPage extends Page {
  #prefs: Preferences | null = null;
  #tree: TopicTree | null = null;
  #treeLang = "";
  #steps: Step[] = [];
  #status: { kind: "none" | "saved" | "undone" | "failed"; words: string } = { kind: "none", words: "" };
  #saving = Promise.resolve();

  get name(): string {
    return this.ctx.words.t("preferences.name");
  }

  override async connectedCallback(): Promise<void> {
    super.connectedCallback();
    window.addEventListener("keydown", this.#keys);
    try {
      this.#prefs = await this.ctx.engine.preferences.get();
      await this.#topics();
    } catch (err) {
      this.ctx.fail({ reason: reasonOf(err), sent: "not-asked" });
    }
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.removeEventListener("keydown", this.#keys);
  }

  async #topics(): Promise<void> {
    const { lang } = this.ctx.words;
    this.#treeLang = lang;
    this.#tree = new TopicTree(await this.ctx.engine.topics(lang), lang);
    this.requestUpdate();
  }

  override render() {
    const w = this.ctx.words;
    if (!this.#prefs || !this.#tree)
      return html`<h1>${w.t("preferences.name")}</h1><facet-wait .ctx=${this.ctx} what=${w.t("preferences.loading")}></facet-wait>`;
    if (this.#treeLang !== w.lang) void this.#topics();
    return html`<div class="stack">
      <div class="stack stack--tight"><h1>${w.t("preferences.name")}</h1><p>${w.t("preferences.why")}</p></div>
      ${this.#saved()}
      <div class="columns stack stack--wide">
        <div class="stack stack--wide">${this.#likes(this.#prefs, this.#tree)} ${this.#avoids(this.#prefs, this.#tree)}</div>
        <div class="stack stack--wide">
          ${this.#sound(this.#prefs)} ${this.#form(this.#prefs)} ${this.#times(this.#prefs)} ${this.#ads(this.#prefs, this.#tree)}
        </div>
      </div>
    </div>`;
  }

  #saved() {
    const w = this.ctx.words;
    const s = this.#status;
    if (s.kind === "none") return html`<div class="saved saved--empty"><span role="status"></span></div>`; // holds its place: nothing jumps
    const look = s.kind === "failed" ? "is-danger" : "is-trust";
    return html`<div class="saved">
      <span class="row__state ${look}" role="status">${icon(s.kind === "failed" ? "warning" : "accept")}${s.words}</span>
      ${this.#steps.length ? html`<button class="text-button" type="button" @click=${this.#undo}>${icon("undo")}${w.t("undo")}</button>` : nothing}
    </div>`;
  }

  #who(claim: keyof typeof whoMay) {
    const w = this.ctx.words;
    const kinds = whoMay[claim].map((purpose) => w.t(`purpose.${purpose}` as Key));
    return html`<p class="who-may">${icon("eye")}<span>${w.t("preferences.who", { kinds: w.commas(kinds) })}</span></p>`;
  }

  #likes(p: Preferences, tree: TopicTree) {
    const w = this.ctx.words;
    return html`<section class="section" aria-labelledby="topics">
      <h2 id="topics">${w.t("topics.title")}</h2>${this.#who("topics")}
      <div class="panel stack">
        <facet-topics .ctx=${this.ctx} .tree=${tree} .chosen=${p.topics ?? []} label=${w.t("topics.chosen")} @topic=${(e: CustomEvent<TopicChange>) => this.#topic("topics", e.detail)}></facet-topics>
        <p class="small muted">${w.t("topics.never")}</p>
      </div>
    </section>`;
  }

  #avoids(p: Preferences, tree: TopicTree) {
    const w = this.ctx.words;
    return html`<section class="section" aria-labelledby="avoid">
      <h2 id="avoid">${w.t("avoid.title")}</h2>${this.#who("topics_avoid")}
      <div class="panel">
        <facet-topics .ctx=${this.ctx} .tree=${tree} .chosen=${p.topics_avoid ?? []} avoid folded label=${w.t("avoid.chosen")} @topic=${(e: CustomEvent<TopicChange>) => this.#topic("topics_avoid", e.detail)}></facet-topics>
      </div>
    </section>`;
  }

  #sound(p: Preferences) {
    const w = this.ctx.words;
    const steps = <T extends string>(stem: string, values: T[]) => values.map((value) => ({ value, words: w.t(`${stem}.${value}` as Key) }));
    return html`<section class="section" aria-labelledby="sound">
      <h2 id="sound">${w.t("sound.title")}</h2>${this.#who("tone")}
      <div class="panel stack">
        <facet-scale .ctx=${this.ctx} name="depth" label=${w.t("depth.title")} .steps=${steps<Depth>("depth", ["overview", "standard", "detail"])} .value=${p.depth}
          @value=${(e: CustomEvent<Depth | undefined>) => this.#one("depth", e.detail, w.t("depth.name"))}></facet-scale>
        <facet-scale .ctx=${this.ctx} name="tone" label=${w.t("tone.title")} .steps=${steps<Tone>("tone", ["formal", "neutral", "informal"])} .value=${p.tone}
          @value=${(e: CustomEvent<Tone | undefined>) => this.#one("tone", e.detail, w.t("tone.name"))}></facet-scale>
      </div>
    </section>`;
  }

  #form(p: Preferences) {
    const w = this.ctx.words;
    const names = new Intl.DisplayNames(w.lang, { type: "language" });
    const known = [...new Set([...languages, ...(p.languages ?? [])])];
    return html`<section class="section" aria-labelledby="form">
      <h2 id="form">${w.t("form.title")}</h2>${this.#who("formats")}
      <div class="panel stack">
        <fieldset class="stack stack--tight"><legend class="small muted">${w.t("formats.title")}</legend>
          ${this.#picks(formats, p.formats ?? [], (f) => w.t(`format.${f}`), (next) => this.#one("formats", next, w.t("formats.name")))}</fieldset>
        <fieldset class="stack stack--tight"><legend class="small muted">${w.t("languages.title")}</legend>
          ${this.#picks(known, p.languages ?? [], (l) => names.of(l) ?? l, (next) => this.#one("languages", next, w.t("languages.name")), 8)}</fieldset>
      </div>
    </section>`;
  }

  #times(p: Preferences) {
    const w = this.ctx.words;
    return html`<section class="section" aria-labelledby="times">
      <h2 id="times">${w.t("times.title")}</h2>${this.#who("send_windows")}
      <div class="panel stack">
        <facet-week .ctx=${this.ctx} .windows=${p.send_windows ?? []} @windows=${(e: CustomEvent<SendWindow[]>) => this.#one("send_windows", e.detail, w.t("times.name"))}></facet-week>
        <label class="field"><span>${w.t("frequency.title")}</span>
          <select class="input" @change=${(e: Event) => this.#one("frequency", ((e.target as HTMLSelectElement).value || undefined) as Frequency | undefined, w.t("frequency.name"))}>
            <option value="" ?selected=${!p.frequency}>${w.t("no_answer")}</option>
            ${frequencies.map((f) => html`<option value=${f} ?selected=${p.frequency === f}>${w.t(`frequency.${f}`)}</option>`)}
          </select></label>
        <fieldset class="stack stack--tight"><legend class="small muted">${w.t("channels.title")}</legend>
          ${this.#picks(channels, p.channels ?? [], (c) => w.t(`channel.${c}`), (next) => this.#one("channels", next, w.t("channels.name")))}</fieldset>
      </div>
    </section>`;
  }

  #ads(p: Preferences, tree: TopicTree) {
    const w = this.ctx.words;
    const ads = p.ads ?? {};
    return html`<section class="section" aria-labelledby="ads">
      <h2 id="ads">${w.t("ads.title")}</h2>${this.#who("ads")}
      <fieldset class="panel options" aria-labelledby="ads">
        ${tolerances.map((t) => html`<label class="option"><input type="radio" name="ads" .checked=${ads.tolerance === t} @click=${() => this.#tolerance(t)} />
          <span><span class="option__name">${w.t(`ads.${t}`)}</span><br /><span class="small muted">${w.t(`ads.${t}.more`)}</span></span></label>`)}
        ${ads.tolerance === "chosen-topics"
          ? html`<div class="option__more"><facet-topics .ctx=${this.ctx} .tree=${tree} .chosen=${ads.topics ?? []} max="16" folded label=${w.t("ads.topics")}
              @topic=${(e: CustomEvent<TopicChange>) => this.#adTopic(e.detail)}></facet-topics></div>`
          : nothing}
      </fieldset>
    </section>`;
  }

  /** A row of things of which any number may be on. */
  #picks<T extends string>(all: T[], on: T[], words: (v: T) => string, change: (next: T[]) => void, max = all.length) {
    return html`<div class="chips chips--pick">
      ${all.map((v) => html`<label class="chip">${icon("accept")}<input type="checkbox" .checked=${on.includes(v)} ?disabled=${!on.includes(v) && on.length >= max}
        @change=${(e: Event) => change(all.filter((x) => (x === v ? (e.target as HTMLInputElement).checked : on.includes(x))))} />${words(v)}</label>`)}
    </div>`;
  }

  #topic(list: Lists, { id, on }: TopicChange): void {
    const p = this.#prefs!;
    const other: Lists = list === "topics" ? "topics_avoid" : "topics";
    const next: Preferences = { ...p, [list]: withOrWithout(p[list], id, on) };
    if (on) next[other] = withOrWithout(p[other], id, false); // nobody likes and avoids the same
    this.#save(next, this.#changed(id, on));
  }

  #adTopic({ id, on }: TopicChange): void {
    const p = this.#prefs!;
    this.#save({ ...p, ads: { ...p.ads, topics: withOrWithout(p.ads?.topics, id, on) } }, this.#changed(id, on));
  }

  #changed(id: string, on: boolean): string {
    return this.ctx.words.t(on ? "saved.added" : "saved.removed", { what: this.#tree!.name(id) });
  }

  #tolerance(t: AdTolerance): void {
    const p = this.#prefs!;
    const same = p.ads?.tolerance === t; // choosing again clears
    const topics = t === "chosen-topics" && !same ? p.ads?.topics : undefined;
    this.#save({ ...p, ads: same ? undefined : { ...p.ads, tolerance: t, topics } }, this.ctx.words.t("saved.changed", { what: this.ctx.words.t("ads.title") }));
  }

  #one<K extends keyof Preferences>(claim: K, next: Preferences[K], name: string): void {
    const empty = next === undefined || (Array.isArray(next) && next.length === 0);
    this.#save({ ...this.#prefs!, [claim]: empty ? undefined : next }, this.ctx.words.t(empty ? "saved.cleared" : "saved.changed", { what: name }));
  }

  #save(next: Preferences, words: string): void {
    this.#steps = [...this.#steps, { before: this.#prefs!, words }].slice(-MEMORY);
    this.#write(next, "saved", words);
  }

  readonly #undo = (): void => {
    const step = this.#steps.pop();
    if (step) this.#write(step.before, "undone", this.ctx.words.t("saved.undone", { what: step.words }));
  };

  #write(next: Preferences, kind: "saved" | "undone", words: string): void {
    this.#prefs = stated(next);
    this.#status = { kind, words };
    this.requestUpdate();
    const wanted = this.#prefs;
    this.#saving = this.#saving
      .then(() => this.ctx.engine.preferences.set(wanted))
      .then(() => undefined)
      .catch((err: unknown) => {
        this.#status = { kind: "failed", words: `${this.ctx.words.t("saved.failed")} (${reasonOf(err)})` };
        this.requestUpdate();
      });
  }

  readonly #keys = (event: KeyboardEvent): void => {
    const inText = event.target instanceof HTMLInputElement && event.target.type === "search";
    if (event.key !== "z" || !(event.ctrlKey || event.metaKey) || event.shiftKey || inText) return;
    event.preventDefault();
    this.#undo();
  };
}
customElements.define("facet-preferences", PreferencesPage);

function withOrWithout(list: string[] | undefined, id: string, on: boolean): string[] {
  const rest = (list ?? []).filter((x) => x !== id);
  return on ? [...rest, id] : rest;
}

/** Preferences with nothing in them that says nothing: absent is "not stated". */
function stated(p: Preferences): Preferences {
  const says = (v: unknown) => v !== undefined && !(Array.isArray(v) && v.length === 0) && !(typeof v === "object" && v !== null && !Array.isArray(v) && Object.keys(v).length === 0);
  const kept = (o: object) => Object.fromEntries(Object.entries(o).filter(([, v]) => says(v)));
  return kept({ ...p, ads: p.ads ? kept(p.ads) : undefined }) as Preferences;
}
