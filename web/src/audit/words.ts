// The console's words. German is formal-neutral here: an auditor reads facts.

import de from "../texts/audit.de.json";
import en from "../texts/audit.en.json";
import type { Text } from "./api";

export type Lang = "de" | "en";
export type Key = keyof typeof en;

const tables: Record<Lang, Record<Key, string>> = { de, en };
const SLOT = "facet.audit.lang";

export function chosenLang(): Lang {
  try {
    const saved = localStorage.getItem(SLOT);
    if (saved === "de" || saved === "en") return saved;
  } catch {
    // no memory, no preference
  }
  for (const tag of navigator.languages) {
    const base = tag.toLowerCase().split("-")[0];
    if (base === "de" || base === "en") return base;
  }
  return "de";
}

export function keepLang(lang: Lang): void {
  try {
    localStorage.setItem(SLOT, lang);
  } catch {
    // it lasts for this visit
  }
}

export class Words {
  readonly #number: Intl.NumberFormat;
  readonly #percent: Intl.NumberFormat;
  readonly #date: Intl.DateTimeFormat;
  readonly #moment: Intl.DateTimeFormat;

  constructor(readonly lang: Lang) {
    const locale = { de: "de-DE", en: "en-GB" }[lang];
    this.#number = new Intl.NumberFormat(locale);
    this.#percent = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 0 });
    this.#date = new Intl.DateTimeFormat(locale, { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });
    this.#moment = new Intl.DateTimeFormat(locale, { dateStyle: "long", timeStyle: "medium" });
  }

  t = (key: Key, values: Record<string, string | number> = {}): string =>
    tables[this.lang][key].replace(/\{(\w+)\}/g, (whole, name: string) => {
      const v = values[name];
      return v === undefined ? whole : typeof v === "number" ? this.n(v) : v;
    });

  /** A key made at run time; the name itself if there is no such text. */
  dyn = (key: string, values: Record<string, string | number> = {}): string =>
    Object.hasOwn(en, key) ? this.t(key as Key, values) : (key.split(".").pop() ?? key);

  n = (n: number): string => this.#number.format(n);
  requests = (n: number): string => this.t(n === 1 ? "audit.pol.request" : "audit.pol.requests", { n });
  share = (part: number, whole: number): string => this.#percent.format(whole ? part / whole : 0);
  pick = (text: Text | undefined): string => text?.[this.lang] ?? text?.["de"] ?? text?.["en"] ?? "";
  moment = (unix: number): string => this.#moment.format(new Date(unix * 1000));
  now = (): string => this.#moment.format(new Date());

  /** The day of an hour of the log: "22. November 2026". */
  day = (hour: string): string => this.#date.format(hourStart(hour));

  /** "22. November 2026, 3–4 Uhr UTC": the log has nothing finer. */
  hour = (hour: string): string => {
    const from = hourStart(hour).getUTCHours();
    return this.t("audit.hour", { date: this.day(hour), from: String(from), to: String(from + 1) });
  };

  /** A retention in words: "7 Tagen". */
  duration = (iso: string): string => {
    const m = /^P(?:(\d+)D|T(\d+)H)$/.exec(iso);
    if (m?.[1] === "1") return this.t("audit.day");
    if (m?.[1]) return this.t("audit.days", { n: Number(m[1]) });
    if (m?.[2]) return this.t("audit.hours", { n: Number(m[2]) });
    return this.t("audit.once");
  };
}

export function hourStart(hour: string): Date {
  return new Date(hour.replace("Z", ":00:00Z"));
}
