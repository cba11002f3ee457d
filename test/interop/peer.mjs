// One SD-JWT VC issuer, holder and verifier on @sd-jwt/sd-jwt-vc, driven by a
// Go test. The private keys are made here and never leave.
import { randomBytes } from "node:crypto";
import { SDJwtVcInstance } from "@sd-jwt/sd-jwt-vc";
import { hasher, newKey, publicJWK, signWith, verifyWith } from "./crypto.mjs";
import { serve } from "./lines.mjs";

const issuer = newKey();
const holder = newKey();

await serve({
  // The public keys, so that the other side can bind and verify.
  keys: () => ({ issuer: publicJWK(issuer), holder: publicJWK(holder) }),

  // claims: what to say; frame: what of it the holder may hide; hash: _sd_alg;
  // payload: the registered claims; header: further members of the header.
  issue: ({ claims, frame, hash, payload, header }) =>
    new SDJwtVcInstance({ hasher, hashAlg: hash, signAlg: "ES256", signer: signWith(issuer.privateKey), saltGenerator: (n) => randomBytes(n).toString("base64url") })
      .issue({ ...payload, ...claims }, frame, { header }),

  // frame: what to show; kb: the claims of the key binding JWT. With twoSteps
  // the binding is made after the selection, which the library's own way cannot
  // always do (README: "present works once").
  present: async ({ credential, frame, kb, twoSteps }) => {
    const holding = new SDJwtVcInstance({ hasher, kbSignAlg: "ES256", kbSigner: signWith(holder.privateKey) });
    if (!twoSteps) return holding.present(credential, frame, { kb: { payload: kb } });
    const selected = await holding.present(credential, frame);
    const payload = JSON.parse(Buffer.from(selected.split(".")[1], "base64url"));
    const hash = Buffer.from(hasher(selected, payload._sd_alg ?? "sha-256")).toString("base64url");
    return selected + (await holding.createKBJwt({ payload: kb }, hash)).encodeJwt();
  },

  // The library checks nonce and sd_hash; aud is left to its caller, which is us.
  verify: async ({ presentation, key, nonce, aud, now }) => {
    const verifier = new SDJwtVcInstance({
      hasher,
      verifier: verifyWith(key),
      kbVerifier: (data, signature, payload) => verifyWith(payload.cnf.jwk)(data, signature),
    });
    const { payload, kb } = await verifier.verify(presentation, { keyBindingNonce: nonce, skewSeconds: 60, currentDate: now });
    if (nonce !== undefined && kb.payload.aud !== aud) throw new Error("aud is another verifier's");
    return payload;
  },
});
