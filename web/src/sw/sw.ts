// The service worker: the wallet opens without a network, from files whose
// hashes were built in, and a request that arrives as a query never reaches
// the host: it becomes a fragment here.

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
const urls = new Set(files.map((file) => file.url));

/** A new build is a new cache; the old one goes when this worker takes over. */
const CACHE = `facet ${files.map((file) => file.integrity.slice(-12)).join(" ")}`;
const SHELL = "/";

/** Pages other sites open the wallet with. */
const doors = new Set(["/authorize", "/receive"]);

scope.addEventListener("install", (event) => event.waitUntil(fill().then(() => scope.skipWaiting())));
scope.addEventListener("activate", (event) => event.waitUntil(clean().then(() => scope.clients.claim())));
scope.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== location.origin) return;
  if (event.request.mode === "navigate") event.respondWith(page(url, event.request));
  else if (urls.has(url.pathname)) event.respondWith(asset(event.request, url.pathname));
});

async function fill(): Promise<void> {
  const cache = await caches.open(CACHE);
  await Promise.all(
    files.map(async ({ url, integrity }) => cache.put(url, await fetch(url, { integrity, credentials: "omit" }))), // one wrong byte: no install
  );
  const shell = await fetch(SHELL, { cache: "no-cache", credentials: "omit" });
  if (shell.ok) await cache.put(SHELL, shell);
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
    return (await caches.match(SHELL, { cacheName: CACHE })) ?? Response.error();
  }
}

async function asset(request: Request, path: string): Promise<Response> {
  return (await caches.match(path, { cacheName: CACHE })) ?? fetch(request);
}
