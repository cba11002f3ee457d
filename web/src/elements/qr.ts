// QR codes (ISO/IEC 18004): byte mode, error correction level M, versions 1 to
// 20, the mask with the least penalty. Enough for a link; nothing is fetched.

/** Dark modules of a code, row by row. */
export type Modules = boolean[][];

/** The longest text that fits: 666 bytes in version 20 at level M. */
export const MAX_BYTES = 666;

const MAX_VERSION = 20;

/** Error correction codewords per block, and blocks, by version at level M (table 9). */
const ECC = [0, 10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26];
const BLOCKS = [0, 1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16];

/** Makes the smallest code that holds the text. The mask is chosen unless one is given. Throws RangeError when it does not fit. */
export function encode(text: string, mask?: number): Modules {
  const data = new TextEncoder().encode(text);
  const version = fit(data.length);
  const codewords = interleave(pack(data, version), version);
  const masks = mask === undefined ? [0, 1, 2, 3, 4, 5, 6, 7] : [mask];
  let best: Modules | null = null;
  let least = Infinity;
  for (const m of masks) {
    const modules = draw(codewords, version, m);
    const cost = penalty(modules);
    if (cost < least) [best, least] = [modules, cost];
  }
  return best!;
}

/** One SVG path of the dark modules, one unit each. */
export function path(modules: Modules): string {
  let d = "";
  modules.forEach((row, y) => {
    for (let x = 0; x < row.length; x++) {
      if (!row[x]) continue;
      let run = 1;
      while (row[x + run]) run++;
      d += `M${x} ${y}h${run}v1h-${run}z`;
      x += run;
    }
  });
  return d;
}

// ---- the bits ----

function fit(bytes: number): number {
  for (let v = 1; v <= MAX_VERSION; v++) {
    if (4 + (v < 10 ? 8 : 16) + bytes * 8 <= dataCodewords(v) * 8) return v;
  }
  throw new RangeError("text too long for a QR code");
}

/** Modules that carry codewords, in bits (what the function patterns leave). */
function rawBits(version: number): number {
  let bits = (16 * version + 128) * version + 64;
  if (version >= 2) {
    const n = Math.floor(version / 7) + 2;
    bits -= (25 * n - 10) * n - 55;
    if (version >= 7) bits -= 36;
  }
  return bits;
}

function dataCodewords(version: number): number {
  return Math.floor(rawBits(version) / 8) - ECC[version]! * BLOCKS[version]!;
}

/** Mode, length, data, terminator, padding (§7.4). */
function pack(data: Uint8Array, version: number): number[] {
  const bits: number[] = [];
  const push = (value: number, length: number) => {
    for (let i = length - 1; i >= 0; i--) bits.push((value >>> i) & 1);
  };
  push(0b0100, 4);
  push(data.length, version < 10 ? 8 : 16);
  for (const byte of data) push(byte, 8);
  const capacity = dataCodewords(version) * 8;
  push(0, Math.min(4, capacity - bits.length));
  push(0, (8 - (bits.length % 8)) % 8);
  for (let pad = 0xec; bits.length < capacity; pad ^= 0xec ^ 0x11) push(pad, 8);
  const bytes: number[] = [];
  for (let i = 0; i < bits.length; i += 8) bytes.push(bits.slice(i, i + 8).reduce((byte, bit) => (byte << 1) | bit, 0));
  return bytes;
}

/** Splits into blocks, adds error correction to each, and interleaves both (§7.6). */
function interleave(data: number[], version: number): number[] {
  const blocks = BLOCKS[version]!;
  const ecc = ECC[version]!;
  const divisor = generator(ecc);
  const short = Math.floor(data.length / blocks);
  const firstLong = blocks - (data.length % blocks);
  const dataBlocks: number[][] = [];
  for (let i = 0, at = 0; i < blocks; i++) {
    const size = short + (i >= firstLong ? 1 : 0);
    dataBlocks.push(data.slice(at, (at += size)));
  }
  const out: number[] = [];
  for (let i = 0; i <= short; i++) for (const block of dataBlocks) if (i < block.length) out.push(block[i]!);
  const eccBlocks = dataBlocks.map((block) => remainder(block, divisor));
  for (let i = 0; i < ecc; i++) for (const block of eccBlocks) out.push(block[i]!);
  return out;
}

