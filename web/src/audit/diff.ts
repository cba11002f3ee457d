// What two versions of a policy ask, keep and do differently.

import type { Policy, Rule } from "./api";

export type Change =
  | { kind: "more" | "less" | "must" | "may" | "else"; rule: Rule }
  | { kind: "longer" | "shorter" | "purpose"; before: string; after: string };

/** Members of a rule that are words only. */
const words = new Set(["explain", "with", "without", "label", "required"]);

function effect(r: Rule): string {
  return JSON.stringify(Object.entries(r).filter(([k]) => !words.has(k)).sort());
}

function seconds(iso: string): number {
  const m = /^P(?:(\d+)D|T(\d+)H)$/.exec(iso);
  return m?.[1] ? Number(m[1]) * 24 : m?.[2] ? Number(m[2]) : 0;
}

export function changes(before: Policy, after: Policy): Change[] {
  const out: Change[] = [];
  if (before.purpose !== after.purpose) out.push({ kind: "purpose", before: before.purpose, after: after.purpose });
  const old = new Map(before.document.hints.map((r) => [r.key, r]));
  for (const rule of after.document.hints) {
    const was = old.get(rule.key);
    old.delete(rule.key);
    if (!was) out.push({ kind: "more", rule });
    else if (!!was.required !== !!rule.required) out.push({ kind: rule.required ? "must" : "may", rule });
    else if (effect(was) !== effect(rule)) out.push({ kind: "else", rule });
  }
  for (const rule of old.values()) out.push({ kind: "less", rule });
  if (before.retention !== after.retention) {
    const kind = seconds(after.retention) > seconds(before.retention) ? "longer" : "shorter";
    out.push({ kind, before: before.retention, after: after.retention });
  }
  return out;
}

export interface Line {
  sign: " " | "-" | "+";
  text: string;
}

/** The difference of two texts by lines: the longest common subsequence. */
export function lines(before: string, after: string): Line[] {
  const a = before.split("\n");
  const b = after.split("\n");
  const width = b.length + 1;
  const common = new Uint16Array((a.length + 1) * width);
  const at = (i: number, j: number): number => common[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      common[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const out: Line[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      out.push({ sign: " ", text: a[i++] ?? "" });
      j++;
    } else if (i < a.length && (j >= b.length || at(i + 1, j) >= at(i, j + 1))) out.push({ sign: "-", text: a[i++] ?? "" });
    else out.push({ sign: "+", text: b[j++] ?? "" });
  }
  return out;
}

/** How many lines that did not change stand around those that did. */
const AROUND = 3;

/** The lines near a change; what is left out in between is its number of lines. */
export function folded(all: Line[]): (Line | number)[] {
  const near = all.map((_, i) => all.slice(Math.max(0, i - AROUND), i + AROUND + 1).some((l) => l.sign !== " "));
  const out: (Line | number)[] = [];
  all.forEach((line, i) => {
    const last = out.length - 1;
    const before = out[last];
    if (near[i]) out.push(line);
    else if (typeof before === "number") out[last] = before + 1;
    else out.push(1);
  });
  return out;
}
