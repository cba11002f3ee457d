// From anything thrown to a code, and from a code to a sentence for a person.

import { EngineError } from "./engine";
import { isKey, type Key, type Words } from "../texts/index";

export function reasonOf(err: unknown): string {
  return err instanceof EngineError ? err.reason : "other";
}

/** Codes without a sentence of their own share one with their family; the first that fits counts. */
const families: [RegExp, Key][] = [
  [/^cert_|^crl_/, "error.family.cert"],
  [/^vault_|^record_/, "error.family.vault"],
  [/^(jar|client|request|response|dcql|query|policy|redirect_uri|nonce|wallet_nonce|state|verifier|transaction_data|parameter)_/, "error.family.request"],
  [/^(sdjwt|kb|status|type_metadata|vct|credential|c_nonce|token|proof|metadata|issuer|offer|batch|holder|claim)_/, "error.family.proof"],
  [/^(jose|jwe|jwk|json)_|^size_limit$|^malformed$/, "error.family.form"],
  [/^(passkey|webauthn|prf)_/, "error.passkey_failed"],
];

export function sentence(w: Words, reason: string): string {
  const own = `error.${reason}`;
  if (isKey(own)) return w.t(own);
  const family = families.find(([codes]) => codes.test(reason));
  return w.t(family ? family[1] : "error.other");
}
