// A wallet on @openid4vc/openid4vp, dcql and @sd-jwt/sd-jwt-vc that knows of
// Facet nothing but the link it is given. A Go test drives it and tells it in
// what way to misbehave.
import dns from "node:dns";
import { createHash, randomBytes, X509Certificate } from "node:crypto";
import { setGlobalConfig } from "@openid4vc/oauth2";
import { Openid4vpClient } from "@openid4vc/openid4vp";
import { SDJwtVcInstance } from "@sd-jwt/sd-jwt-vc";
import { DcqlQuery } from "dcql";
import { CompactEncrypt, importJWK } from "jose";
import { hasher, newKey, publicJWK, signWith, verifyWith } from "./crypto.mjs";
import { serve } from "./lines.mjs";

setGlobalConfig({ allowInsecureUrls: true }); // the demo speaks http on this machine

// *.localhost is this machine (RFC 6761 §6.3); not every system resolver knows.
const lookup = dns.lookup;
dns.lookup = (host, ...rest) => lookup(host.endsWith(".localhost") ? "localhost" : host, ...rest);

const holder = newKey();
const thief = newKey();
let anchor; // the register of verifiers this wallet trusts
let tamper = (jwt) => jwt; // what happens to a request object on its way here
let asked; // the request resolved last

// x5c is a leaf under the anchor, or the leaf and what leads to it.
function trusted(x5c) {
  const chain = [...x5c.map((der) => new X509Certificate(Buffer.from(der, "base64"))), anchor];
  for (let i = 0; i + 1 < chain.length; i++) {
    if (!chain[i].checkIssued(chain[i + 1]) || !chain[i].verify(chain[i + 1].publicKey)) throw new Error("certificate chain is not trusted");
    if (Date.now() > Date.parse(chain[i].validTo)) throw new Error("certificate has expired");
  }
  return chain[0].publicKey;
}

const client = new Openid4vpClient({
  callbacks: {
    fetch: async (url, init) => {
      const response = await fetch(url, init);
      if (!response.headers.get("content-type")?.startsWith("application/oauth-authz-req+jwt")) return response;
      return new Response(tamper(await response.text()), { status: response.status, headers: response.headers });
    },
    hash: (data, alg) => createHash(alg.replace("-", "")).update(data).digest(),
    verifyJwt: (signer, { compact }) => {
      if (signer.method !== "x5c" || signer.alg !== "ES256") throw new Error(`signed by ${signer.method} with ${signer.alg}`);
      const key = trusted(signer.x5c);
      const at = compact.lastIndexOf(".");
      return { verified: verifyWith(key)(compact.slice(0, at), compact.slice(at + 1)), signerJwk: key.export({ format: "jwk" }) };
    },
    getX509CertificateMetadata: (der) => {
      const names = (new X509Certificate(Buffer.from(der, "base64")).subjectAltName ?? "").split(", ");
      const of = (kind) => names.filter((n) => n.startsWith(kind)).map((n) => n.slice(kind.length));
      return { sanDnsNames: of("DNS:"), sanUriNames: of("URI:") };
    },
    encryptJwe: async ({ publicJwk, alg, enc, apu, apv }, data) => {
      const party = (text) => new Uint8Array(Buffer.from(text, "base64url"));
      const jwe = await new CompactEncrypt(new TextEncoder().encode(data))
        .setProtectedHeader({ alg, enc, kid: publicJwk.kid })
        .setKeyManagementParameters({ ...(apu && { apu: party(apu) }), ...(apv && { apv: party(apv) }) })
        .encrypt(await importJWK(publicJwk, alg));
      return { jwe, encryptionJwk: publicJwk };
    },
    decryptJwe: () => ({ decrypted: false }),
    signJwt: () => { throw new Error("this wallet signs no response"); },
  },
});

const edit = (jwt, part, change) => {
  const parts = jwt.split(".");
  const object = JSON.parse(Buffer.from(parts[part], "base64url"));
  change(object);
  parts[part] = Buffer.from(JSON.stringify(object)).toString("base64url");
  return parts.join(".");
};

// What may be done to a request object, or to the link.
const onRequest = {
  "": (jwt) => jwt,
  "signature changed": (jwt) => jwt.slice(0, -8) + (jwt.at(-8) === "A" ? "B" : "A") + jwt.slice(-7),
  "answer to another address": (jwt) => edit(jwt, 1, (p) => { p.response_uri = "http://evil.localhost/collect"; }),
  "asks for more": (jwt) => edit(jwt, 1, (p) => { delete p.dcql_query.credentials[0].claims; }),
  "another encryption key": (jwt) => edit(jwt, 1, (p) => { p.client_metadata.jwks.keys[0] = { ...p.client_metadata.jwks.keys[0], ...publicJWK(thief) }; }),
  "typ of another token": (jwt) => edit(jwt, 0, (h) => { h.typ = "JWT"; }),
  "alg none": (jwt) => edit(jwt, 0, (h) => { h.alg = "none"; }).replace(/[^.]*$/, ""),
};