// ---- Reed-Solomon over GF(256) with x⁸+x⁴+x³+x²+1 ----

function multiply(x: number, y: number): number {
  let z = 0;
  for (let i = 7; i >= 0; i--) {
    z = (z << 1) ^ ((z >>> 7) * 0x11d);
    z ^= ((y >>> i) & 1) * x;
  }
  return z;
}

/** ∏ (x − 2^i), without its leading 1. */
function generator(degree: number): number[] {
  const out = new Array<number>(degree).fill(0);
  out[degree - 1] = 1;
  for (let i = 0, root = 1; i < degree; i++, root = multiply(root, 2)) {
    for (let j = 0; j < degree; j++) out[j] = multiply(out[j]!, root) ^ (out[j + 1] ?? 0);
  }
  return out;
}

function remainder(data: number[], divisor: number[]): number[] {
  const out = new Array<number>(divisor.length).fill(0);
  for (const byte of data) {
    const factor = byte ^ out.shift()!;
    out.push(0);
    divisor.forEach((coefficient, i) => (out[i]! ^= multiply(coefficient, factor)));
  }
  return out;
}

// ---- the picture ----

function draw(codewords: number[], version: number, mask: number): Modules {
  const size = version * 4 + 17;
  const modules: Modules = Array.from({ length: size }, () => new Array<boolean>(size).fill(false));
  const fixed: Modules = modules.map((row) => [...row]);
  const set = (x: number, y: number, dark: boolean) => {
    modules[y]![x] = dark;
    fixed[y]![x] = true;
  };
  patterns(size, version, set);
  format(size, version, mask, set);
  zigzag(size, fixed, codewords, (x, y, bit) => (modules[y]![x] = bit !== masked(mask, x, y)));
  return modules;
}

type Set = (x: number, y: number, dark: boolean) => void;

/** Timing, finder and alignment patterns (§6.3). */
function patterns(size: number, version: number, set: Set): void {
  for (let i = 0; i < size; i++) {
    set(6, i, i % 2 === 0);
    set(i, 6, i % 2 === 0);
  }
  for (const [cx, cy] of [[3, 3], [size - 4, 3], [3, size - 4]] as const) {
    for (let dy = -4; dy <= 4; dy++)
      for (let dx = -4; dx <= 4; dx++) {
        const [x, y, ring] = [cx + dx, cy + dy, Math.max(Math.abs(dx), Math.abs(dy))];
        if (x >= 0 && x < size && y >= 0 && y < size) set(x, y, ring !== 2 && ring !== 4);
      }
  }
  const at = alignment(size, version);
  at.forEach((cx, i) =>
    at.forEach((cy, j) => {
      const last = at.length - 1;
      if ((i === 0 && j === 0) || (i === 0 && j === last) || (i === last && j === 0)) return; // finders stand there
      for (let dy = -2; dy <= 2; dy++) for (let dx = -2; dx <= 2; dx++) set(cx + dx, cy + dy, Math.max(Math.abs(dx), Math.abs(dy)) !== 1);
    }),
  );
}

/** Centres of the alignment patterns, evenly spaced from the far edge (annex E). */
function alignment(size: number, version: number): number[] {
  if (version === 1) return [];
  const n = Math.floor(version / 7) + 2;
  const step = Math.ceil((version * 4 + 4) / (n * 2 - 2)) * 2;
  const out = [6];
  for (let at = size - 7; out.length < n; at -= step) out.splice(1, 0, at);
  return out;
}

