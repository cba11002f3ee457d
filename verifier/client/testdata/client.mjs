// The checks of TestTypeScriptClient, run by node against the running verifier:
// node client.mjs <client.js> <verifier> <key> <origin of the page>
import { pathToFileURL } from "node:url";

const [file, verifier, apiKey, returnURI, secret] = process.argv.slice(2);
const { Client, Problem, receiveWebhook, readAnswer, MAX_ATTEMPTS, MAX_WAIT, MAX_ANSWER, MAX_WEBHOOK_AGE } = await import(pathToFileURL(file));

const facet = new Client({ url: verifier, apiKey });
const ask = { policy: "today", flow: "same_device", return_uri: returnURI };
const test = async (path, body) => {
  const answer = await fetch(`${verifier}/test/${path}`, { method: "POST", body });
  if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
  return answer.json();
};
const clear = () => test("road", "clear");
const calls = () => test("calls", "");
const same = (got, want) => {
  const [a, b] = [JSON.stringify(got), JSON.stringify(want)];
  if (a !== b) throw new Error(`got ${a}, want ${b}`);
};
const fails = async (act) => {
  try {
    await act();
  } catch (err) {
    return err;
  }
  throw new Error("it did not fail");
};
const check = async (name, act) => {
  let problem = "";
  try {
    await act();
  } catch (err) {
    problem = `${err.stack ?? err}`;
  }
  console.log(JSON.stringify({ name, problem }));
  await clear();
};

