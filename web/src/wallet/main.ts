// The start of the wallet: takes the link it was opened with out of the
// address bar, starts the engine in its worker, and puts the app on the page.

import { assets } from "facet:assets";
import "./app";
import type { App } from "./app";
import type { Held } from "./context";
import { Engine } from "./engine";
import { Host } from "./host";

/** The one Trusted Types policy of our own: it admits two addresses and nothing else. */
interface ScriptPolicy {
  createScriptURL(url: string): string;
}

interface TrustedTypesFactory {
  createPolicy(name: string, rules: ScriptPolicy): ScriptPolicy;
}

const WORKER = assets["worker.js"]?.url ?? "";
const SERVICE_WORKER = "/sw.js";

const rules: ScriptPolicy = {
  createScriptURL(url) {
    if (url !== WORKER && url !== SERVICE_WORKER) throw new TypeError(`no script may be loaded from ${url}`);
    return url;
  },
};
const factory = (globalThis as { trustedTypes?: TrustedTypesFactory }).trustedTypes;
const scripts = factory?.createPolicy("facet-scripts", rules) ?? rules;

/** Reads the link and removes it from the address bar and the history, before anything else can see it. */
function takeLink(): Held | null {
  const path = location.pathname;
  if (path !== "/authorize" && path !== "/receive") return null;
  const words = location.hash.slice(1) || location.search.slice(1);
  if (!words) return null;
  history.replaceState(null, "", path);
  return { path, params: new URLSearchParams(words) };
}

const held = takeLink();
const app = document.querySelector<App>("facet-app")!;
const start = () => new Engine(new Worker(scripts.createScriptURL(WORKER), { type: "module", name: "engine" }));

// The same page opened again by another link: the address changes, the page
// does not load. Heard before the app hears that the address changed, and
// instead of it, or it would find a page without its link.
window.addEventListener("popstate", (event) => {
  const next = takeLink();
  if (!next) return;
  event.stopImmediatePropagation();
  app.arrive(next);
});
app.begin(start, new Host(), held);

if ("serviceWorker" in navigator) {
  void navigator.serviceWorker.register(scripts.createScriptURL(SERVICE_WORKER), { type: "module", scope: "/" }).catch(() => {
    // Without it the wallet works, only not offline.
  });
}
