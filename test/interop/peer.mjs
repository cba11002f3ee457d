// One SD-JWT VC issuer, holder and verifier on @sd-jwt/sd-jwt-vc, driven by a
// Go test: one JSON object per line in, one per line out, in the same order.
// The private keys are made here and never leave.
import { createHash, createPublicKey, generateKeyPairSync, randomBytes, sign, verify } from "node:crypto";
import { createInterface } from "node:readline";
import { SDJwtVcInstance } from "@sd-jwt/sd-jwt-vc";

const hashes = { "sha-256": "sha256", "sha-384": "sha384", "sha-512": "sha512", "sha3-256": "sha3-256" };

const hasher = (data, alg) => {
  if (!hashes[alg]) throw new Error(`no hash ${alg} here`);
  return createHash(hashes[alg]).update(typeof data === "string" ? data : new Uint8Array(data)).digest();
};

const newKey = () => generateKeyPairSync("ec", { namedCurve: "P-256" });
const signWith = (key) => (data) => sign("sha256", Buffer.from(data), { key, dsaEncoding: "ieee-p1363" }).toString("base64url");
const verifyWith = (jwk) => (data, signature) =>
  verify("sha256", Buffer.from(data), { key: createPublicKey({ key: jwk, format: "jwk" }), dsaEncoding: "ieee-p1363" }, Buffer.from(signature, "base64url"));

const issuer = newKey();
const holder = newKey();
const publicJWK = (pair) => {
  const { kty, crv, x, y } = pair.publicKey.export({ format: "jwk" });
  return { kty, crv, x, y };
};

const operations = {
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
};

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  let answer;
  try {
    const { op, ...params } = JSON.parse(line);
    answer = { result: await operations[op](params) };
  } catch (e) {
    answer = { error: String(e.message ?? e).slice(0, 300) };
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
}