/** Format and version information, each with its own error correction (§7.9, §7.10). */
function format(size: number, version: number, mask: number, set: Set): void {
  const data = mask; // level M is 00
  let rest = data;
  for (let i = 0; i < 10; i++) rest = (rest << 1) ^ ((rest >>> 9) * 0x537);
  const bits = ((data << 10) | rest) ^ 0x5412;
  const bit = (i: number) => ((bits >>> i) & 1) === 1;
  for (let i = 0; i <= 5; i++) set(8, i, bit(i));
  set(8, 7, bit(6));
  set(8, 8, bit(7));
  set(7, 8, bit(8));
  for (let i = 9; i < 15; i++) set(14 - i, 8, bit(i));
  for (let i = 0; i < 8; i++) set(size - 1 - i, 8, bit(i));
  for (let i = 8; i < 15; i++) set(8, size - 15 + i, bit(i));
  set(8, size - 8, true);
  if (version < 7) return;
  let check = version;
  for (let i = 0; i < 12; i++) check = (check << 1) ^ ((check >>> 11) * 0x1f25);
  const info = (version << 12) | check;
  for (let i = 0; i < 18; i++) {
    const [a, b] = [size - 11 + (i % 3), Math.floor(i / 3)];
    set(a, b, ((info >>> i) & 1) === 1);
    set(b, a, ((info >>> i) & 1) === 1);
  }
}

/** Walks two columns at a time, up and down, from the right (§7.7.3). */
function zigzag(size: number, fixed: Modules, codewords: number[], put: (x: number, y: number, bit: boolean) => void): void {
  let i = 0;
  for (let right = size - 1; right >= 1; right -= 2) {
    if (right === 6) right = 5;
    for (let vertical = 0; vertical < size; vertical++) {
      for (const x of [right, right - 1]) {
        const upward = ((right + 1) & 2) === 0;
        const y = upward ? size - 1 - vertical : vertical;
        if (fixed[y]![x]) continue;
        const bit = i < codewords.length * 8 && ((codewords[i >>> 3]! >>> (7 - (i & 7))) & 1) === 1;
        put(x, y, bit);
        i++;
      }
    }
  }
}

/** The eight mask conditions (table 10). */
function masked(mask: number, x: number, y: number): boolean {
  switch (mask) {
    case 0: return (x + y) % 2 === 0;
    case 1: return y % 2 === 0;
    case 2: return x % 3 === 0;
    case 3: return (x + y) % 3 === 0;
    case 4: return (Math.floor(x / 3) + Math.floor(y / 2)) % 2 === 0;
    case 5: return ((x * y) % 2) + ((x * y) % 3) === 0;
    case 6: return (((x * y) % 2) + ((x * y) % 3)) % 2 === 0;
    case 7: return (((x + y) % 2) + ((x * y) % 3)) % 2 === 0;
    default: throw new RangeError("mask must be 0 to 7");
  }
}

/** How hard a code is to read (§7.8.3): runs, blocks, false finders, imbalance. */
function penalty(modules: Modules): number {
  const size = modules.length;
  let cost = 0;
  let dark = 0;
  for (let a = 0; a < size; a++) {
    cost += line(size, (i) => modules[a]![i]!) + line(size, (i) => modules[i]![a]!);
    for (let b = 0; b < size; b++) {
      if (modules[a]![b]) dark++;
      const same = modules[a]![b];
      if (a + 1 < size && b + 1 < size && modules[a + 1]![b] === same && modules[a]![b + 1] === same && modules[a + 1]![b + 1] === same) cost += 3;
    }
  }
  const off = Math.abs(dark * 20 - size * size * 10);
  return cost + Math.floor(off / (size * size)) * 10;
}

const FINDER = "1011101";

function line(size: number, at: (i: number) => boolean): number {
  let cost = 0;
  let run = 0;
  let text = "";
  for (let i = 0; i < size; i++) {
    run = i > 0 && at(i) === at(i - 1) ? run + 1 : 1;
    if (run === 5) cost += 3;
    else if (run > 5) cost += 1;
    text += at(i) ? "1" : "0";
  }
  for (let from = text.indexOf(FINDER); from >= 0; from = text.indexOf(FINDER, from + 1)) {
    const before = text.slice(Math.max(0, from - 4), from).padStart(4, "0");
    const after = text.slice(from + 7, from + 11).padEnd(4, "0");
    if (before === "0000" || after === "0000") cost += 40;
  }
  return cost;
}
