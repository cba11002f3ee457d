// Types of the imports that `go run ./web/bundle` resolves itself.

declare module "facet:assets" {
  /** What was built before the importing script, by lasting name. */
  export const assets: Readonly<Record<string, { readonly url: string; readonly integrity: string }>>;
}

/** Go's glue for engine.wasm, of the toolchain that compiled it; sets globalThis.Go. */
declare module "facet:wasm_exec";

declare module "*.css?text" {
  const text: string;
  export default text;
}

declare module "*.svg" {
  const text: string;
  export default text;
}
