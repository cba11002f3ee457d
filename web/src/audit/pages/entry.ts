import { html, nothing, svg, type TemplateResult } from "lit";
import { api, type EntryView, type Row } from "../api";
import { broken, proven } from "../icons";
import { Page } from "../page";
import { base64, climb, equal, leafHash, readCheckpoint, readProof, stepsOf, unbase64, type Step } from "../verify";

/** An entry as the leaf says; only what is shown is named. */
interface Leaf {
  kind: Row["kind"];
  hour: string;
  platform?: string;
  purpose?: string;
  retention?: string;
  policy?: { id: string; version: number };
  flow?: "same_device" | "cross_device" | "dc_api";
  outcome?: NonNullable<Row["outcome"]>;
  check?: string;
  paths?: Record<string, string[]>;
  commitments?: Record<string, string[]>;
  weakenings?: string[];
}

interface Shown {
  view: EntryView;
  text: string;
  leaf: Leaf;
  steps: Step[];
  size: number;
  checkpoint: string;
  proven: boolean;
  signature: "good" | "bad" | "unsupported";
}

/** One entry: what it says, what belongs to it, and its path of proof, computed here. */
export class Entry extends Page {
  static override properties = { ...Page.properties, shown: { state: true }, labels: { state: true } };
  declare shown: Shown | undefined;
  declare labels: Map<string, string> | undefined;

  override async load(): Promise<void> {
    this.shown = undefined;
    const [view, figures] = await Promise.all([api.entry(Number(this.ctx.path[1])), this.ctx.figures()]);
    const { words: w } = this.ctx;
    this.labels = new Map(figures.purposes.flatMap((p) => [[p.purpose, w.pick(p.label)], ...p.claims.map((c) => [c.path, w.pick(c.label)] as const)] as [string, string][]));
    this.shown = await compute(view, this.ctx.state.vkey);
  }

  protected override render(): unknown {
    const { words: w } = this.ctx;
    if (this.failure) return html`<h1 class="first">${w.t("audit.failed")}</h1><p>${w.t("audit.failed.do", { code: this.failure })}</p>`;
    const s = this.shown;
    if (!s) return html`<p class="wait" role="status">${w.t("audit.wait")}</p>`;
    const { leaf, view } = s;
    const who = leaf.platform ?? view.chain.find((r) => r.platform)?.platform ?? "";
    const what = w.t(leaf.kind === "result" && leaf.outcome ? `audit.1.${leaf.outcome}` : `audit.1.${leaf.kind as Exclude<Row["kind"], "result">}`, { who });
    return html`<p class="back"><a href="/audit/entries">${w.t("audit.1.back")}</a></p>
      <h1>${w.t("audit.1.title", { n: view.index, what })}</h1>
      <p class="muted">${w.hour(leaf.hour)}${leaf.purpose ? html` · ${this.label(leaf.purpose)}` : nothing}</p>${this.verdict(s)}
      <div class="grid two"><div class="grid">${this.content(s)}${this.chain(view)}${this.self(s)}</div>${this.path(s)}</div>`;
  }

  label = (name: string): string => this.labels?.get(name) ?? name;

  verdict(s: Shown): TemplateResult {
    const { words: w } = this.ctx;
    if (!s.proven || s.signature === "bad") {
      return html`<div class="proof proof--slim proof--bad"><div>${broken()}<p><b>${w.t("audit.1.out")}</b> ${w.t("audit.1.out.text")}</p></div></div>`;
    }
    return html`<div class="proof proof--slim"><div>${proven()}<p><b>${w.t("audit.1.in")}</b> ${w.t("audit.1.in.text", { n: s.steps.length })}
      ${s.signature === "unsupported" ? w.t("audit.1.in.sig") : nothing}</p></div></div>`;
  }

