// The platform API of a Facet verifier, for a site's server: ask, follow,
// read, and tell genuine webhooks from others. One file without dependencies,
// for Node 20 and later, Deno, Bun and edge runtimes. It is never for a browser:
// the key it holds opens all of a platform's results.
//
//   import { Client } from "./client.js";
//   const facet = new Client({ url: "https://verifier.example", apiKey });
//   const begun = await facet.begin({ policy: "home", flow: "same_device", return_uri });
//   // … show begun.links, keep begun.id in the visitor's session …
//   const result = await facet.result(begun.id, { responseCode });
//
// It repeats what may be repeated, bounds what it reads, and keeps nothing. It
// checks no credential (the verifier did) and evaluates no flags: OpenFeature's
// OFREP provider does that, with a result's hint_token.

/** How a person answers: in this browser, by a code that is scanned, or by way of the browser's Digital Credentials API. */
export type Flow = "same_device" | "cross_device" | "dc_api";

/** Where a request stands. After `released` only `withdrawn` can come; then delete what you derived. */
export type State = "open" | "opened" | "accepted" | "logged" | "released" | "refused" | "rejected" | "expired" | "withdrawn";

export interface Options {
  /** Base of the platform API, "https://verifier.example". */
  url: string;
  apiKey: string;
  /** Instead of the runtime's own. */
  fetch?: typeof globalThis.fetch;
  /** Allows http to other machines: whoever is on the way reads the key and every result. */
  insecureHTTP?: boolean;
}

/** Names a policy; what is asked stands there and nowhere else. */
export interface Ask {
  policy: string;
  flow?: Flow;
  /** Same device only: a registered address, exactly. */
  return_uri?: string;
  /** The one it is for, by name; left out, the visitor chooses. */
  wallet?: string;
  response_mode?: "fragment";
  /** dc_api only: the origin of the page that asks. */
  origin?: string;
}

export interface Begun {
  /** Keep it in the visitor's session. */
  id: string;
  /** Unix seconds. */
  expires_at: number;
  links?: { wallet: string; url: string }[];
  /** dc_api: for navigator.credentials.get({ digital }). */
  digital?: { requests: { protocol: string; data: unknown }[] };
  events?: string;
}

/** What the site's own page posted: a digital credential, or the fragment it returned with. */
export type Answer = { protocol: string; data: unknown } | { fragment: string };

export interface Hint {
  key: string;
  value?: string | boolean | string[];
  withheld?: boolean;
  assurance: "issuer-signed" | "self-asserted" | "mixed";
  /** Unix seconds. */
  exp: number;
  label: Record<string, string>;
  explain: Record<string, string>;
  without?: Record<string, string>;
}

export interface Result {
  id: string;
  purpose: string;
  policy: { id: string; version: number; sha256: string };
  flow: Flow;
  /** Unix seconds: delete everything by then. */
  expires_at: number;
  hints?: Hint[];
  /** By query id, if the policy lets them out. */
  claims?: Record<string, Record<string, unknown>>;
  /** By query id: who vouches. */
  sources: Record<string, { vct: string; assurance: string; issuer?: string }>;
  /** For browsers, with OFREP. */
  hint_token?: string;
  hint_token_expires_at?: number;
}

/** What the verifier says when it does not do as asked (RFC 9457). Branch on `code`. It holds no value, key or token. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly fix: string;
  /** Milliseconds; 0: not said. */
  readonly retryAfter: number;
  constructor(status: number, body: { code?: unknown; detail?: unknown; fix?: unknown }, retryAfter = 0) {
    const text = (value: unknown, otherwise: string) => (typeof value === "string" && value ? value : otherwise);
    const code = text(body.code, `http_${status}`);
    super(`${status} ${code}`);
    [this.status, this.code, this.retryAfter] = [status, code, retryAfter];
    this.detail = text(body.detail, "Something else than a verifier's platform API answered.");
    this.fix = text(body.fix, "Check the verifier's address.");
  }
}

/** Bytes of an answer of the verifier, of a page's answer, of a webhook. */
export const MAX_BODY = 1 << 20;
export const MAX_ANSWER = 288 << 10;
export const MAX_WEBHOOK = 4 << 10;
/** Milliseconds: one attempt, the longest wait between two, a silent stream, polling. */
export const CALL_TIMEOUT = 10_000;
export const MAX_WAIT = 5_000;
export const MAX_SILENCE = 30_000;
export const POLL_INTERVAL = 2_000;
export const MAX_ATTEMPTS = 4;
/** Seconds a webhook may be old, or ahead of our clock. */
export const MAX_WEBHOOK_AGE = 300;

