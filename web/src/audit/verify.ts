// The console's own arithmetic: Merkle hashes (RFC 6962), signed notes and
// proofs (C2SP signed-note, tlog-checkpoint, tlog-proof, tlog-tiles), with
// WebCrypto. Nothing here asks the server what to believe.

export type Bytes = Uint8Array<ArrayBuffer>;

const utf8 = new TextEncoder();

export function unbase64(text: string): Bytes {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (c) => c.charCodeAt(0));
}

export function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

export function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((v, i) => v === b[i]);
}

async function hash(...parts: Uint8Array[]): Promise<Bytes> {
  const all = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    all.set(p, at);
    at += p.length;
  }
  return new Uint8Array(await crypto.subtle.digest("SHA-256", all));
}

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

export const leafHash = (leaf: Uint8Array): Promise<Bytes> => hash(LEAF, leaf);
export const nodeHash = (left: Uint8Array, right: Uint8Array): Promise<Bytes> => hash(NODE, left, right);

/** A checkpoint as parsed; `signature` says whether it may be believed. */
export interface Checkpoint {
  origin: string;
  size: number;
  root: Bytes;
  /** good and bad were computed here; unsupported: this browser knows no Ed25519. */
  signature: "good" | "bad" | "unsupported";
}

export class Malformed extends Error {}

export async function readCheckpoint(note: string, vkey: string): Promise<Checkpoint> {
  const cut = note.lastIndexOf("\n\n");
  const text = note.slice(0, cut + 1);
  const [origin, size, root, end] = text.split("\n");
  if (cut < 0 || !origin || !size || !/^(0|[1-9][0-9]{0,15})$/.test(size) || !root || end !== "") {
    throw new Malformed("checkpoint");
  }
  const bytes = unbase64(root);
  if (bytes.length !== 32) throw new Malformed("checkpoint");
  const signature = await checkSignature(text, note.slice(cut + 2), origin, vkey);
  return { origin, size: Number(size), root: bytes, signature };
}

async function checkSignature(text: string, lines: string, origin: string, vkey: string): Promise<Checkpoint["signature"]> {
  const [name, id, ...rest] = vkey.split("+");
  const raw = unbase64(rest.join("+"));
  if (name !== origin || raw.length !== 33 || raw[0] !== 1) return "bad";
  const wanted = (await hash(utf8.encode(`${name}\n`), raw)).slice(0, 4);
  if ([...wanted].map((b) => b.toString(16).padStart(2, "0")).join("") !== id) return "bad";
  let key: CryptoKey;
  try {
    key = await crypto.subtle.importKey("raw", raw.slice(1), { name: "Ed25519" }, false, ["verify"]);
  } catch {
    return "unsupported";
  }
  for (const line of lines.split("\n")) {
    const match = /^— (\S+) (\S+)$/.exec(line);
    if (match?.[1] !== name) continue;
    const sig = unbase64(match[2] ?? "");
    if (!equal(sig.slice(0, 4), wanted)) continue;
    return (await crypto.subtle.verify("Ed25519", key, sig.slice(4), utf8.encode(text))) ? "good" : "bad";
  }
  return "bad";
}

export interface Proof {
  index: number;
  path: Bytes[];
  checkpoint: string;
}

/** A tlog-proof, or a receipt that holds one; null if it is neither. */
export function readProof(pasted: string): Proof | null {
  let text = pasted.trim().replaceAll("\r\n", "\n");
  if (text.startsWith("{")) {
    try {
      text = String((JSON.parse(text) as { proof?: unknown }).proof);
    } catch {
      return null;
    }
  }
  const cut = text.indexOf("\n\n");
  const [header, ...lines] = text.slice(0, cut).split("\n");
  if (cut < 0 || header !== "c2sp.org/tlog-proof@v1") return null;
  if (lines[0]?.startsWith("extra ")) lines.shift();
  const index = /^index (0|[1-9][0-9]{0,15})$/.exec(lines.shift() ?? "")?.[1];
  if (index === undefined || lines.length > 63) return null;
  try {
    const path = lines.map(unbase64);
    if (path.some((h) => h.length !== 32)) return null;
    return { index: Number(index), path, checkpoint: `${text.slice(cut + 2).trimEnd()}\n` };
  } catch {
    return null;
  }
}

