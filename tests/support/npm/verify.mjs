// Reads requests of tests from stdin, one JSON object a line, answers each with one.
//
// {do: "verify", library, token, jwk, now}  -> {payload}      whole payload, all digests resolved
// {do: "issue", claims, frame, header, jwk} -> {token}        @sd-jwt/core's disclosure frame; jwk is private
// {do: "present", token, frame}             -> {token}        cut to the presentation frame, by @sd-jwt/core
// Any of them                               -> {error: text}
//
// library: "@sd-jwt/core" or "@iota/identity-wasm"; now: seconds. Started with one
// argument, the folder whose node_modules holds both.

import { createHash, randomBytes, createPrivateKey, createPublicKey, sign, verify } from "node:crypto";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(`${process.argv[2]}/`);
const { SDJwtInstance } = require("@sd-jwt/core");
// Not by its entry, which loads a ledger's client besides.
const iota = require("@iota/identity-wasm/node/identity_wasm.js");

class SDJwt extends SDJwtInstance {
  type = "sd-jwt";
}

const shared = {
  hasher: (data, alg) => {
    if (alg !== "sha-256") throw new Error(`hash ${alg}`);
    return createHash("sha256").update(Buffer.from(data)).digest();
  },
  hashAlg: "sha-256",
  saltGenerator: () => randomBytes(16).toString("base64url"),
};

// The key says which algorithm it is; @sd-jwt/crypto-nodejs has no Ed25519.
const algorithms = {
  Ed25519: { alg: "EdDSA", hash: null, form: {} },
  "P-256": { alg: "ES256", hash: "sha256", form: { dsaEncoding: "ieee-p1363" } },
};

function verifierOf(jwk) {
  const { alg, hash, form } = algorithms[jwk.crv];
  const key = { key: createPublicKey({ key: jwk, format: "jwk" }), ...form };
  return (data, signature) => {
    const header = JSON.parse(Buffer.from(data.split(".")[0], "base64url"));
    if (header.alg !== alg) throw new Error("algorithm of another key");
    return verify(hash, Buffer.from(data), key, Buffer.from(signature, "base64url"));
  };
}

const verifiers = {
  "@sd-jwt/core": async ({ token, jwk, now }) => {
    const reader = new SDJwt({ ...shared, verifier: verifierOf(jwk) });
    return (await reader.verify(token, { currentDate: now })).payload;
  },

  "@iota/identity-wasm": ({ token, jwk }) => {
    const jwt = token.split("~", 1)[0];
    const dot = jwt.lastIndexOf(".");
    const { alg } = algorithms[jwk.crv];
    const check = jwk.crv === "P-256" ? new iota.EcDSAJwsVerifier() : new iota.EdDSAJwsVerifier();
    const signature = Buffer.from(jwt.slice(dot + 1), "base64url");
    check.verify(alg, Buffer.from(jwt.slice(0, dot)), signature, new iota.Jwk({ ...jwk, alg }));
    const { _sd_alg, ...payload } = plain(iota.SdJwtV2.parse(token).intoDisclosedObject());
    return payload;
  },
};

// Where none of the digests of an array or an object has a disclosure, @iota/identity-wasm
// leaves them standing; RFC 9901, 7.1 step 3 (c) and (d) has the reader remove them.
const isDigest = (value) => typeof value === "string" && /^[\w-]{43}$/.test(value);
const isLeftOver = (value) => value instanceof Map && value.size === 1 && isDigest(value.get("..."));

function plain(value) {
  if (Array.isArray(value)) return value.filter((each) => !isLeftOver(each)).map(plain);
  if (!(value instanceof Map)) return value;
  const members = [...value].filter(([name, each]) => name !== "_sd" || !each.every(isDigest));
  return Object.fromEntries(members.map(([name, each]) => [name, plain(each)]));
}

const actions = {
  verify: async (request) => ({ payload: await verifiers[request.library](request) }),

  issue: async ({ claims, frame, header, jwk }) => {
    const { alg, hash, form } = algorithms[jwk.crv];
    const key = { key: createPrivateKey({ key: jwk, format: "jwk" }), ...form };
    const signer = (data) => sign(hash, Buffer.from(data), key).toString("base64url");
    const maker = new SDJwt({ ...shared, signer, signAlg: alg });
    return { token: await maker.issue(claims, frame, { header }) };
  },

  present: async ({ token, frame }) => ({ token: await new SDJwt(shared).present(token, frame) }),
};

for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    const request = JSON.parse(line);
    answer = await actions[request.do](request);
  } catch (error) {
    answer = { error: String(error?.message ?? error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
