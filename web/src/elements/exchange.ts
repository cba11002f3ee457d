// One request from the page's side: begun at the site's own server, followed
// until it ends. It carries no values: only which state the request is in.

export type Flow = "same_device" | "cross_device" | "dc_api";

/** Where a request stands, as this page needs to know it. */
export type Stage = "waiting" | "opened" | "done" | "absent" | "expired" | "error";

export interface WalletLink {
  wallet: string;
  url: string;
}

/** What navigator.credentials.get({ digital }) takes. */
export interface Digital {
  requests: { protocol: string; data: unknown }[];
}

/** What the site's server answers to a begin. */
export interface Begun {
  id: string;
  links: WalletLink[];
  /** For the browser's own API, instead of links. */
  digital?: Digital;
  events?: string;
  /** RFC 3339 or unix seconds. */
  expires_at?: string | number;
}

/** A begin that did not work; `code` is for support. */
export class BeginError extends Error {
  constructor(readonly code: string) {
    super(code);
  }
}

const stages: Record<string, Stage> = {
  open: "waiting",
  opened: "opened",
  accepted: "opened",
  logged: "opened",
  released: "done",
  done: "done",
  refused: "absent",
  absent: "absent",
  no_answer: "absent",
  expired: "expired",
  rejected: "error",
  error: "error",
};

/** Where a request in this state stands. */
export const stageOf = (state: string): Stage | undefined => stages[state];

const ended = new Set<Stage>(["done", "absent", "expired", "error"]);

/** How often the state is asked for where events do not come through, in milliseconds. */
const POLL = 2000;

/** Begins a request at the site's own server. */
export async function begin(url: string, flow: Flow, policy: string): Promise<Begun> {
  let answer: Response;
  try {
    answer = await fetch(url, {
      method: "POST",
      credentials: "same-origin",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify(policy ? { flow, policy } : { flow }),
    });
  } catch {
    throw new BeginError("network");
  }
  const value = (await answer.json().catch(() => null)) as (Partial<Begun> & { code?: unknown }) | null;
  if (!answer.ok) throw new BeginError(typeof value?.code === "string" ? value.code : `http_${answer.status}`);
  const links = (value?.links ?? []).filter((l) => /^https?:\/\//.test(l.url));
  if (!value?.id || !(flow === "dc_api" ? value.digital?.requests?.length : links.length)) throw new BeginError("begin_answer");
  return { ...(value as Begun), links };
}

/** Follows a request until it ends. Returns a function that stops. */
export function follow(begun: Begun, report: (stage: Stage) => void): () => void {
  let over = false;
  let poll = 0;
  const source = begun.events ? new EventSource(begun.events) : null;
  const stop = () => {
    over = true;
    source?.close();
    clearTimeout(poll);
    clearTimeout(deadline);
  };
  const take = (state: string) => {
    const stage = stages[state];
    if (over || !stage) return;
    if (ended.has(stage)) stop();
    report(stage);
  };
  const ask = async () => {
    const answer = await fetch(begun.events!, { headers: { Accept: "application/json" }, credentials: "same-origin" }).catch(() => null);
    if (answer?.ok && answer.headers.get("Content-Type")?.includes("json")) take(stateIn(await answer.text()));
    if (!over) poll = window.setTimeout(() => void ask(), POLL);
  };
  const end = when(begun.expires_at);
  const deadline = end ? window.setTimeout(() => take("expired"), Math.max(0, end - Date.now())) : 0;
  for (const name of ["state", "message"]) source?.addEventListener(name, (event) => take(stateIn((event as MessageEvent<string>).data)));
  source?.addEventListener("error", () => {
    if (over || source.readyState !== EventSource.CLOSED) return; // else it reconnects by itself
    void ask();
  });
  return stop;
}

/** A state as a bare word or as {"state": …}. */
function stateIn(data: string): string {
  try {
    const value: unknown = JSON.parse(data);
    return typeof value === "string" ? value : String((value as { state?: unknown }).state ?? "");
  } catch {
    return data.trim();
  }
}

function when(t: string | number | undefined): number {
  if (t === undefined) return 0;
  return typeof t === "number" ? t * 1000 : Date.parse(t) || 0;
}
