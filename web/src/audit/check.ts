// What this browser itself found out about the log, and what it remembers of it.

import type { State } from "./api";
import { base64, equal, hashAll, MAX_RECOMPUTE, readCheckpoint, rootOf, unbase64, type Bytes, type Checkpoint } from "./verify";

export interface Check {
  checkpoint: Checkpoint;
  /** Who checked the signature and the tree: this browser or, failing that, the server. */
  signature: "browser" | "server";
  tree: "browser" | "server";
  /** Compared with what this browser saw before: nothing yet, or consistent with it. */
  memory: "first" | "consistent" | "unchecked";
  /** Set if anything is wrong; the rest then means nothing. */
  bad?: "signature" | "tree" | "key" | "shrunk" | "inconsistent" | "entry";
  entry?: number;
}

interface Memory {
  vkey: string;
  size: number;
  root: string;
}

const SLOT = "facet.audit.seen";

function recall(origin: string): Memory | null {
  try {
    const all = JSON.parse(localStorage.getItem(SLOT) ?? "{}") as Record<string, Memory>;
    return all[origin] ?? null;
  } catch {
    return null;
  }
}

function remember(origin: string, m: Memory): void {
  try {
    localStorage.setItem(SLOT, JSON.stringify({ [origin]: m }));
  } catch {
    // A browser that keeps nothing compares with nothing next time.
  }
}

/** Checks the log the state is about. */
export async function check(state: State): Promise<Check> {
  const checkpoint = await readCheckpoint(state.checkpoint, state.vkey);
  const c: Check = { checkpoint, signature: "browser", tree: "server", memory: "first" };
  const fail = (bad: Check["bad"], entry?: number): Check => ({ ...c, bad, ...(entry === undefined ? {} : { entry }) });
  if (checkpoint.signature === "bad") return fail("signature");
  if (checkpoint.signature === "unsupported") c.signature = "server";
  if (!state.ok) return fail("entry", state.findings.find((f) => f.index !== undefined)?.index);

  const seen = recall(checkpoint.origin);
  if (seen && seen.vkey !== state.vkey) return fail("key");
  if (seen && checkpoint.size < seen.size) return fail("shrunk");
  if (seen) c.memory = "unchecked";
  if (checkpoint.size <= MAX_RECOMPUTE) {
    const hashes = await hashAll(checkpoint.size);
    if (!equal(await rootOf(hashes), checkpoint.root)) return fail("tree");
    c.tree = "browser";
    if (seen && !(await extends_(hashes, seen))) return fail("inconsistent");
    if (seen) c.memory = "consistent";
  }
  if (c.memory !== "unchecked") {
    remember(checkpoint.origin, { vkey: state.vkey, size: checkpoint.size, root: base64(checkpoint.root) });
  }
  return c;
}

async function extends_(hashes: Bytes[], seen: Memory): Promise<boolean> {
  return equal(await rootOf(hashes.slice(0, seen.size)), unbase64(seen.root));
}
