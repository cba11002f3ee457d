// What the verifier says about its log. Nothing of it is believed where
// verify.ts can compute it.

export type Kind = "policy" | "request" | "result" | "withdrawal" | "erasure" | "retention" | "config";
export type Outcome = "answered" | "no_answer" | "rejected" | "expired";
export type Text = Record<string, string>;

export interface State {
  origin: string;
  vkey: string;
  size: number;
  root: string;
  checkpoint: string;
  signed?: number;
  witnesses: string[];
  since: string;
  ok: boolean;
  findings: { reason: string; index?: number }[];
  warnings: { index: number; code: string }[];
}

export interface Outcomes {
  requests: number;
  answered: number;
  no_answer: number;
  expired: number;
  rejected: number;
  open: number;
}

export interface Finding {
  code: string;
  entries: number[];
  name?: string;
}

export interface Purpose extends Outcomes {
  purpose: string;
  label: Text;
  claims: { path: string; label: Text; asked: number }[];
  due: number;
  late: number;
}

export interface PolicyLine {
  index: number;
  hour: string;
  platform: string;
  policy: { id: string; version: number; sha256: string };
  purpose: string;
  retention: string;
  requests: number;
  last?: string;
  paths?: Record<string, string[]>;
}

export interface Figures {
  entries: number;
  duplicates: number;
  from: string;
  to: string;
  platforms: string[];
  total: Outcomes;
  weeks: (Outcomes & { week: string })[];
  purposes: Purpose[];
  deadlines: { week: string; due: number; in_time: number; late: number; open: number }[];
  withdrawals: { total: number; same_hour: number; next_hour: number; later: number; open: number };
  weakenings: { name: string; from: string; to?: string; index: number; until?: number }[];
  policies: PolicyLine[];
  findings: Finding[];
}

export interface Row {
  index: number;
  kind: Kind;
  hour: string;
  ref?: number;
  platform?: string;
  purpose?: string;
  outcome?: Outcome;
  weakenings?: string[];
}

export interface List {
  total: number;
  rows: Row[];
  next?: number;
}

export interface EntryView {
  index: number;
  leaf: string;
  proof: string;
  vkey: string;
  chain: Row[];
  policy?: number;
}

/** A policy as its author wrote it; only what the console reads is named. */
export interface PolicyDocument {
  retention: string;
  purpose: string;
  controller: { name: string };
  hints: Rule[];
}

export interface Rule {
  key: string;
  required?: boolean;
  label?: Text;
  with?: Text;
  without?: Text;
  [member: string]: unknown;
}

export type Policy = PolicyLine & { document: PolicyDocument };

/** The server did not answer as it should; `code` is its word for why. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
  ) {
    super(code);
  }
}

async function get<T>(path: string): Promise<T> {
  const res = await fetch(`/audit/api/${path}`, { credentials: "omit", headers: { Accept: "application/json" } });
  if (!res.ok) {
    const problem = (await res.json().catch(() => ({}))) as { code?: string };
    throw new ApiError(res.status, problem.code ?? "unavailable");
  }
  return (await res.json()) as T;
}

export const api = {
  state: () => get<State>("state"),
  overview: () => get<Figures>("overview"),
  policies: () => get<Policy[]>("policies"),
  entry: (n: number) => get<EntryView>(`entry/${n}`),
  entries: (query: URLSearchParams) => get<List>(`entries?${query}`),
};
