// Passkeys. WebAuthn lives in the window; workers have none. The PRF output
// that opens the vault goes to the worker and nowhere else: in particular
// credential.toJSON(), which contains it, is never called.

import { EngineError } from "./engine";
import type { Assertion, Attestation, Host } from "./host";

/** One constant input for every vault: it cannot depend on anything that is known only after sign-in. */
const PRF_INPUT = new TextEncoder().encode("facet vault 1");

/** What opens a vault. */
export interface Opener {
  credentialId: string;
  /** 32 bytes, base64url. */
  prf: string;
}

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
  const { publicKey: o } = await host.registerBegin();
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

  const first = prf.results ? encode(prf.results.first) : (await open(host)).prf;
  const second = await open(host);
  if (second.credentialId !== encode(made.rawId) || second.prf !== first) throw new EngineError("prf_unstable");
  return second;
}

/** Signs in with any passkey of this wallet and returns what opens the vault. */
export async function open(host: Host): Promise<Opener> {
  const { publicKey: o } = await host.loginBegin();
  const got = await prompt(() =>
    navigator.credentials.get({
      publicKey: {
        challenge: decode(o.challenge),
        timeout: o.timeout,
        rpId: o.rpId,
        userVerification: "required",
        extensions: { prf: { eval: { first: PRF_INPUT } } },
      },
    }),
  );
  await host.loginFinish(assertion(got));
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