  content(s: Shown): TemplateResult {
    const { words: w } = this.ctx;
    const { leaf, view } = s;
    const rows: [string, unknown][] = [];
    if (leaf.platform) rows.push([w.t("audit.1.who"), leaf.platform]);
    if (leaf.purpose) rows.push([w.t("audit.1.for"), this.label(leaf.purpose)]);
    if (leaf.policy) {
      const name = w.t("audit.1.pol.version", { id: leaf.policy.id, version: leaf.policy.version });
      rows.push([w.t("audit.1.pol"), view.policy === undefined ? name : html`<a href="/audit/policies?entry=${view.policy}">${name}</a>`]);
    }
    if (leaf.retention) rows.push([w.t("audit.1.promise"), leaf.retention === "PT0S" ? w.t("audit.once") : w.t("audit.1.promise.keep", { time: w.duration(leaf.retention) })]);
    if (leaf.outcome) rows.push([w.t("audit.1.outcome"), leaf.check ? w.t("audit.1.check", { check: leaf.check }) : w.t(`audit.outcome.${leaf.outcome}`)]);
    if (leaf.flow) rows.push([w.t("audit.1.flow"), w.t(`audit.1.flow.${leaf.flow}`)]);
    if (leaf.weakenings) rows.push([w.t("audit.1.weak"), leaf.weakenings.join(", ") || w.t("audit.1.weak.none")]);
    return html`<section class="card"><h2>${w.t("audit.1.what")}</h2>
      <dl class="dl dl--2">${rows.map(([k, v]) => html`<div><dt>${k}</dt><dd>${v}</dd></div>`)}</dl>
      ${leaf.paths ? this.claims(leaf) : nothing}</section>`;
  }

  claims(leaf: Leaf): TemplateResult {
    const { words: w } = this.ctx;
    const seals = leaf.commitments;
    const rows = Object.entries(leaf.paths ?? {}).flatMap(([query, paths]) => paths.map((path, i) => ({ query, path, seal: seals?.[query]?.[i] })));
    return html`<h3>${w.t("audit.1.claims")}</h3><div class="scroll" tabindex="0" role="region" aria-label=${w.t("audit.1.claims")}><table><thead><tr>
      <th scope="col">${w.t("audit.th.claim")}</th><th scope="col" class="left">${w.t("audit.th.path")}</th>
      ${seals ? html`<th scope="col" class="left">${w.t("audit.th.seal")}</th>` : nothing}</tr></thead><tbody>
      ${rows.map((r) => html`<tr><th scope="row">${this.label(r.path)}</th><td class="left"><code>${r.query} ${r.path}</code></td>
        ${seals ? html`<td class="left"><code>${r.seal?.slice(0, 16)}…</code></td>` : nothing}</tr>`)}</tbody></table></div>
      ${seals ? html`<p class="small muted">${w.t("audit.1.claims.note")}</p>` : nothing}`;
  }

  chain(view: EntryView): TemplateResult | typeof nothing {
    const { words: w } = this.ctx;
    if (view.chain.length < 2) return nothing;
    return html`<section class="card"><h2>${w.t("audit.1.chain")}</h2><ol class="chain">${view.chain.map((r) => {
      const kind = w.t(`audit.kind.${r.kind}`);
      const own = r.index === view.index;
      const name = own ? html`<b>${w.n(r.index)} ${kind}</b>, ${w.t("audit.1.this")}` : html`<a href="/audit/entry/${r.index}">${w.n(r.index)}</a> ${kind}`;
      return html`<li aria-current=${own ? "true" : nothing}><span>${name}<br><span class="small muted">${w.hour(r.hour)}</span></span></li>`;
    })}</ol></section>`;
  }

  self(s: Shown): TemplateResult {
    const { words: w } = this.ctx;
    const command = `facet audit verify ${location.origin}/log --key '${this.ctx.state.vkey}'`;
    return html`<section class="card"><h2>${w.t("audit.1.self")}</h2><p class="small muted">${w.t("audit.1.self.sub")}</p>
      <pre tabindex="0">${command}</pre>
      <details><summary>${w.t("audit.1.leaf")}</summary><pre tabindex="0">${s.text}</pre></details>
      <details><summary>${w.t("audit.1.checkpoint")}</summary><pre tabindex="0">${s.checkpoint}</pre></details></section>`;
  }

