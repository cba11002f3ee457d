// Home: who waits, what counts today, what you hold, what you showed last.

import { html, nothing } from "lit";
import { icon, type IconName } from "../icons";
import { Page } from "../page";
import { follow, kindsOf, logo, note, stateOf } from "../parts/common";
import { reasonOf } from "../reason";
import type { Goal, Home as HomeView, Mood, Persona, Today, TrustNote, Waiting } from "../views";

const personas: { id: Persona; icon: IconName }[] = [
  { id: "private", icon: "private" },
  { id: "business", icon: "business" },
  { id: "family", icon: "family" },
  { id: "learning", icon: "learning" },
];
const goals: Goal[] = ["catch-up", "decide", "deep-dive", "relax", "plan-trip", "learn", "shop", "background"];
const minutes = [2, 5, 10, 20, 45, 90];
const moods: Mood[] = ["calm", "curious", "cheerful", "tired", "stressed", "prefer-light"];

export class HomePage extends Page {
  #view: HomeView | null = null;
  #conflicts = 0;
  #saving = Promise.resolve();

  get name(): string {
    return this.ctx.words.t("home.name");
  }

  override async connectedCallback(): Promise<void> {
    super.connectedCallback();
    await this.#load();
  }

  async #load(): Promise<void> {
    try {
      this.#view = await this.ctx.engine.home();
      this.#conflicts = (await this.ctx.engine.conflicts.list()).length;
    } catch (err) {
      this.ctx.fail({ reason: reasonOf(err), sent: "not-asked" });
      return;
    }
    this.requestUpdate();
  }

  override render() {
    const w = this.ctx.words;
    const view = this.#view;
    if (!view) return html`<h1 class="hidden-text">${w.t("home.name")}</h1><facet-wait .ctx=${this.ctx} what=${w.t("home.loading")}></facet-wait>`;
    return html`<h1 class="hidden-text">${w.t("home.name")}</h1>
      <div class="stack stack--wide">
        ${this.#trust(view.trust)}
        ${this.#conflicts
          ? note("caution", w.t("conflict.title"), html`<a href="/settings" @click=${follow(this.ctx, "/settings")}>${w.t("conflict.go")}</a>`)
          : nothing}
        <div class="columns stack stack--wide">${this.#waiting(view.waiting ?? [])}${this.#today(view.today)}</div>
        ${this.#cards(view)}${this.#recent(view)}
      </div>`;
  }

  #trust(trust: TrustNote | null) {
    const w = this.ctx.words;
    if (!trust) return nothing;
    const date = w.date(trust.since);
    return trust.refused ? note("danger", w.t("trust.refused"), w.t("trust.refused_more", { date })) : note("plain", w.t("trust.changed", { date }));
  }

  #waiting(waiting: Waiting[]) {
    const w = this.ctx.words;
    return html`<section class="section" aria-labelledby="wait">
      <div class="section__head"><h2 id="wait">${w.t("home.waiting")}</h2></div>
      <div class="stack stack--tight" aria-live="polite">
        ${waiting.length === 0
          ? html`<div class="empty"><p><strong>${w.t("home.nobody")}</strong> ${w.t("home.nobody_more")}</p></div>`
          : waiting.map((one, place) => {
              const path = `/authorize/${encodeURIComponent(one.proposal_id)}`;
              return html`<div class="waiting">
                <div class="waiting__row">
                  ${logo(one.asker.verified ? one.asker.name : "", one.asker.logo)}
                  <p>${w.t("request.wants", { party: one.asker.verified ? one.asker.name : one.asker.domain })}<br /><strong>${w.pick(one.question)}</strong></p>
                </div>
                <a class="button button--wide ${place > 0 ? "button--plain" : ""}" href=${path} @click=${follow(this.ctx, path)}>
                  ${w.t("home.look")}<span class="hidden-text">: ${one.asker.name}</span>
                </a>
              </div>`;
            })}
      </div>
    </section>`;
  }

  #today(today: Today) {
    const w = this.ctx.words;
    const chosen = (v: string | number | undefined, option: string | number) => v === option;
    return html`<section class="section" aria-labelledby="today">
      <div class="section__head"><h2 id="today">${w.t("today.title")}</h2></div>
      <div class="panel stack">
        <fieldset class="stack stack--tight">
          <legend class="small muted">${w.t("today.i_am")}</legend>
          <div class="segments">
            ${personas.map(
              (p) => html`<label><input type="radio" name="persona" value=${p.id} .checked=${today.persona === p.id} @click=${this.#persona} />${icon(p.icon)}${w.t(`persona.${p.id}`)}</label>`,
            )}
          </div>
        </fieldset>
        <div class="fields">
          <label class="field"><span>${w.t("today.goal")}</span>
            <select class="input" name="goal" @change=${this.#goal}>
              <option value="" ?selected=${!goals.some((g) => g === today.goal)}>${w.t("no_answer")}</option>
              ${goals.map((g) => html`<option value=${g} ?selected=${chosen(today.goal, g)}>${w.t(`goal.${g}`)}</option>`)}
            </select></label>
          <label class="field"><span>${w.t("today.time")}</span>
            <select class="input" name="time" @change=${this.#time}>
              <option value="0" ?selected=${!today.time_budget_min}>${w.t("today.any_time")}</option>
              ${minutes.map((m) => html`<option value=${m} ?selected=${chosen(today.time_budget_min, m)}>${w.t("today.minutes", { n: m })}</option>`)}
            </select></label>
          <label class="field field--wide"><span>${w.t("today.mood")}</span>
            <select class="input" name="mood" @change=${this.#mood}>
              <option value="" ?selected=${!moods.some((m) => m === today.mood)}>${w.t("no_answer")}</option>
              ${moods.map((m) => html`<option value=${m} ?selected=${chosen(today.mood, m)}>${w.t(`mood.${m}`)}</option>`)}
            </select></label>
        </div>
        <p class="small muted with-icon">${icon("moon")}<span>${w.t("today.ends")}</span></p>
      </div>
    </section>`;
  }

  #cards(view: HomeView) {
    const w = this.ctx.words;
    const cards = view.cards ?? [];
    return html`<section class="section" aria-labelledby="cards">
      <div class="section__head"><h2 id="cards">${w.t("home.cards")}</h2></div>
      ${cards.length === 0 && !view.has_preferences
        ? html`<div class="empty"><p><strong>${w.t("home.empty")}</strong> ${w.t("home.empty_more")}</p>
            <a class="button button--plain" href="/preferences" @click=${follow(this.ctx, "/preferences")}>${icon("add")}${w.t("home.say_preferences")}</a></div>`
        : html`<ul class="cards cards--wide">
            ${cards.map((card) => html`<li><facet-card .ctx=${this.ctx} .card=${card} href=${card.kind === "preferences" ? "/preferences" : ""}></facet-card></li>`)}
          </ul>`}
    </section>`;
  }

  #recent(view: HomeView) {
    const w = this.ctx.words;
    const recent = (view.recent ?? []).slice(0, 3);
    return html`<section class="section" aria-labelledby="last">
      <div class="section__head"><h2 id="last">${w.t("home.recent")}</h2>
        ${recent.length ? html`<a class="text-button" href="/history" @click=${follow(this.ctx, "/history")}>${w.t("home.all")}</a>` : nothing}</div>
      ${recent.length === 0
        ? html`<div class="empty"><p><strong>${w.t("nothing_yet")}</strong> ${w.t("home.shown_nothing")}</p></div>`
        : html`<ul class="rows">
            ${recent.map((row) => {
              const path = `/history/${encodeURIComponent(row.id)}`;
              return html`<li><a class="row" href=${path} @click=${follow(this.ctx, path)}>
                ${logo(row.party, undefined, true)}
                <span class="row__text"><span class="row__name">${row.party || row.domain}</span><span class="small muted">${kindsOf(w, row)}</span></span>
                ${stateOf(w, row)}
              </a></li>`;
            })}
          </ul>`}
    </section>`;
  }

  // Choosing the same again clears: there is no other way to unsay a radio.
  readonly #persona = (event: MouseEvent): void => {
    const input = event.target as HTMLInputElement;
    const next = input.value as Persona;
    const cleared = this.#view?.today.persona === next;
    if (cleared) input.checked = false;
    this.#set({ persona: cleared ? undefined : next });
  };

  readonly #goal = (event: Event): void => this.#set({ goal: (value(event) || undefined) as Goal | undefined });
  readonly #time = (event: Event): void => this.#set({ time_budget_min: Number(value(event)) || undefined });
  readonly #mood = (event: Event): void => this.#set({ mood: (value(event) || undefined) as Mood | undefined });

  #set(change: Partial<Today>): void {
    if (!this.#view) return;
    const today: Today = { ...this.#view.today, ...change };
    this.#view = { ...this.#view, today };
    this.requestUpdate();
    const stated: Today = { ...today };
    delete stated.until;
    this.#saving = this.#saving
      .then(() => this.ctx.engine.today.set(stated))
      .then(() => undefined)
      .catch((err: unknown) => this.ctx.fail({ reason: reasonOf(err), sent: "not-asked" }));
  }
}
customElements.define("facet-home", HomePage);

function value(event: Event): string {
  return (event.target as HTMLSelectElement).value;
}
