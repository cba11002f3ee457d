// Passkeys. WebAuthn lives in the window; workers have none. The PRF output
// that opens the vault goes to the worker and nowhere else: in particular
// credential.toJSON(), which contains it, is never called.

import { EngineError, type Opener } from "./engine";
import type { Assertion, Attestation, Host, RequestOptions } from "./host";

/** One constant input for every vault: it cannot depend on anything that is known only after sign-in. */
const PRF_INPUT = new TextEncoder().encode("facet vault 1");

/** This passkey cannot open a vault: it does not answer the PRF extension. */
export class NoPRF extends EngineError {
  constructor() {
    super("prf_missing");
  }
}

/** Whether this browser can make passkeys at all. */
export function available(): boolean {
  return typeof PublicKeyCredential === "function" && typeof navigator.credentials?.create === "function";
}

/**
 * Makes a passkey and signs in with it. The PRF must give the same output
 * twice before anything is sealed with it: some platforms have lost it.
 */
export async function create(host: Host): Promise<Opener> {
  const made = await register(host, false);
  const first = made.prf || (await open(host)).prf;
  return same(made.id, first, await open(host));
}

/** Makes another passkey for the account that is signed in. One that cannot open a vault is removed again. */
export async function add(host: Host): Promise<Opener> {
  const made = await register(host, true);
  try {
    const first = made.prf || opener(await get(alone(made.id))).prf;
    return same(made.id, first, opener(await get(alone(made.id))));
  } catch (err) {
    await discard(host, made.id);
    throw err;
  }
}

/** Removes a passkey from the host that was made in vain. If that fails it opens nothing anyway. */
export async function discard(host: Host, credentialId: string): Promise<void> {
  await host.removePasskey(credentialId).catch(() => undefined);
}

/** Signs in with any passkey of this wallet and returns what opens the vault. Without a network nobody is signed in. */
export async function open(host: Host): Promise<Opener> {
  let begun: RequestOptions;
  try {
    begun = await host.loginBegin();
  } catch (err) {
    if (err instanceof EngineError && err.reason === "network") return opener(await get(alone()));
    throw err;
  }
  const { challenge, timeout, rpId } = begun.publicKey;
  const got = await get({ challenge: decode(challenge), timeout, rpId });
  await host.loginFinish(assertion(got));
  return opener(got);
}

interface Registered {
  id: string;
  /** Where the authenticator gives it when a passkey is made; else empty. */
  prf: string;
}

async function register(host: Host, another: boolean): Promise<Registered> {
  const { publicKey: o } = await host.registerBegin(another);
  const made = await prompt(() =>
    navigator.credentials.create({
      publicKey: {
        ...o,
        challenge: decode(o.challenge),
        user: { ...o.user, id: decode(o.user.id) },
        excludeCredentials: o.excludeCredentials?.map((c) => ({ ...c, id: decode(c.id) })),
        authenticatorSelection: { ...o.authenticatorSelection, residentKey: "required", requireResidentKey: true, userVerification: "required" },
        extensions: { prf: { eval: { first: PRF_INPUT } } },
      },
    }),
  );
  const { prf } = made.getClientExtensionResults();
  if (prf?.enabled !== true) throw new NoPRF();
  await host.registerFinish(attestation(made));
  return { id: encode(made.rawId), prf: prf.results ? encode(prf.results.first) : "" };
}

function same(id: string, first: string, second: Opener): Opener {
  if (second.credentialId !== id || second.prf !== first) throw new EngineError("prf_unstable");
  return second;
}

/** Asks without the host: nobody looks at the challenge, only at what opens the vault. */
function alone(credentialId?: string): PublicKeyCredentialRequestOptions {
  return {
    challenge: crypto.getRandomValues(new Uint8Array(32)),
    rpId: location.hostname,
    allowCredentials: credentialId ? [{ type: "public-key", id: decode(credentialId) }] : [],
  };
}

function get(options: PublicKeyCredentialRequestOptions): Promise<PublicKeyCredential> {
  return prompt(() =>
    navigator.credentials.get({ publicKey: { ...options, userVerification: "required", extensions: { prf: { eval: { first: PRF_INPUT } } } } }),
  );
}

function opener(got: PublicKeyCredential): Opener {
  const output = got.getClientExtensionResults().prf?.results?.first;
  if (!output) throw new NoPRF();
  return { credentialId: encode(got.rawId), prf: encode(output) };
}

function attestation(made: PublicKeyCredential): Attestation {
  const r = made.response as AuthenticatorAttestationResponse;
  return {
    id: made.id,
    rawId: encode(made.rawId),
    type: "public-key",
    response: {
      clientDataJSON: encode(r.clientDataJSON),
      attestationObject: encode(r.attestationObject),
      transports: r.getTransports(),
    },
  };
}

function assertion(got: PublicKeyCredential): Assertion {
  const r = got.response as AuthenticatorAssertionResponse;
  return {
    id: got.id,
    rawId: encode(got.rawId),
    type: "public-key",
    response: {
      clientDataJSON: encode(r.clientDataJSON),
      authenticatorData: encode(r.authenticatorData),
      signature: encode(r.signature),
      userHandle: r.userHandle ? encode(r.userHandle) : "",
    },
  };
}

async function prompt(ask: () => Promise<Credential | null>): Promise<PublicKeyCredential> {
  if (!available()) throw new EngineError("passkey_unavailable");
  try {
    const credential = await ask();
    if (credential instanceof PublicKeyCredential) return credential;
  } catch (err) {
    const name = err instanceof DOMException ? err.name : "";
    if (name === "InvalidStateError") throw new EngineError("passkey_exists");
    if (name !== "NotAllowedError" && name !== "AbortError") throw new EngineError("passkey_failed");
  }
  throw new EngineError("passkey_cancelled");
}

/** Canonical base64url without padding. */
export function encode(bytes: BufferSource): string {
  const view = bytes instanceof ArrayBuffer ? new Uint8Array(bytes) : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return btoa(String.fromCharCode(...view)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function decode(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
}
