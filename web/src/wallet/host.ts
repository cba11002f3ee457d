// Talks to the wallet's own host: passkeys, sign-in, sign-out. The host holds
// the sealed vault and never what opens it, so every message is built by hand,
// field by field.

import { EngineError } from "./engine";

/** A copy of what the host's server sends for navigator.credentials.create(). */
export interface CreationOptions {
  publicKey: {
    challenge: string;
    rp: { id: string; name: string };
    user: { id: string; name: string; displayName: string };
    pubKeyCredParams: { type: "public-key"; alg: number }[];
    timeout?: number;
    excludeCredentials?: { type: "public-key"; id: string; transports?: AuthenticatorTransport[] }[];
    authenticatorSelection?: AuthenticatorSelectionCriteria;
    attestation?: AttestationConveyancePreference;
  };
}

/** The same for navigator.credentials.get(). */
export interface RequestOptions {
  publicKey: {
    challenge: string;
    timeout?: number;
    rpId?: string;
    userVerification?: UserVerificationRequirement;
    allowCredentials?: { type: "public-key"; id: string }[];
  };
}

/** What a new passkey says to the host. There is no field for extension results on purpose. */
export interface Attestation {
  id: string;
  rawId: string;
  type: "public-key";
  response: { clientDataJSON: string; attestationObject: string; transports: string[] };
}

/** What a sign-in says to the host. There is no field for extension results on purpose. */
export interface Assertion {
  id: string;
  rawId: string;
  type: "public-key";
  response: { clientDataJSON: string; authenticatorData: string; signature: string; userHandle: string };
}

export interface HostConfig {
  insecure_loopback?: boolean;
}

export class Host {
  config = () => this.#send<HostConfig>("GET", "/api/config");
  registerBegin = (add: boolean) => this.#send<CreationOptions>("POST", "/api/passkey/register/begin", { add });
  registerFinish = (a: Attestation) => this.#send<unknown>("POST", "/api/passkey/register/finish", a);
  loginBegin = () => this.#send<RequestOptions>("POST", "/api/passkey/login/begin", {});
  loginFinish = (a: Assertion) => this.#send<unknown>("POST", "/api/passkey/login/finish", a);
  removePasskey = (id: string) => this.#send<unknown>("DELETE", `/api/passkey/${encodeURIComponent(id)}`);
  logout = () => this.#send<unknown>("POST", "/api/logout", {});
  deleteVault = () => this.#send<unknown>("DELETE", "/api/vault");

  async #send<T>(method: string, path: string, body?: unknown): Promise<T> {
    let answer: Response;
    try {
      answer = await fetch(path, {
        method,
        credentials: "same-origin",
        redirect: "error",
        headers: body === undefined ? {} : { "Content-Type": "application/json" },
        body: body === undefined ? undefined : JSON.stringify(body),
      });
    } catch {
      throw new EngineError("network");
    }
    const text = await answer.text();
    let value: unknown = null;
    try {
      value = text ? JSON.parse(text) : null;
    } catch {
      throw new EngineError("host_answer");
    }
    if (!answer.ok) {
      const code = (value as { code?: unknown } | null)?.code;
      throw new EngineError(typeof code === "string" ? code : "host_refused");
    }
    return value as T;
  }
}