// What a hostile wallet may change of its answer.
const onClaims = {
  "nonce of another request": (kb) => ({ ...kb, nonce: randomBytes(16).toString("base64url") }),
  "audience of another verifier": (kb) => ({ ...kb, aud: "x509_hash:" + randomBytes(32).toString("base64url") }),
  "bound an hour ago": (kb) => ({ ...kb, iat: kb.iat - 3600 }),
};
const onPresentation = {
  "disclosure dropped": (sd) => sd.split("~").toSpliced(1, 1).join("~"),
  "disclosure forged": (sd) => {
    const parts = sd.split("~");
    const disclosure = JSON.parse(Buffer.from(parts[1], "base64url"));
    disclosure[disclosure.length - 1] = true;
    disclosure[0] += "x";
    parts[1] = Buffer.from(JSON.stringify(disclosure)).toString("base64url");
    return parts.join("~");
  },
  "key binding dropped": (sd) => sd.slice(0, sd.lastIndexOf("~") + 1),
  "issuer signature changed": (sd) => sd.replace(/\.([^.~]*)~/, (_, s) => `.${s.slice(0, -8)}${s.at(-8) === "A" ? "B" : "A"}${s.slice(-7)}~`),
};
const onToken = {
  "answers what was not asked": (token) => ({ ...token, more: Object.values(token)[0] }),
  "answers twice": (token) => Object.fromEntries(Object.entries(token).map(([id, [sd]]) => [id, [sd, sd]])),
  "answers another query": (token) => ({ other: Object.values(token)[0] }),
};

// matches evaluates the query over the credential: id and paths to show.
function matches(credential, claims) {
  const query = DcqlQuery.parse(asked.dcql.query);
  DcqlQuery.validate(query);
  const held = { credential_format: "dc+sd-jwt", vct: claims.vct, claims, cryptographic_holder_binding: true };
  const result = DcqlQuery.query(query, [held]);
  if (!result.can_be_satisfied) return undefined;
  const [id] = Object.entries(result.credential_matches).find(([, match]) => match.success);
  return { id, paths: query.credentials.find((c) => c.id === id).claims.map((c) => c.path) };
}

const frameOf = (paths) => {
  const frame = {};
  for (const path of paths) path.reduce((at, step, i) => (at[step] ??= i + 1 < path.length ? {} : true), frame);
  return frame;
};

let sent; // the body posted last

async function send(body) {
  sent = body;
  const response = await fetch(asked.authorizationRequestPayload.response_uri, {
    method: "POST", body: new URLSearchParams(body), headers: { "Content-Type": "application/x-www-form-urlencoded" },
  });
  return { status: response.status, body: await response.json() };
}

await serve({
  keys: () => ({ holder: publicJWK(holder) }),

  trust: ({ der }) => { anchor = new X509Certificate(Buffer.from(der, "base64")); return true; },

  // url: the link a platform offers; twist: what was done to the request.
  resolve: async ({ url, twist = "" }) => {
    asked = undefined;
    tamper = onRequest[twist] ?? onRequest[""];
    const params = new URLSearchParams(new URL(url).hash.slice(1));
    if (twist === "link of another asker") params.set("client_id", "x509_hash:" + randomBytes(32).toString("base64url"));
    const parsed = client.parseOpenid4vpAuthorizationRequest({ authorizationRequest: `openid4vp://authorize?${params}` });
    asked = await client.resolveOpenId4vpAuthorizationRequest({ authorizationRequestPayload: parsed.params });
    const { client_id, response_mode, nonce, dcql_query } = asked.authorizationRequestPayload;
    return { client_id, prefix: asked.client.prefix, version: asked.version, response_mode, nonce, queries: dcql_query.credentials.map((c) => c.id) };
  },

  // Answers the request resolved last with the credential, or says that the
  // query is not met.
  answer: async ({ credential, twist = "" }) => {
    const request = asked.authorizationRequestPayload;
    const key = twist === "bound by another key" ? thief : holder;
    const wallet = new SDJwtVcInstance({ hasher, kbSignAlg: "ES256", kbSigner: signWith(key.privateKey) });
    const found = matches(credential, await wallet.getClaims(credential));
    if (!found) return { unmet: true };
    const kb = { nonce: request.nonce, aud: request.client_id, iat: Math.floor(Date.now() / 1000) };
    const shown = twist === "shows more than was asked" ? undefined : frameOf(found.paths);
    let presentation = await wallet.present(credential, shown, { kb: { payload: onClaims[twist]?.(kb) ?? kb } });
    presentation = onPresentation[twist]?.(presentation) ?? presentation;
    const vp_token = onToken[twist]?.({ [found.id]: [presentation] }) ?? { [found.id]: [presentation] };
    if (twist === "not encrypted") return send({ vp_token: JSON.stringify(vp_token), state: request.state });
    const made = await client.createOpenid4vpAuthorizationResponse({
      authorizationRequestPayload: twist === "state of another request" ? { ...request, state: randomBytes(16).toString("base64url") } : request,
      authorizationResponsePayload: { vp_token },
      jarm: {
        encryption: { nonce: randomBytes(16).toString("base64url"), ...(twist === "encrypted to another key" && { jwk: { ...publicJWK(thief), alg: "ECDH-ES", kid: request.client_metadata.jwks.keys[0].kid } }) },
        serverMetadata: { authorization_signing_alg_values_supported: [], authorization_encryption_alg_values_supported: ["ECDH-ES"], authorization_encryption_enc_values_supported: ["A256GCM"] },
      },
    });
    if (twist !== "") return send({ response: made.jarm.responseJwt });
    sent = { response: made.jarm.responseJwt };
    const { response } = await client.submitOpenid4vpAuthorizationResponse({ authorizationRequestPayload: request, ...made });
    return { status: response.status, body: await response.json() };
  },

  // Posts the last body again, to whoever was asked by last.
  resend: () => send(sent),
});
