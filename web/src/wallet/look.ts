// Language, theme and lock time as this device remembers them, so that the
// door of a locked vault already speaks the right language. Nothing secret.

import type { Settings } from "./views";

const LOOK = "facet.look";
const LOCK = "facet.lock";
const KNOWN = "facet.known";

/** Minutes of rest after which the wallet may lock itself. */
export const LOCK_MINUTES = [1, 5, 30];

export function remembered(): Settings {
  const blank: Settings = { language: "", theme: "", formal: false };
  try {
    const s = JSON.parse(localStorage.getItem(LOOK) ?? "{}") as Partial<Settings>;
    return {
      language: s.language === "de" || s.language === "en" ? s.language : "",
      theme: s.theme === "light" || s.theme === "dark" ? s.theme : "",
      formal: s.formal === true,
    };
  } catch {
    return blank;
  }
}

export function remember({ language, theme, formal }: Settings): void {
  localStorage.setItem(LOOK, JSON.stringify({ language, theme, formal }));
}

/** Whether a vault was opened on this device before: then the door is "unlock", not "welcome". */
export function knownHere(): boolean {
  return localStorage.getItem(KNOWN) !== null;
}

export function rememberHere(): void {
  localStorage.setItem(KNOWN, "1");
}

const devices: [RegExp, string][] = [
  [/iPhone/, "iPhone"], [/iPad/, "iPad"], [/Android/, "Android"], [/Windows/, "Windows"], [/CrOS/, "Chromebook"], [/Mac OS/, "Mac"], [/Linux/, "Linux"],
];

/** What to call this device until the holder says otherwise. It is kept sealed. */
export function deviceName(agent = navigator.userAgent): string {
  return devices.find(([sign]) => sign.test(agent))?.[1] ?? "";
}

export function lockAfter(): number {
  const minutes = Number(localStorage.getItem(LOCK));
  return LOCK_MINUTES.includes(minutes) ? minutes : 5;
}

export function setLockAfter(minutes: number): void {
  if (LOCK_MINUTES.includes(minutes)) localStorage.setItem(LOCK, String(minutes));
}
