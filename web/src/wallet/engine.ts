// The typed client of the engine: Go, compiled to WebAssembly, in a module
// worker. It carries calls over and answers back; it decides nothing.

import type {
  Accepted, CodeGroup, Conflict, HistoryDetail, HistoryRow, Home, Offer, Preferences, Presented, Previewed, Proposal,
  ReceiptCheck, Settings, Text, Today, Topic, VaultCreated, VaultKey, VaultStatus, Erasure,
} from "./views";

/** Why the engine did not do it. `reason` is a stable code; never shown as it is, except as a code for support. */
export class EngineError extends Error {
  constructor(
    readonly reason: string,
    /** With `tx_code_wrong`, when the issuer says it. */
    readonly triesLeft: number | null = null,
  ) {
    super(reason);
    this.name = "EngineError";
  }
}

/** One message to the worker. */
interface Call {
  id: number;
  method: string;
  params: unknown;
}

/** One message back. Exactly one of `result` and `error` is there. */
interface Answer {
  id: number;
  result?: unknown;
  error?: { reason: string; message?: string; tries_left?: number };
}

/** Anything that takes messages and ends like a worker does. */
export interface Port {
  postMessage(message: unknown): void;
  terminate(): void;
  addEventListener(type: "message" | "error", listener: (event: MessageEvent & ErrorEvent) => void): void;
}

/** What a passkey gives that opens a vault. */
export interface Opener {
  credentialId: string;
  /** 32 bytes, base64url. */
  prf: string;
}

function told(opener: Opener): { credential_id: string; prf: string } {
  return { credential_id: opener.credentialId, prf: opener.prf };
}

interface Pending {
  resolve(value: unknown): void;
  reject(reason: EngineError): void;
}

export class Engine {
  #pending = new Map<number, Pending>();
  #next = 1;
  #broken: EngineError | null = null;

  constructor(private readonly port: Port) {
    port.addEventListener("message", (event) => this.#answer(event.data as Answer));
    port.addEventListener("error", () => this.#break("engine_broken"));
  }

  /** Calls one method of the bridge. Fails with EngineError only. */
  call<T>(method: string, params: unknown = {}): Promise<T> {
    if (this.#broken) return Promise.reject(this.#broken);
    const id = this.#next++;
    return new Promise<T>((resolve, reject) => {
      this.#pending.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.port.postMessage({ id, method, params } satisfies Call);
    });
  }

  /** Ends the worker: the browser takes back its memory, and with it whatever was open there. */
  end(): void {
    this.port.terminate();
    this.#break("vault_locked");
  }

  #answer(answer: Answer): void {
    if (answer.id === 0 && answer.error) {
      this.#break(answer.error.reason); // the engine could not start
      return;
    }
    const waiting = this.#pending.get(answer.id);
    if (!waiting) return;
    this.#pending.delete(answer.id);
    if (answer.error) {
      const tries = answer.error.tries_left;
      waiting.reject(new EngineError(answer.error.reason, typeof tries === "number" && tries >= 0 ? tries : null));
    } else {
      waiting.resolve(answer.result);
    }
  }

  #break(reason: string): void {
    this.#broken = new EngineError(reason);
    for (const waiting of this.#pending.values()) waiting.reject(this.#broken);
    this.#pending.clear();
  }

  vault = {
    status: () => this.call<VaultStatus>("vault.status"),
    create: (opener: Opener, label: string) => this.call<VaultCreated>("vault.create", { ...told(opener), label }),
    confirmRecovery: (groups: CodeGroup[]) => this.call<{ ok: boolean }>("vault.confirmRecovery", { groups }),
    open: (opener: Opener) => this.call<VaultStatus>("vault.open", told(opener)),
    openWithCode: (code: string) => this.call<VaultStatus>("vault.openWithCode", { code }),
    /** `file` is base64. Nothing is stored before `adopt`. */
    openFile: (file: string, code: string) => this.call<{ ok: boolean }>("vault.openFile", { file, code }),
    adopt: (opener: Opener, label: string) => this.call<VaultStatus>("vault.adopt", { ...told(opener), label }),
    addPasskey: (opener: Opener, label: string) => this.call<VaultKey[]>("vault.addPasskey", { ...told(opener), label }),
    removePasskey: (id: string) => this.call<VaultKey[]>("vault.removePasskey", { id }),
    newCode: () => this.call<{ recovery_code: string }>("vault.newCode"),
    confirmCode: (groups: CodeGroup[]) => this.call<{ ok: boolean }>("vault.confirmCode", { groups }),
    lock: () => this.call<VaultStatus>("vault.lock"),
  };

  keys = () => this.call<VaultKey[]>("keys");

  conflicts = {
    list: () => this.call<Conflict[]>("conflicts"),
    choose: (id: string, take: "kept" | "other") => this.call<Conflict[]>("conflicts.choose", { id, take }),
  };

  home = () => this.call<Home>("home");

  preferences = {
    get: () => this.call<Preferences>("preferences.get"),
    set: (p: Preferences) => this.call<{ saved_at: number }>("preferences.set", p),
  };

  today = {
    get: () => this.call<Today>("today.get"),
    set: (t: Today) => this.call<Today>("today.set", t),
  };

  topics = (lang: string) => this.call<Topic[]>("topics", { lang });

  offer = (params: Record<string, string>) => this.call<Offer>("offer", params);
  accept = (offer_id: string, tx_code: string, confirmed: boolean) =>
    this.call<Accepted>("accept", { offer_id, tx_code, confirmed });

  ask = (url: string) => this.call<Proposal>("ask", { url });
  proposal = (proposal_id: string) => this.call<Proposal>("proposal", { proposal_id });
  preview = (proposal_id: string, choices: string[]) => this.call<Previewed>("preview", { proposal_id, choices });
  reveal = (proposal_id: string, key: string) => this.call<{ text: Text }>("reveal", { proposal_id, key });
  present = (proposal_id: string, digest: string, choices: string[]) =>
    this.call<Presented>("present", { proposal_id, digest, choices });
  refuse = (proposal_id: string) => this.call<{ redirect_uri: string | null }>("refuse", { proposal_id });

  history = () => this.call<HistoryRow[] | null>("history");
  historyItem = (id: string) => this.call<HistoryDetail>("history.item", { id });
  checkReceipt = (id: string) => this.call<ReceiptCheck>("receipt.check", { id });
  withdraw = (id: string) => this.call<{ state: string; erasure: Erasure | null }>("withdraw", { id });

  settings = {
    get: () => this.call<Settings>("settings.get"),
    set: (s: Settings) => this.call<Settings>("settings.set", s),
  };

  export = () => this.call<{ file: string; name: string }>("export");
}