/** One step of a proof: which side the sibling is on and which entries it stands for. */
export interface Step {
  side: "left" | "right";
  first: number;
  last: number;
  hash: Bytes;
}

/** The shape of the proof for an entry, from the leaf up; null if the number of hashes is wrong. */
export function stepsOf(index: number, size: number, path: Bytes[]): Step[] | null {
  const steps: Omit<Step, "hash">[] = [];
  let lo = 0;
  let hi = size;
  while (hi - lo > 1) {
    let half = 1;
    while (half * 2 < hi - lo) half *= 2;
    if (index < lo + half) {
      steps.unshift({ side: "right", first: lo + half, last: hi - 1 });
      hi = lo + half;
    } else {
      steps.unshift({ side: "left", first: lo, last: lo + half - 1 });
      lo += half;
    }
  }
  if (index >= size || steps.length !== path.length) return null;
  return steps.map((s, i) => ({ ...s, hash: path[i] as Bytes }));
}

/** The root that an entry's hash and its path lead to. */
export async function climb(leaf: Bytes, steps: Step[]): Promise<Bytes> {
  let at = leaf;
  for (const s of steps) at = s.side === "left" ? await nodeHash(s.hash, at) : await nodeHash(at, s.hash);
  return at;
}

const WIDTH = 256;

/** Where a bundle of entries is published (C2SP tlog-tiles). */
export function bundlePath(bundle: number, width: number): string {
  let name = String(bundle % 1000).padStart(3, "0");
  for (let n = Math.floor(bundle / 1000); n > 0; n = Math.floor(n / 1000)) name = `x${String(n % 1000).padStart(3, "0")}/${name}`;
  return `/log/tile/entries/${name}${width === WIDTH ? "" : `.p/${width}`}`;
}

/** The entries of one bundle. This request is all that the log's host learns of a search. */
export async function readBundle(bundle: number, size: number): Promise<Bytes[]> {
  const width = Math.min(WIDTH, size - bundle * WIDTH);
  let res = await fetch(bundlePath(bundle, width), { credentials: "omit" });
  if (res.status === 404 && width < WIDTH) res = await fetch(bundlePath(bundle, WIDTH), { credentials: "omit" });
  if (!res.ok) throw new Malformed("bundle");
  const bytes = new Uint8Array(await res.arrayBuffer());
  const leaves: Bytes[] = [];
  for (let at = 0; at < bytes.length && leaves.length < width; ) {
    const n = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
    if (at + 2 + n > bytes.length) throw new Malformed("bundle");
    leaves.push(bytes.slice(at + 2, at + 2 + n));
    at += 2 + n;
  }
  if (leaves.length !== width) throw new Malformed("bundle");
  return leaves;
}

/** Reads one published entry. */
export async function readEntry(index: number, size: number): Promise<Bytes> {
  const leaves = await readBundle(Math.floor(index / WIDTH), size);
  return leaves[index % WIDTH] as Bytes;
}

/** The root over hashes of entries (RFC 6962 §2.1). */
export async function rootOf(hashes: Bytes[]): Promise<Bytes> {
  if (hashes.length === 0) return hash();
  let level = hashes;
  // Pairing up level by level and carrying the odd one gives the same tree.
  while (level.length > 1) {
    const up: Bytes[] = [];
    for (let i = 0; i + 1 < level.length; i += 2) up.push(await nodeHash(level[i] as Bytes, level[i + 1] as Bytes));
    if (level.length % 2) up.push(level[level.length - 1] as Bytes);
    level = up;
  }
  return level[0] as Bytes;
}

/** Logs up to this many entries are recomputed in the browser. */
export const MAX_RECOMPUTE = 20_000;

/** Reads and hashes every entry of the log. */
export async function hashAll(size: number): Promise<Bytes[]> {
  const out: Bytes[] = [];
  for (let bundle = 0; bundle * WIDTH < size; bundle++) {
    out.push(...(await Promise.all((await readBundle(bundle, size)).map(leafHash))));
  }
  return out;
}
