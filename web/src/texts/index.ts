// The one place words come from. Two languages, one register each for German:
// "du" is the default, "Sie" a second column of the same keys.

import de from "./de.json";
import en from "./en.json";
import type { Text } from "../wallet/views";

export type Lang = "de" | "en";
export type Key = keyof typeof en;
export type PluralKey = Key extends infer K ? (K extends `${infer Stem}.one` ? Stem : never) : never;
export type Values = Record<string, string | number>;

/** German words may differ by how the holder wants to be spoken to. */
type Entry = string | { du: string; sie: string };

const tables: Record<Lang, Record<Key, Entry>> = { de, en };

/** Names of the catalogue that are made at run time, for example `error.<reason>`. */
export function isKey(name: string): name is Key {
  return Object.hasOwn(en, name);
}

/** What to speak when nobody has chosen: the first language we know that the browser asks for, else German. */
export function preferredLang(wanted: readonly string[] = navigator.languages): Lang {
  for (const tag of wanted) {
    const base = tag.toLowerCase().split("-")[0];
    if (base === "de" || base === "en") return base;
  }
  return "de";
}

/** How dates and times are written. */
const locales: Record<Lang, string> = { de: "de-DE", en: "en-GB" };

/** First words that are written small inside a sentence. */
const small: Record<Lang, RegExp> = {
  de: /^(Ob|Wie|Was|Wo|Wofür|Wann|Wer|Welche[rsnm]?|In welche[rsnm]?|Dein(e[rsnm]?)?|Der|Die|Das|Dem|Den|Ein(e[rsnm]?)?)\b/,
  en: /^(Whether|How|What|Where|When|Who|Which|In which|Your|The|An?)\b/,
};

const DAY = 86_400_000;

export class Words {
  readonly #locale: string;
  readonly #list: Intl.ListFormat;
  readonly #plain: Intl.ListFormat;
  readonly #time: Intl.DateTimeFormat;

  constructor(
    readonly lang: Lang,
    readonly formal: boolean,
  ) {
    this.#locale = locales[lang];
    this.#list = new Intl.ListFormat(lang, { type: "conjunction" });
    this.#plain = new Intl.ListFormat(lang, { type: "unit", style: "short" });
    this.#time = new Intl.DateTimeFormat(this.#locale, { hour: "numeric", minute: "2-digit" });
  }

  t = (key: Key, values: Values = {}): string => {
    const entry: Entry = tables[this.lang][key];
    const words = typeof entry === "string" ? entry : this.formal ? entry.sie : entry.du;
    return words.replace(/\{(\w+)\}/g, (whole, name: string) => (name in values ? String(values[name]) : whole));
  };

  /** The right form for a number; `{n}` is filled in. */
  n = (stem: PluralKey, n: number, values: Values = {}): string =>
    this.t(`${stem}.${n === 1 ? "one" : "other"}` as Key, { n, ...values });

  /** A sentence of the engine, in this language if there is one. */
  pick = (text: Text | null | undefined): string => text?.[this.lang] ?? text?.de ?? text?.en ?? "";

  /** A name as it stands inside a sentence: "Dein Abo" becomes "dein Abo", "Abo" stays. */
  within = (name: string): string => (small[this.lang].test(name) ? name.charAt(0).toLowerCase() + name.slice(1) : name);

  /** "a, b and c" */
  and = (items: string[]): string => this.#list.format(items);

  /** "a, b, c" */
  commas = (items: string[]): string => this.#plain.format(items);

  /** "29. November", with the year when it is not this one. */
  date = (unix: number, now = Date.now()): string => {
    const then = new Date(unix * 1000);
    const year = then.getFullYear() === new Date(now).getFullYear() ? undefined : "numeric";
    return new Intl.DateTimeFormat(this.#locale, { day: "numeric", month: "long", year }).format(then);
  };

  /** The same, short enough for the edge of a row. */
  shortDate = (unix: number, now = Date.now()): string => {
    const then = new Date(unix * 1000);
    const year = then.getFullYear() === new Date(now).getFullYear() ? undefined : "numeric";
    return new Intl.DateTimeFormat(this.#locale, { day: "numeric", month: "short", year }).format(then);
  };

  time = (unix: number): string => this.#time.format(new Date(unix * 1000));

  /** "Heute, 9:14 Uhr", "Gestern, …", else the date. */
  when = (unix: number, now = Date.now()): string => {
    const midnight = new Date(now).setHours(0, 0, 0, 0);
    const at = unix * 1000;
    if (at >= midnight && at < midnight + DAY) return this.t("when.today", { time: this.time(unix) });
    if (at >= midnight - DAY && at < midnight) return this.t("when.yesterday", { time: this.time(unix) });
    return this.date(unix, now);
  };

  /** How long an answer is kept: "7 Tage, dann gelöscht". */
  retention = (seconds: number): string => {
    if (seconds <= 0) return this.t("retention.none");
    if (seconds % 86_400 === 0) return this.n("retention.days", seconds / 86_400);
    if (seconds >= 3600) return this.n("retention.hours", Math.round(seconds / 3600));
    return this.n("retention.minutes", Math.max(1, Math.round(seconds / 60)));
  };
}