const MAX_EVENT = 4 << 10; // bytes of its data, and of a line
const going: ReadonlySet<string> = new Set(["open", "opened", "accepted", "logged"]);

type Call = { method: "GET" | "POST"; path: string; body?: unknown; key?: string; signal?: AbortSignal | undefined };

/** An answer that repeating does not mend. */
class Malformed extends Error {}

/** Safe to use for many calls at once. */
export class Client {
  readonly #base: string;
  readonly #key: string;
  readonly #fetch: typeof globalThis.fetch;

  constructor(options: Options) {
    const url = new URL(options.url);
    const here = /^(localhost|.*\.localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
    if (!/^https?:$/.test(url.protocol) || url.username || url.password || url.search || url.hash) throw new TypeError("url is not the address of a verifier");
    if (url.protocol === "http:" && !here && !options.insecureHTTP) throw new TypeError("url is http and of another machine; the API key would cross the network in the clear");
    if (!/^[!-~]+$/.test(options.apiKey)) throw new TypeError("apiKey is empty or has characters no key has");
    this.#base = url.href.replace(/\/$/, "");
    this.#key = options.apiKey;
    this.#fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init));
  }

  /** Opens a request. Without a key of your own it gets a fresh one, so that the call may be repeated. */
  begin(ask: Ask, options: { idempotencyKey?: string; signal?: AbortSignal } = {}): Promise<Begun> {
    return this.#call<Begun>({ method: "POST", path: "/v1/requests", body: ask, key: options.idempotencyKey ?? crypto.randomUUID(), signal: options.signal });
  }

  async status(id: string, options: { signal?: AbortSignal } = {}): Promise<State> {
    return (await this.#call<{ state: State }>({ method: "GET", path: at(id), signal: options.signal })).state;
  }

  /** Hands over what the page of this visitor's session posted. The code it returns, the same for a minute, reads the result; null: the person said no. */
  async answer(id: string, answer: Answer, options: { signal?: AbortSignal } = {}): Promise<string | null> {
    const out = await this.#call<{ response_code?: string }>({ method: "POST", path: at(id, "/answer"), body: answer, signal: options.signal });
    return out.response_code ?? null;
  }

  /**
   * Reads a result, once: the same `reader` may read again for a minute. An answer still on its way into the log is
   * waited for until the signal says otherwise; one that has not come is a Problem `result_not_ready`.
   */
  async result(id: string, options: { responseCode?: string; reader?: string; signal?: AbortSignal } = {}): Promise<Result> {
    const key = options.reader ?? crypto.randomUUID();
    const body = options.responseCode ? { response_code: options.responseCode } : {};
    for (let n = 1; ; n++) {
      try {
        return await this.#call<Result>({ method: "POST", path: at(id, "/result"), body, key, signal: options.signal });
      } catch (err) {
        if (!(err instanceof Problem) || err.code !== "result_not_ready") throw err;
        if (!["accepted", "logged", "released"].includes(await this.status(id, options))) throw err;
        await sleep(pause(err, Math.min(n, 3)), options.signal);
      }
    }
  }

  /** Yields where a request stands, first now and then at each change, until it has ended. Broken streams are opened again; without streams it polls. */
  async *events(id: string, options: { signal?: AbortSignal } = {}): AsyncGenerator<State, void, undefined> {
    const stream = { last: "", id: "", wait: 1000 };
    for (let attempt = 1; ; attempt++) {
      let wait = 0;
      try {
        for await (const state of this.#stream(id, stream, options.signal)) {
          attempt = 1;
          if (state === stream.last) continue;
          stream.last = state;
          yield state;
          if (!going.has(state)) return;
        }
      } catch (err) {
        options.signal?.throwIfAborted();
        if (err instanceof Problem && err.code === "streams_exhausted") return yield* this.#poll(id, stream.last, options.signal);
        if (!again(err) || attempt >= MAX_ATTEMPTS) throw err;
        wait = pause(err, attempt);
      }
      await sleep(wait || stream.wait, options.signal);
    }
  }

  async *#poll(id: string, last: string, signal?: AbortSignal): AsyncGenerator<State, void, undefined> {
    for (;; await sleep(POLL_INTERVAL, signal)) {
      const state = await this.status(id, signal ? { signal } : {});
      if (state !== last) yield state;
      if (!going.has((last = state))) return;
    }
  }

  /** One event stream, in the form of HTML's "server-sent events". */
  async *#stream(id: string, stream: { id: string; wait: number }, signal?: AbortSignal): AsyncGenerator<State> {
    const stop = new AbortController();
    let quiet = setTimeout(() => stop.abort(), CALL_TIMEOUT);
    const leave = () => stop.abort();
    signal?.addEventListener("abort", leave);
    try {
      const headers: Record<string, string> = { Accept: "text/event-stream" };
      if (stream.id) headers["Last-Event-ID"] = stream.id;
      const answer = await this.#send({ method: "GET", path: at(id, "/events") }, stop.signal, headers);
      if (!answer.ok) throw await problem(answer);
      if (!answer.body || !/^text\/event-stream\b/.test(answer.headers.get("Content-Type") ?? "")) throw new Problem(503, { code: "streams_exhausted" });
      let data = "";
      for await (const line of lines(answer.body)) {
        clearTimeout(quiet);
        quiet = setTimeout(leave, MAX_SILENCE);
        const [, name = "", value = ""] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
        if (data.length + value.length > MAX_EVENT) throw new Malformed("an event of the stream is too long");
        if (name === "data") data += value;
        else if (name === "id") stream.id = value;
        else if (name === "retry" && /^\d{1,9}$/.test(value)) stream.wait = Math.min(Math.max(Number(value), 100), MAX_WAIT);
        else if (line === "") {
          const state = attempt(() => (JSON.parse(data) as { state?: State } | null)?.state);
          if (state) yield state;
          data = "";
        }
      }
    } finally {
      clearTimeout(quiet);
      signal?.removeEventListener("abort", leave);
      stop.abort(); // gives the connection back when the listener leaves early
    }
  }

