// What every page is given. A page asks the engine, shows what it says, and
// goes elsewhere through these; it reaches for nothing global.

import type { Engine } from "./engine";
import type { Host } from "./host";
import type { Presented, Proposal, Settings } from "./views";
import type { Words } from "../texts/index";

/** What became of an act that failed: the person's first question after "what happened?". */
export type Sent = "nothing" | "unknown" | "not-asked";

/** What became of a request that was answered. */
export interface Answered {
  proposal: Proposal;
  presented: Presented | null;
  /** Where the site wants to go on; null: on another screen, or nowhere. */
  back: string | null;
}

/** Something went wrong and the page cannot go on. */
export interface Failure {
  reason: string;
  sent: Sent;
  /** The site that asked, when it is known. */
  party?: string;
  /** What to do again when the person wants to. */
  retry?: () => void;
}

/** A link another site opened the wallet with; read once, then gone from the address bar. */
export interface Held {
  path: "/authorize" | "/receive";
  params: URLSearchParams;
}

export interface Context {
  engine: Engine;
  host: Host;
  words: Words;
  settings: Settings;
  insecure: boolean;
  /** The open vault is this device's copy: it can be looked at only. */
  offline: boolean;
  /** Takes the link the wallet was opened with, once. */
  take(path: Held["path"]): Held | null;
  /** Puts a link back to be opened again. */
  again(held: Held): void;
  go(path: string): void;
  fail(failure: Failure): void;
  /** A request was answered: approved or refused. */
  answered(answered: Answered): void;
  look(settings: Settings): void;
  lock(): Promise<void>;
}
