// ES256 for the peers, which bring none: all of them take it as callbacks.
import { createHash, createPublicKey, generateKeyPairSync, sign, verify } from "node:crypto";

const hashes = { "sha-256": "sha256", "sha-384": "sha384", "sha-512": "sha512", "sha3-256": "sha3-256" };

export const hasher = (data, alg) => {
  if (!hashes[alg]) throw new Error(`no hash ${alg} here`);
  return createHash(hashes[alg]).update(typeof data === "string" ? data : new Uint8Array(data)).digest();
};

export const newKey = () => generateKeyPairSync("ec", { namedCurve: "P-256" });

export const publicJWK = (pair) => {
  const { kty, crv, x, y } = pair.publicKey.export({ format: "jwk" });
  return { kty, crv, x, y };
};

export const signWith = (key) => (data) => sign("sha256", Buffer.from(data), { key, dsaEncoding: "ieee-p1363" }).toString("base64url");

// key: a KeyObject, or a public JWK.
export const verifyWith = (key) => (data, signature) =>
  verify("sha256", Buffer.from(data), { key: key.kty ? createPublicKey({ key, format: "jwk" }) : key, dsaEncoding: "ieee-p1363" }, Buffer.from(signature, "base64url"));
