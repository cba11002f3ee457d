// Answers that the browser itself carries: through the Digital Credentials API
// (OpenID4VP App. A), where it chooses the app and hands over what comes, or in
// the fragment of the address a wallet leads back to (§5.6). This page cannot
// judge either; it gives them to the site's own server, which asks the verifier.

import { stageOf, type Begun, type Stage } from "./exchange";

interface Api {
  userAgentAllowsProtocol?(protocol: string): boolean;
}

interface DigitalCredential extends Credential {
  readonly protocol: string;
  readonly data: unknown;
}

/** Whether this browser has the API at all; whether any app would answer is not for a page to know. */
export function hasDigital(): boolean {
  return isSecureContext && typeof api() === "function" && typeof navigator.credentials?.get === "function";
}

const api = () => (globalThis as { DigitalCredential?: Api }).DigitalCredential;

/** How asking the browser ended: an answer, the person's no (or nobody to ask, which looks the same), or a browser that will not. */
export type Asked = { protocol: string; data: unknown } | "closed" | "unusable";

/** Has the browser ask. It wants a person's tap, shortly before. */
export async function askBrowser(begun: Begun, signal: AbortSignal): Promise<Asked> {
  const allows = (protocol: string) => api()?.userAgentAllowsProtocol?.(protocol) ?? true;
  const requests = (begun.digital?.requests ?? []).filter((r) => allows(r.protocol));
  if (!requests.length) return "unusable";
  try {
    const options = { digital: { requests }, mediation: "required", signal } as CredentialRequestOptions;
    const got = (await navigator.credentials.get(options)) as DigitalCredential | null;
    return got ? { protocol: got.protocol, data: got.data } : "closed";
  } catch (err) {
    const name = err instanceof Error ? err.name : "";
    return name === "NotAllowedError" || name === "AbortError" ? "closed" : "unusable";
  }
}

/** Hands an answer to the site's server, which says where the request stands now. */
export async function handOver(url: string, body: { id: string; protocol: string; data: unknown } | { fragment: string }): Promise<{ stage: Stage; code: string }> {
  try {
    const answer = await fetch(url, {
      method: "POST",
      credentials: "same-origin",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify(body),
    });
    const value = (await answer.json().catch(() => null)) as { state?: unknown; code?: unknown } | null;
    const stage = answer.ok && typeof value?.state === "string" ? stageOf(value.state) : undefined;
    if (stage) return { stage, code: "" };
    return { stage: "error", code: typeof value?.code === "string" ? value.code : `http_${answer.status}` };
  } catch {
    return { stage: "error", code: "network" };
  }
}

/**
 * For the page a wallet leads back to in fragment mode: takes the answer out of the address, before anything else
 * can read it or the history keeps it, and hands it over. Null: there was none.
 */
export async function takeFragment(url: string): Promise<Stage | null> {
  const fragment = location.hash.slice(1);
  if (!/(^|&)(vp_token|response|error)=/.test(fragment)) return null;
  history.replaceState(history.state, "", location.pathname + location.search);
  return (await handOver(url, { fragment })).stage;
}
