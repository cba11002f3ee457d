// The few words of the elements that stand on other sites' pages.

import de from "../texts/elements.de.json";
import en from "../texts/elements.en.json";

export type ElementKey = keyof typeof en;

const tables: Record<"de" | "en", Record<ElementKey, string>> = { de, en };

/** Words in the language of the element, of the page, or German. */
export function wordsFor(element: Element): (key: ElementKey, values?: Record<string, string>) => string {
  const tag = element.closest<HTMLElement>("[lang]")?.lang.toLowerCase().split("-")[0];
  const table = tables[tag === "en" ? "en" : "de"];
  return (key, values = {}) => table[key].replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
}