await check("ask, follow, read", async () => {
  const begun = await facet.begin(ask);
  same([begun.id.length, begun.links.length, begun.links[0].wallet, begun.expires_at > Date.now() / 1000], [22, 1, "Facet", true]);
  same((await fails(() => facet.result(begun.id))).code, "result_not_ready");
  const states = [];
  let code = "";
  for await (const state of facet.events(begun.id)) {
    states.push(state);
    if (state === "open") ({ code } = await test("approve", begun.links[0].url));
  }
  same([states[0], states.at(-1), await facet.status(begun.id)], ["open", "released", "released"]);
  const result = await facet.result(begun.id, { responseCode: code, reader: "front page" });
  const pace = result.hints.find((h) => h.key === "today.pace");
  same([pace.value, pace.assurance, result.policy.id, result.sources.today.vct], ["quick", "self-asserted", "morgenblatt.example/today", "urn:facet:today:1"]);
  same((await facet.result(begun.id, { responseCode: code, reader: "front page" })).id, begun.id);
  same((await fails(() => facet.result(begun.id, { responseCode: code }))).code, "response_code_used");
});
await check("problems have code, sentence and advice", async () => {
  const err = await fails(() => facet.begin({ policy: "none", flow: "cross_device" }));
  same([err instanceof Problem, err.status, err.code, !!err.detail, !!err.fix, `${err}`.includes(apiKey)], [true, 404, "policy_unknown", true, true, false]);
  same((await fails(() => new Client({ url: verifier, apiKey: "another" }).status("x"))).code, "api_key_invalid");
  for (const id of ["../../log/checkpoint", "..", ".", ""]) same((await fails(() => facet.status(id))).code, "transaction_unknown");
  same((await fails(() => facet.events("A".repeat(22)).next())).code, "transaction_unknown");
});
await check("a lost answer costs no second request", async () => {
  await test("road", "lose 2");
  await facet.begin(ask);
  const { keys } = await calls();
  same([keys.length, new Set(keys).size, !!keys[0]], [3, 1, true]);
});
await check("busy: waits as told, a few times", async () => {
  const { id } = await facet.begin(ask);
  await test("road", "busy 1");
  const start = Date.now();
  same([await facet.status(id), Date.now() - start >= 900, (await calls()).n], ["open", true, 2]);
  await test("road", "busy 99");
  same([(await fails(() => facet.status(id))).code, (await calls()).n], ["unavailable", MAX_ATTEMPTS]);
  await test("road", "busy 99");
  for (const after of ["3600", "100000", "9".repeat(30), new Date(Date.now() + 3600_000).toUTCString()]) {
    let n = 0;
    const later = () => (n++, Promise.resolve(new Response("{}", { status: 503, headers: { "Retry-After": after } })));
    const err = await fails(() => new Client({ url: verifier, apiKey, fetch: later }).status(id));
    same([n, err.status, err.retryAfter > MAX_WAIT], [1, 503, true]);
  }
  const err = await fails(() => facet.status(id, { signal: AbortSignal.timeout(300) }));
  same([err.name, (await calls()).n], ["TimeoutError", 1]);
});
await check("nothing is followed or swallowed whole", async () => {
  await test("road", "redirect");
  same([(await fails(() => facet.status("x"))).code, (await calls()).n], ["http_302", 1]);
  await test("road", "endless");
  await fails(() => facet.status("x"));
  same((await calls()).n, 1);
});
await check("a stream that is cut comes back", async () => {
  const begun = await facet.begin(ask);
  await test("road", "cut 2");
  const states = [];
  for await (const state of facet.events(begun.id)) {
    if (states.push(state) === 1) setTimeout(() => test("approve", begun.links[0].url), 1000);
  }
  same([states[0], states.at(-1), new Set(states).size, (await calls()).n >= 3], ["open", "released", states.length, true]);
});
await check("an event without end is not read to its end", async () => {
  const line = `data: ${"x".repeat(1024)}\n`;
  for (const stream of [line.repeat(5), `data: ${"x".repeat(5000)}\n\n`]) {
    let streams = 0;
    const answer = () => (streams++, Promise.resolve(new Response(stream + 'data: {"state":"released"}\n\n', { headers: { "Content-Type": "text/event-stream" } })));
    const states = [];
    await fails(async () => {
      for await (const state of new Client({ url: verifier, apiKey, fetch: answer }).events("x")) states.push(state);
    });
    same([streams, states], [1, []]);
  }
});
await check("who stops listening, stops at once", async () => {
  const { id } = await facet.begin(ask);
  const start = Date.now();
  for await (const _ of facet.events(id)) break;
  const err = await fails(async () => {
    for await (const _ of facet.events(id, { signal: AbortSignal.timeout(300) }));
  });
  same([err.name, Date.now() - start < 5000], ["TimeoutError", true]);
});
await check("no streams: it polls", async () => {
  const begun = await facet.begin(ask);
  await test("road", "streamless");
  const states = [];
  for await (const state of facet.events(begun.id)) if (states.push(state) === 1) await test("approve", begun.links[0].url);
  same(states.at(-1), "released");
});
await check("webhooks", async () => {
  const { headers, body, id } = await test("hook", "");
  const hook = (change = {}, text = body) => new Request("https://news.example/hook", { method: "POST", body: text, headers: { ...headers, ...change } });
  const other = `whsec_${btoa("x".repeat(32))}`;
  const sent = Number(headers["webhook-timestamp"]) * 1000;
  const got = await receiveWebhook(hook(), [other, secret, other]);
  same([got.request, got.state, got.id, Math.abs(got.at - Date.now()) < 60_000], [id, "released", headers["webhook-id"], true]);
  for (const [name, request, secrets, now] of [
    ["another secret", hook(), [other]],
    ["another body", hook({}, body.replace(id, id.toLowerCase() + "x")), [secret]],
    ["another id", hook({ "webhook-id": "msg_2" }), [secret]],
    ["no signature", hook({ "webhook-signature": "" }), [secret]],
    ["empty signature", hook({ "webhook-signature": "v1," }), [secret]],
    ["the ninth signature", hook({ "webhook-signature": "v1,AAAA ".repeat(8) + headers["webhook-signature"] }), [secret]],
    ["old", hook(), [secret], sent + (MAX_WEBHOOK_AGE + 1) * 1000],
    ["from the future", hook(), [secret], sent - (MAX_WEBHOOK_AGE + 1) * 1000],
    ["too large", hook({}, body + " ".repeat(4096)), [secret]],
  ]) {
    if (await receiveWebhook(request, secrets, now)) throw new Error(`${name}: believed`);
  }
  same(!!(await receiveWebhook(hook(), [secret], sent + MAX_WEBHOOK_AGE * 1000)), true);
  await fails(() => receiveWebhook(hook(), ["secret"]));
});
await check("a body in many small pieces costs no more", async () => {
  const text = new TextEncoder().encode(`{"fragment":"${"x".repeat(20_000)}"}`);
  const body = new ReadableStream({ start: (c) => (text.forEach((b) => c.enqueue(Uint8Array.of(b))), c.close()) });
  const { set } = Uint8Array.prototype;
  let copied = 0;
  Uint8Array.prototype.set = function (from, at) {
    copied += from.length;
    return set.call(this, from, at);
  };
  const got = await readAnswer(new Request("https://news.example/answer", { method: "POST", body, duplex: "half" }));
  Uint8Array.prototype.set = set;
  same([got.answer.fragment.length, copied < 10 * text.length], [20_000, true]);
});
await check("answers of a page", async () => {
  const posted = (text) => readAnswer(new Request("https://news.example/answer", { method: "POST", body: text }));
  same(await posted('{"id":"tx","protocol":"openid4vp-v1-signed","data":{"response":"x"}}'), { id: "tx", answer: { protocol: "openid4vp-v1-signed", data: { response: "x" } } });
  same(await posted('{"fragment":"vp_token=x"}'), { id: "", answer: { fragment: "vp_token=x" } });
  for (const bad of ["", "[]", "null", "{}", '{"fragment":""}', '{"protocol":"x"}', '{"protocol":"x","data":{},"fragment":"y"}', `{"fragment":"${"x".repeat(MAX_ANSWER)}"}`]) same(await posted(bad), null);
});
await check("answers that the browser carries", async () => {
  const page = new URL(returnURI).origin;
  const begun = await facet.begin({ policy: "today", flow: "dc_api", origin: page });
  same([begun.links, begun.digital.requests[0].protocol], [undefined, "openid4vp-v1-signed"]);
  const carried = await test("digital", JSON.stringify(begun.digital.requests[0]));
  await test("road", "lose 1");
  const code = await facet.answer(begun.id, carried);
  same((await calls()).n, 2);
  same((await facet.result(begun.id, { responseCode: code })).hints.find((h) => h.key === "today.pace").value, "quick");
  const other = await facet.begin({ policy: "today", flow: "dc_api", origin: page });
  same((await fails(() => facet.answer(other.id, carried))) instanceof Problem, true);
  same(await facet.answer(other.id, await test("refuse", JSON.stringify(other.digital.requests[0]))), null);
  const led = await facet.begin({ ...ask, response_mode: "fragment" });
  const { fragment } = await test("approve", led.links[0].url);
  same(typeof (await facet.answer(led.id, { fragment })), "string");
});
await check("configuration", () => {
  for (const bad of [{ url: "http://verifier.example" }, { url: "https://verifier.example?x=1" }, { url: "https://me:x@verifier.example" }, { url: "ftp://verifier.example" }, { url: "http://localhost.evil.example" }, { apiKey: "" }, { apiKey: "a\nb" }]) {
    let taken = true;
    try {
      new Client({ url: "https://verifier.example", apiKey: "k", ...bad });
    } catch {
      taken = false;
    }
    if (taken) throw new Error(`taken: ${JSON.stringify(bad)}`);
  }
  new Client({ url: "http://verifier.internal", apiKey: "k", insecureHTTP: true });
});
