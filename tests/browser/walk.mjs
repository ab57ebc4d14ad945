// Walks the page of the demo. Prints what is wrong and ends with 1 if anything is.
import http from "node:http";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { accessible, check, chromium, counts, follow, listen, problems, structure, tabThrough } from "./checks.mjs";
import { Demo } from "./demo.mjs";
import * as hostile from "./hostile.mjs";

const folder = process.argv[2];
const flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const profile = mkdtempSync(join(tmpdir(), "stackgres-browser-"));
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, headless: true, args: flags, env: { ...process.env, HOME: profile } });
const demo = await Demo.start(process.env.STACKGRES_PROGRAM);
const began = Date.now();
const tell = (what) => console.log(`${((Date.now() - began) / 1000).toFixed(1)} s  ${what}`);

async function fresh(options) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  listen(page, demo.address);
  return page;
}

// Pictures of some pages: light, dark, and as narrow as a phone.
async function pictures(paths) {
  for (const [look, options] of Object.entries({
    light: {}, dark: { colorScheme: "dark" }, narrow: { viewport: { width: 320, height: 800 } },
  })) {
    const page = await fresh(options);
    for (const [name, path] of Object.entries(paths)) {
      await page.goto(demo.address + path);
      if (look === "narrow") await structure(page);
      await page.screenshot({ path: join(folder, `${name}-${look}.png`), fullPage: true });
    }
    await page.context().close();
  }
}

async function settled(page, text) {
  await page.waitForFunction((wanted) => document.body.textContent.includes(wanted), text, { timeout: 60_000 });
}

try {
  // While a change is under way: an open page hears of it without being loaded again, and what was opened stays open.
  await demo.said(/done: four clusters are ready/);
  const open = await fresh();
  await open.goto(`${demo.address}/clusters/shop/orders`);
  await demo.said(/^5\. Commit/);
  await open.evaluate(() => { window.untouched = true; });
  await settled(open, "Waits:");
  await open.locator("summary").first().focus();
  await open.keyboard.press("Enter");
  await open.screenshot({ path: join(folder, "rollout-light.png"), fullPage: true });
  const overview = await fresh();
  await overview.goto(demo.address);
  await overview.screenshot({ path: join(folder, "overview-busy-light.png"), fullPage: true });
  await overview.context().close();
  await demo.said(/^The demo goes on/);
  await open.waitForFunction(() => !document.body.textContent.includes("Waits:"));
  check(await open.evaluate(() => window.untouched === true), "the page was loaded again to show what is new");
  check(await open.evaluate(() => document.querySelector("details").open && document.activeElement.nodeName === "SUMMARY"), "what was opened and in focus did not stay so");
  await open.context().close();
  tell("an open page follows a rollout");

  // Every page, without scripts, by keyboard alone: from each page to those it leads to that were not seen yet.
  demo.commit(hostile.files, hostile.subject, hostile.author);
  const walker = await fresh({ javaScriptEnabled: false });
  const until = Date.now() + 60_000;
  do await walker.goto(demo.address); while (!(await walker.content()).includes("shop/&lt;img") && Date.now() < until);
  const seen = new Set(["/"]), waiting = [];
  const kind = (path) => path.replace(/history\/[^/]+$/, "history/*");
  async function look(path) {
    counts.pages += 1;
    await structure(walker);
    const stops = await tabThrough(walker);
    for (const { href } of stops) {
      if (!href || href.startsWith("#") || seen.has(kind(href)) || href.includes("?")) continue;
      seen.add(kind(href));
      waiting.push([path, href]);
    }
  }
  await look("/");
  while (waiting.length > 0) {
    const [from, to] = waiting.shift();
    // One of each kind is enough of clusters: those that say most, and a healthy one.
    if (/^\/clusters\/(billing\/invoices|platform)/.test(to)) continue;
    if (new URL(walker.url()).pathname !== from) await walker.goto(demo.address + from);
    if (await follow(walker, to)) await look(to);
  }
  const missing = ["/clusters", "/events", "/fleets/stackgres/example", "/fleets/stackgres/example/plan", "/clusters/shop/orders/plan", "/clusters/shop/orders/diff", "/clusters/shop/orders/history", "/clusters/shop/orders/history/*", "/clusters/shop/hostile"].filter((path) => !seen.has(path));
  check(missing.length === 0, `no link leads to ${missing}`);
  await walker.context().close();
  tell(`${counts.pages} pages by keyboard, without scripts`);

  // The filter by keyboard, and that hostile text is text.
  const page = await fresh();
  await page.goto(`${demo.address}/clusters`);
  await page.locator("input[name=name]").focus();
  await page.keyboard.type("hostile");
  await page.keyboard.press("Enter");
  await page.waitForURL(/name=hostile/);
  check((await page.locator("tbody tr").count()) === 1, "the filter does not filter");
  await page.goto(`${demo.address}/fleets/stackgres/example`);
  const text = await page.locator("main").innerText();
  for (const wanted of ["\\u202e", "<img src=x onerror=alert(4)>.yaml", "<script>alert(5)</script>"]) check(text.includes(wanted), `the fleet does not show ${wanted} as it is`);

  // With scripts: every page again, with the rules of accessibility.
  for (const path of [...seen].filter((path) => !path.includes("*"))) {
    await page.goto(demo.address + path);
    await structure(page);
    await accessible(page);
    await page.emulateMedia({ colorScheme: "dark" });
    await accessible(page);
    await page.emulateMedia({ colorScheme: "light" });
  }
  await page.goto(`${demo.address}/no/such/page`).catch(() => {});
  check((await page.locator("h1").innerText()) === "There is no such page", "an unknown address has no page of its own");
  await page.context().close();
  tell("with scripts, light and dark, by the rules of accessibility");

  await pictures({
    overview: "/", fleet: "/fleets/stackgres/example", plan: "/fleets/stackgres/example/plan", cluster: "/clusters/shop/orders",
    "cluster-plan": "/clusters/shop/orders/plan", diff: "/clusters/shop/orders/diff", history: "/clusters/shop/orders/history", hostile: "/clusters/shop/hostile",
    events: "/events", clusters: "/clusters", missing: "/no/such/page",
  });
  tell(`pictures in ${folder}`);

  const foreign = await new Promise((resolve) => http.get(demo.address, { headers: { host: "evil.example" } }, (answer) => { answer.resume(); resolve(answer.statusCode); }));
  check(foreign === 403, `a foreign name is answered with ${foreign}`);
} catch (error) {
  problems.push(`${error.stack}`);
} finally {
  await browser.close();
  await demo.end();
  rmSync(profile, { recursive: true, force: true });
}
// An error page answers 404, which the browser reports as it should.
const real = [...new Set(problems)].filter((problem) => !/no\/such\/page.*(404|status of)/.test(problem));
for (const problem of real) console.log(`PROBLEM ${problem}`);
console.log(`${counts.pages} pages, ${counts.keys} keys, ${counts.checks} checks, ${real.length} problems, ${((Date.now() - began) / 1000).toFixed(0)} s`);
process.exitCode = real.length > 0 ? 1 : 0;
