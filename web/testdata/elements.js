// The checks of TestElements, run in a browser.
import { qrModules, takeFragment } from "/elements.js";

const violations = [];
document.addEventListener("securitypolicyviolation", (e) => violations.push(`${e.violatedDirective} ${e.sourceFile}`));
const post = (name, problem) => fetch("/verdict", { method: "POST", body: JSON.stringify({ Name: name, Problem: problem }) });
const check = async (name, act) => post(name, await Promise.resolve().then(act).catch((err) => `${err}`) || "");
const until = async (what, test) => {
  for (let i = 0; i < 100; i++) {
    const got = test();
    if (got) return got;
    await new Promise((r) => setTimeout(r, 50));
  }
  throw new Error(`never: ${what}`);
};
const hex = (b) => [...new Uint8Array(b)].map((x) => x.toString(16).padStart(2, "0")).join("");

await check("qr codes are those of another encoder", async () => {
  const vectors = await (await fetch("/vectors.json")).json();
  if (vectors.length < 20) return `only ${vectors.length} vectors`;
  for (const v of vectors) {
    const rows = qrModules(v.text, v.mask).map((r) => r.map((m) => (m ? "1" : "0")).join(""));
    const sum = hex(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(rows.join("\n"))));
    if (rows.length !== v.side || sum !== v.sha256) return `${v.text.length} bytes, mask ${v.mask}: another picture`;
  }
});
await check("qr refuses what does not fit", () => {
  try {
    qrModules("x".repeat(667));
    return "it took 667 bytes";
  } catch (err) {
    return err instanceof RangeError ? "" : `${err}`;
  }
});

const element = document.querySelector("wallet-request");
const root = element.shadowRoot;
const dialog = () => root.querySelector("dialog");
const text = (selector) => root.querySelector(selector)?.textContent.trim();
const press = (words) => [...root.querySelectorAll("button")].find((b) => b.textContent.includes(words)).click();

await check("the site's own button opens the sheet and focuses its heading", async () => {
  document.querySelector("#open").click();
  await until("open", () => dialog().open);
  return root.activeElement?.id === "title" ? "" : `focus is on ${root.activeElement?.outerHTML}`;
});
await check("nothing is begun before a way is chosen", () => (performance.getEntriesByType("resource").some((e) => e.name.includes("/begin")) ? "it asked" : ""));

for (const [end, heading] of [["released", "Bestätigt"], ["refused", "Es kam keine Bestätigung"], ["expired", "Die Anfrage ist abgelaufen"], ["rejected", "Das ging nicht"]]) {
  await check(`a request that ends ${end}`, async () => {
    element.begin = `/begin/${end}`;
    element.open();
    await element.updateComplete;
    press("Code zeigen");
    await until("code", () => root.querySelector(".qr .dark"));
    if (!root.querySelector(".copy input").value.startsWith("https://wallet.example/")) return "the link is not there";
    await until("opened", () => text(".state h3") === "Auf deinem Gerät geöffnet");
    await until(heading, () => text(".state h3") === heading);
    if (end === "rejected" && !text(".state p").startsWith("Die Antwort hielt")) return "it says that nothing was sent";
    return root.querySelector('[role="status"]') ? "" : "nobody is told";
  });
}
await check("done tells the site, which may stay", async () => {
  element.begin = "/begin/released";
  element.open();
  await element.updateComplete;
  press("Code zeigen");
  await until("done", () => text(".state h3") === "Bestätigt");
  const told = new Promise((resolve) => element.addEventListener("facet-done", (e) => (e.preventDefault(), resolve(e.detail.id)), { once: true }));
  press("Weiter");
  return (await told) === "r1" && !dialog().open ? "" : "it was not told";
});
await check("a begin that is refused shows its code", async () => {
  element.begin = "/refused";
  element.open();
  await element.updateComplete;
  press("Code zeigen");
  await until("code", () => text(".code") === "slow_down");
});
await check("closing gives the focus back", async () => {
  element.close();
  document.querySelector("#open").focus();
  document.querySelector("#open").click();
  await until("open", () => dialog().open);
  element.close();
  return document.activeElement?.id === "open" ? "" : `focus is on ${document.activeElement?.tagName}`;
});
await check("an answer in the fragment is handed over and leaves the address", async () => {
  if ((await takeFragment("/fragment")) !== null) return "an answer out of nothing";
  location.hash = "chapter-2";
  if ((await takeFragment("/fragment")) !== null || location.hash !== "#chapter-2") return "another fragment was taken";
  const fragment = "vp_token=%7B%22a%22%3A%5B%22x~%22%5D%7D&state=s";
  location.hash = fragment;
  const done = takeFragment("/fragment");
  if (location.href.includes("#")) return "the address keeps it while it is handed over";
  const stage = await done;
  const got = await (await fetch("/fragment")).json();
  return stage === "done" && got.fragment === fragment ? "" : `${stage} ${JSON.stringify(got)}`;
});
await check("why: four facts, and the way to take it back", async () => {
  const why = document.querySelector("hint-why");
  why.shadowRoot.querySelector("button").click();
  const card = why.shadowRoot.querySelector("#card");
  await until("open", () => card.matches(":popover-open"));
  const facts = [...card.querySelectorAll("dd")].map((d) => d.textContent).join("|");
  if (facts !== "deine Vorlieben|29. November|mittlere Länge") return facts;
  why.back = "";
  await why.updateComplete;
  return card.querySelector("a") ? "it offers to take back what was not given" : "";
});
await check("nothing broke the site's policy", () => violations.join("; "));
await post("end", "");