  async #call<T>(call: Call): Promise<T> {
    for (let n = 1; ; n++) {
      try {
        const timeout = AbortSignal.timeout(CALL_TIMEOUT);
        const answer = await this.#send(call, call.signal ? AbortSignal.any([call.signal, timeout]) : timeout);
        if (!answer.ok) throw await problem(answer);
        return parse<T>(await bounded(answer, MAX_BODY));
      } catch (err) {
        call.signal?.throwIfAborted();
        if (n >= MAX_ATTEMPTS || !again(err)) throw err;
        await sleep(pause(err, n), call.signal);
      }
    }
  }

  #send(call: Call, signal: AbortSignal, headers: Record<string, string> = {}): Promise<Response> {
    const all = new Headers({ Accept: "application/json", ...headers, Authorization: `Bearer ${this.#key}` });
    if (call.body !== undefined) all.set("Content-Type", "application/json");
    if (call.key) all.set("Idempotency-Key", call.key);
    const body = call.body === undefined ? null : JSON.stringify(call.body);
    return this.#fetch(this.#base + call.path, { method: call.method, redirect: "manual", signal, headers: all, body }); // the key goes nowhere else
  }
}

/** An end of a request, as a webhook tells it. `id` is the same for every repetition. */
export interface WebhookEvent {
  id: string;
  request: string;
  state: State;
  at: Date;
}

/**
 * Verifies a webhook (Standard Webhooks 1.0) and returns its event, or null: then answer 401 and do nothing. Several
 * secrets ("whsec_…") are good side by side. It does not remember: the same event may come again.
 */
export async function receiveWebhook(request: Request, secrets: string[], now: number = Date.now()): Promise<WebhookEvent | null> {
  const header = (name: string) => request.headers.get(`webhook-${name}`) ?? "";
  const body = await bounded(request, MAX_WEBHOOK).catch(() => null);
  const [id, at] = [header("id"), header("timestamp")];
  const known = await Promise.all(secrets.map(importSecret));
  if (!body || !id || !/^\d{1,15}$/.test(at) || Math.abs(now / 1000 - Number(at)) > MAX_WEBHOOK_AGE) return null;
  const signed = Uint8Array.of(...new TextEncoder().encode(`${id}.${at}.`), ...body);
  let genuine = false;
  for (const signature of header("signature").split(" ").slice(0, 8)) {
    const sum = signature.startsWith("v1,") ? base64(signature.slice(3)) : null;
    if (!sum) continue;
    for (const key of known) genuine = (await crypto.subtle.verify("HMAC", key, sum, signed)) || genuine; // in constant time
  }
  if (!genuine) return null;
  const event = attempt(() => parse<{ type?: string; timestamp?: string; data?: { id?: string; state?: State } }>(body));
  const { id: of, state } = event?.data ?? {};
  if (!of || !state || event?.type !== `request.${state}`) return null;
  return { id, request: of, state, at: new Date(event.timestamp ?? NaN) };
}

