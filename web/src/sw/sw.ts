// The service worker: the wallet opens without a network, from files whose
// hashes were built in and are compared again whenever one leaves the cache, and
// a request that arrives as a query never reaches the host: it becomes a
// fragment here.

import { assets } from "facet:assets";

interface Extendable extends Event {
  waitUntil(done: Promise<unknown>): void;
}

interface Fetching extends Extendable {
  readonly request: Request;
  respondWith(answer: Promise<Response> | Response): void;
}

interface Scope {
  addEventListener(type: "install" | "activate", listener: (event: Extendable) => void): void;
  addEventListener(type: "fetch", listener: (event: Fetching) => void): void;
  skipWaiting(): Promise<void>;
  readonly clients: { claim(): Promise<void> };
}

const scope = globalThis as unknown as Scope;

/** The files of the wallet; other pages' files stay out of the cache. */
const files = ["wallet.js", "wallet.css", "worker.js", "engine.wasm"].flatMap((name) => assets[name] ?? []);
const byURL = new Map(files.map((file) => [file.url, file.integrity]));

/** The browser itself compares the engine's hash, while it compiles it: no second time. */
const engine = assets["engine.wasm"]?.url;

/** A new build is a new cache; the old one goes when this worker takes over. */
const SHELL = "/";
const shell = assets["wallet.html"]?.integrity ?? "";
const CACHE = `facet ${[shell, ...byURL.values()].map((integrity) => integrity.slice(-12)).join(" ")}`;

/** Pages other sites open the wallet with. */
const doors = new Set(["/authorize", "/receive"]);

scope.addEventListener("install", (event) => event.waitUntil(fill().then(() => scope.skipWaiting())));
scope.addEventListener("activate", (event) => event.waitUntil(clean().then(() => scope.clients.claim())));
scope.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== location.origin) return;
  if (event.request.mode === "navigate") event.respondWith(page(url, event.request));
  else if (byURL.has(url.pathname)) event.respondWith(asset(url.pathname));
});

async function fill(): Promise<void> {
  const cache = await caches.open(CACHE);
  await Promise.all(
    files.map(async ({ url, integrity }) => cache.put(url, await fetch(url, { integrity, credentials: "omit" }))), // one wrong byte: no install
  );
  await cache.put(SHELL, await fetch(SHELL, { integrity: shell, cache: "no-cache", credentials: "omit" }));
}

async function clean(): Promise<void> {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith("facet ") && name !== CACHE).map((name) => caches.delete(name)));
}

/** A page: from the host when it is there, so that a new build is never missed; else the shell. */
async function page(url: URL, request: Request): Promise<Response> {
  if (doors.has(url.pathname) && url.search.length > 1) {
    return Response.redirect(`${url.origin}${url.pathname}#${url.search.slice(1)}`, 302);
  }
  try {
    return await fetch(request);
  } catch {
    return (await cached(SHELL, shell)) ?? Response.error();
  }
}

/** A file from the cache; if it is missing or was changed there, from the host, with its hash. */
async function asset(path: string): Promise<Response> {
  const integrity = byURL.get(path) ?? "";
  const kept = path === engine ? await caches.match(path, { cacheName: CACHE }) : await cached(path, integrity);
  return kept ?? fetch(path, { integrity, credentials: "omit" });
}

/** What the cache holds, if that is still what was built. */
async function cached(path: string, integrity: string): Promise<Response | undefined> {
  const kept = await caches.match(path, { cacheName: CACHE });
  if (!kept) return undefined;
  const sum = await crypto.subtle.digest("SHA-384", await kept.clone().arrayBuffer());
  return `sha384-${btoa(String.fromCharCode(...new Uint8Array(sum)))}` === integrity ? kept : undefined;
}
