// What the engine tells the pages. Mirrors wallet/view.go field by field; the
// JSON names are a contract. Nothing here carries a key, a credential or a token.

/** One sentence in the languages the wallet speaks. */
export interface Text {
  de?: string;
  en?: string;
}

export interface Labelled {
  label: Text;
}

export type VaultState = "none" | "locked" | "open";

export interface VaultStatus {
  state: VaultState;
  /** This device's copy, to be looked at only: the host cannot be reached. */
  offline: boolean;
}

/** One way into the vault. */
export interface VaultKey {
  id: string;
  kind: "passkey" | "code";
  /** What the holder calls it; may be empty. */
  label: string;
  /** Unix seconds; 0 = unknown. */
  since: number;
  /** The vault was opened with it. */
  here: boolean;
}

/** Something stated differently on two devices at once; only what differs is listed. */
export interface Conflict {
  id: string;
  kind: "preferences" | "today" | "settings";
  /** What counts until the holder chooses. */
  kept: ClaimLine[];
  other: ClaimLine[];
}

export interface VaultCreated {
  vault_id: string;
  recovery_code: string;
}

export interface CodeGroup {
  /** Counted from 0. */
  index: number;
  text: string;
}

export type Persona = "private" | "business" | "family" | "learning";
export type Goal = "catch-up" | "decide" | "deep-dive" | "relax" | "plan-trip" | "learn" | "shop" | "background";
export type Mood = "calm" | "curious" | "cheerful" | "tired" | "stressed" | "prefer-light";

/** What counts today. An absent field is not stated; `until` is midnight, unix seconds. */
export interface Today {
  persona?: Persona | "no-preference";
  goal?: Goal | "no-preference";
  time_budget_min?: number;
  mood?: Mood | "prefer-not-to-say" | "no-preference";
  until?: number;
}

export type CardKind = "age" | "membership" | "preferences" | "other";

export interface Card {
  id: string;
  kind: CardKind;
  title: Text;
  issuer: string;
  valid_until: number | null;
  copies_left: number;
  state: "valid" | "expired" | "revoked";
  color: string;
  text_color: string;
  self: boolean;
}

export interface Asker {
  name: string;
  domain: string;
  logo?: string;
  verified: boolean;
  register: Text | null;
  known_since: number | null;
  suspicious?: boolean;
}

export interface Waiting {
  proposal_id: string;
  asker: Asker;
  question: Text;
  since: number;
}

export type HistoryState = "active" | "expired" | "withdrawn" | "refused" | "none";
export type ReceiptState = "checking" | "checked" | "missing" | "failed";

export interface HistoryRow {
  id: string;
  party: string;
  domain: string;
  at: number;
  purpose: Text;
  kinds: Text[] | null;
  state: HistoryState;
  until: number;
  receipt: ReceiptState;
}

export interface Erasure {
  at: number;
  entry: string;
}

export interface HistoryDetail extends HistoryRow {
  client_id: string;
  policy: { id: string; version: string; sha256: string } | null;
  log: { origin: string; index: number; url: string } | null;
  can_withdraw: boolean;
  erasure?: Erasure | null;
  /** Where to ask what the party holds: its own page or address, from its policy. */
  support?: string;
}

export interface Home {
  waiting: Waiting[] | null;
  today: Today;
  cards: Card[] | null;
  recent: HistoryRow[] | null;
  has_preferences: boolean;
  /** The list of vouched parties changed, or a new one was refused; null: nothing to say. */
  trust: TrustNote | null;
}

export interface TrustNote {
  /** Unix seconds: when the list in use was first seen. */
  since: number;
  refused: boolean;
}

export type Depth = "overview" | "standard" | "detail";
export type Tone = "formal" | "neutral" | "informal";
export type Format = "text" | "audio" | "video" | "live" | "interactive";
export type Frequency = "realtime" | "daily" | "weekdays" | "weekly" | "monthly" | "never";
export type Channel = "web" | "app" | "email" | "push" | "audio";
export type Day = "mo" | "tu" | "we" | "th" | "fr" | "sa" | "su";
export type AdTolerance = "none" | "contextual-only" | "chosen-topics";

export interface SendWindow {
  days: Day[];
  from: string;
  to: string;
  tz: string;
}

/** The claims of urn:facet:media-preferences:1. Absent = not stated. */
export interface Preferences {
  topics?: string[];
  topics_avoid?: string[];
  depth?: Depth;
  tone?: Tone;
  formats?: Format[];
  languages?: string[];
  frequency?: Frequency;
  send_windows?: SendWindow[];
  channels?: Channel[];
  ads?: { tolerance?: AdTolerance; topics?: string[]; topics_avoid?: string[] };
}

export interface Topic {
  id: string;
  parent: string;
  name: string;
  n: number;
}

export interface ClaimLine {
  label: Text;
  value?: Text;
}

export interface TxCode {
  length: number;
  input_mode: string;
  description: string;
}

export interface OfferItem {
  title: Text;
  kind: CardKind;
  claims: ClaimLine[] | null;
  not_in?: Text;
  valid_until: number | null;
}

export interface Offer {
  offer_id: string;
  issuer: { name: string; domain: string; verified: boolean };
  items: OfferItem[];
  tx_code: TxCode | null;
  /** An unvouched issuer wants a code: the holder must confirm its name first. */
  confirm: boolean;
}

export interface Accepted {
  cards: Card[];
  claims: ClaimLine[] | null;
}

export interface Item {
  key: string;
  name: Text;
  /** What is sent in the wallet's own words, where the asker's name says it otherwise. */
  claims?: Text;
  note: Text | null;
  without: Text | null;
  with: Text | null;
  by: string;
  has_value: boolean;
  is_new: boolean;
  paths: string[] | null;
}

export interface OutcomeLine {
  key: string;
  label: Text;
  value: Text;
  changed: boolean;
}

export interface Outcome {
  lines: OutcomeLine[] | null;
}

export type IdentifyLevel = "barely" | "somewhat" | "strongly";

export interface Identify {
  level: IdentifyLevel;
  bits: number;
  parts: Labelled[] | null;
}

export interface Proposal {
  id: string;
  digest: string;
  kind: "policy" | "foreign" | "unverified";
  asker: Asker;
  purpose: { id: string; label: Text };
  benefit: Text | null;
  retention: { iso: string; seconds: number; until: number };
  question: Text;
  required: Item[] | null;
  optional: Item[] | null;
  preview: Outcome;
  identify: Identify;
  technical: { label: string; value: string }[] | null;
  cross_device: boolean;
  /** It is logged elsewhere than the last time. */
  log_moved: boolean;
  /** What a register says about the request; null if none does. */
  registered: { by: string; purpose: Text; beyond: Text[] } | null;
  satisfiable: boolean;
  missing: { kind: string; label: Text; get_url?: string }[] | null;
  code?: string;
}

export interface Previewed {
  outcome: Outcome;
  identify: Identify;
  sends: Labelled[] | null;
  digest: string;
}

export interface Presented {
  redirect_uri: string | null;
  history_id: string;
  sent: Labelled[] | null;
  until: number;
  /** The answer is in redirect_uri and arrives when the holder goes there. */
  carried?: boolean;
}

export interface ReceiptCheck {
  receipt: ReceiptState;
  index: number;
  origin: string;
  detail: string;
}

export interface Settings {
  language: "" | "de" | "en";
  theme: "" | "light" | "dark";
  formal: boolean;
}