/** Reads what a page posted, up to MAX_ANSWER; null if it is no answer. `id` is what the page says: look it up in the visitor's session. */
export async function readAnswer(request: Request): Promise<{ id: string; answer: Answer } | null> {
  const body = await bounded(request, MAX_ANSWER).catch(() => null);
  const value = body && attempt(() => parse<{ id?: unknown; protocol?: unknown; data?: unknown; fragment?: unknown } | null>(body));
  if (!value) return null;
  const { protocol, data, fragment } = value;
  const id = typeof value.id === "string" ? value.id : "";
  if (typeof fragment === "string" && fragment && protocol === undefined && data === undefined) return { id, answer: { fragment } };
  if (typeof protocol === "string" && protocol && data != null && fragment === undefined) return { id, answer: { protocol, data } };
  return null;
}

/** What cannot be an id and might lead elsewhere (nothing, dots) names a request nobody has. */
const at = (id: string, below = "") => `/v1/requests/${/^\.{0,2}$/.test(id) ? "-" : encodeURIComponent(id)}${below}`;

async function problem(answer: Response): Promise<Problem> {
  const body = await bounded(answer, MAX_BODY).then((b) => parse<Record<string, unknown> | null>(b)).catch(() => null);
  const after = answer.headers.get("Retry-After") ?? "";
  const wait = /^\d+$/.test(after) ? Number(after) * 1000 : Math.max(0, Date.parse(after) - Date.now()); // or a date
  return new Problem(answer.status, body ?? {}, wait || 0);
}

/** Whether another attempt could end otherwise: a busy verifier, a broken connection. */
function again(err: unknown): boolean {
  if (!(err instanceof Problem)) return !(err instanceof Malformed);
  return (err.status === 429 || err.status === 503 || err.code === "idempotency_in_progress") && err.retryAfter <= MAX_WAIT;
}

/** What the verifier says, else longer each time, never in step with others; in milliseconds. */
function pause(err: unknown, n: number): number {
  if (err instanceof Problem && err.retryAfter) return err.retryAfter;
  return 125 * 2 ** n * (1 + Math.random());
}

function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const leave = () => (clearTimeout(timer), reject(signal!.reason));
    const timer = setTimeout(() => (signal?.removeEventListener("abort", leave), resolve()), ms);
    signal?.addEventListener("abort", leave, { once: true });
  });
}

/** A body of at most `most` bytes, in however many pieces it comes. */
async function bounded(from: Request | Response, most: number): Promise<Uint8Array<ArrayBuffer>> {
  const reader = from.body?.getReader();
  let all = new Uint8Array(4 << 10);
  for (let size = 0; ; ) {
    const { done, value } = (await reader?.read()) ?? { done: true };
    if (done) return all.subarray(0, size);
    if (size + value.length > most) {
      await reader?.cancel().catch(() => undefined);
      throw new Malformed("the body is too large");
    }
    if (size + value.length > all.length) {
      const before = all;
      all = new Uint8Array(2 * (size + value.length));
      all.set(before);
    }
    all.set(value, size);
    size += value.length;
  }
}

function parse<T>(body: Uint8Array): T {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body)) as T;
  } catch {
    throw new Malformed("the body is not the JSON expected here");
  }
}

async function* lines(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  for (let rest = ""; ; ) {
    const { done, value } = await reader.read();
    if (done) return;
    const split = (rest + decoder.decode(value, { stream: true })).split(/\r?\n/);
    rest = split.pop()!;
    if (rest.length > MAX_EVENT) throw new Malformed("a line of the stream is too long");
    yield* split;
  }
}

function importSecret(text: string): Promise<CryptoKey> {
  const secret = text.startsWith("whsec_") ? base64(text.slice(6)) : null;
  if (!secret || secret.length < 24 || secret.length > 64) throw new TypeError("a webhook secret is not whsec_ and 24 to 64 bytes in base64");
  return crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
}

function base64(text: string): Uint8Array<ArrayBuffer> | null {
  return attempt(() => Uint8Array.from(atob(text), (c) => c.charCodeAt(0))) ?? null;
}

function attempt<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch {
    return undefined;
  }
}
