// The engine's home: a module worker that loads the Go engine and carries
// calls to it. The engine decides; this file only delivers.

import "facet:wasm_exec";
import { assets } from "facet:assets";

/** What Go's glue puts on the global object. */
interface GoRuntime {
  importObject: WebAssembly.Imports;
  run(instance: WebAssembly.Instance): Promise<void>;
}

interface EngineScope {
  Go: new () => GoRuntime;
  /** Set by the engine when it runs. Answers JSON; rejects with {reason, …}. */
  facetCall?: (method: string, params: string) => Promise<string>;
}

interface Call {
  id: number;
  method: string;
  params: unknown;
}

interface Fault {
  reason: string;
  tries_left?: number;
}

const scope = globalThis as unknown as EngineScope;
const started = start();
started.catch((err: unknown) => postMessage({ id: 0, error: fault(err, "engine_start") }));

addEventListener("message", (event: MessageEvent<Call>) => {
  void deliver(event.data);
});

/** Starts the engine. One changed byte and the browser refuses it: the app does not start. */
async function start(): Promise<void> {
  const asset = assets["engine.wasm"];
  if (!asset) throw new Error("the engine was not built in");
  const go = new scope.Go();
  const source = await fetch(asset.url, { integrity: asset.integrity, credentials: "omit" });
  const { instance } = await WebAssembly.instantiateStreaming(source, go.importObject);
  void go.run(instance).finally(() => postMessage({ id: 0, error: { reason: "engine_broken" } }));
  if (!scope.facetCall) throw new Error("the engine did not register");
}

async function deliver({ id, method, params }: Call): Promise<void> {
  try {
    await started;
    const answer = await scope.facetCall!(method, JSON.stringify(params ?? {}));
    postMessage({ id, result: answer === "" ? null : JSON.parse(answer) });
  } catch (err) {
    postMessage({ id, error: fault(err, "other") });
  }
}

/** Only the code goes on; messages stay here. */
function fault(err: unknown, fallback: string): Fault {
  const given = (typeof err === "object" && err !== null ? err : {}) as { reason?: unknown; tries_left?: unknown };
  const out: Fault = { reason: typeof given.reason === "string" && given.reason ? given.reason : fallback };
  if (typeof given.tries_left === "number") out.tries_left = given.tries_left;
  return out;
}