  path(s: Shown): TemplateResult {
    const { words: w } = this.ctx;
    const n = s.steps.length;
    const head = html`<header><h2>${w.t("audit.1.path")}</h2>
      <p class="small muted">${n ? w.t("audit.1.path.sub", { n }) : w.t("audit.1.path.alone")}</p></header>`;
    const bottom = 70 + n * 44;
    const range = (x: Step): string => (x.first === x.last ? w.n(x.first) : `${w.n(x.first)}–${w.n(x.last)}`);
    const spoken = w.t("audit.1.path.label", { n: s.view.index, steps: n, size: s.size });
    return html`<section class="card">${head}
      <svg class="tree" viewBox="0 0 360 ${bottom + 62}" role="img" aria-label=${spoken}>${svg`
        <rect x="106" y="2" width="148" height="48" rx="2" class="s"></rect><text x="180" y="22" text-anchor="middle" class="b">${w.t("audit.1.path.cp")}</text>
        <text x="180" y="41" text-anchor="middle">${w.t("audit.1.path.entries", { n: s.size })}</text>
        <line x1="180" x2="180" y1="50" y2=${bottom + 22} class="way"></line>`}
        ${[...s.steps].reverse().map((x, i) => {
          const y = 70 + i * 44;
          const left = x.side === "left";
          return svg`<path d="M180 ${y}L${left ? 124 : 236} ${y + 44}" class="sib"></path><circle cx="180" cy=${y} r="5" class="n"></circle>
            <rect x=${left ? 118 : 230} y=${y + 38} width="12" height="12" class="s"></rect>
            <text x=${left ? 110 : 250} y=${y + 49} text-anchor=${left ? "end" : "start"}>${w.n(x.last - x.first + 1)}</text>`;
        })}
        ${svg`<circle cx="180" cy=${bottom} r="5" class="n"></circle><rect x="96" y=${bottom + 22} width="168" height="36" class="leafbox"></rect>
        <text x="180" y=${bottom + 46} text-anchor="middle" class="leaftext">${w.t("audit.1.path.entry", { n: s.view.index })}</text>`}</svg>
      ${n ? html`<div class="acts"><details><summary>${w.t("audit.1.path.all", { n })}</summary><div class="scroll" tabindex="0" role="region" aria-label=${w.t("audit.1.path")}>
        <table><thead><tr>${(["step", "side", "range", "sum"] as const).map((k) => html`<th scope="col" class="left">${w.t(`audit.1.path.${k}`)}</th>`)}</tr></thead>
        <tbody>${s.steps.map((x, i) => html`<tr><th scope="row">${i + 1}</th><td class="left">${w.t(`audit.${x.side}`)}</td><td class="left">${range(x)}</td>
          <td class="left"><code>${base64(x.hash)}</code></td></tr>`)}</tbody></table></div></details></div>` : nothing}</section>`;
  }
}
customElements.define("audit-entry", Entry);

/** Recomputes the path from the entry's own bytes to the root of a signed checkpoint. */
async function compute(view: EntryView, vkey: string): Promise<Shown> {
  const bytes = unbase64(view.leaf);
  const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  const proof = readProof(view.proof);
  if (!proof) throw new Error("receipt_invalid");
  const checkpoint = await readCheckpoint(proof.checkpoint, vkey);
  const steps = proof.index === view.index ? stepsOf(proof.index, checkpoint.size, proof.path) : null;
  const good = steps !== null && equal(await climb(await leafHash(bytes), steps), checkpoint.root);
  return {
    view, text, leaf: JSON.parse(text) as Leaf, steps: steps ?? [], size: checkpoint.size,
    checkpoint: proof.checkpoint, proven: good, signature: checkpoint.signature,
  };
}
