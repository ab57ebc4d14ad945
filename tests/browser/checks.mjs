// What holds for every page.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const packages = process.env.STACKGRES_BROWSER_PACKAGES;
const require = createRequire(join(packages, "x.js"));
export const { chromium } = require("playwright-core");
const axe = readFileSync(join(packages, "axe-core/axe.min.js"), "utf8");

export const problems = [];
export const counts = { pages: 0, keys: 0, checks: 0 };
export function check(fine, what) {
  counts.checks += 1;
  if (!fine) problems.push(what);
}

// Notes whatever a page says, asks for or opens that it should not.
export function listen(page, origin) {
  page.on("console", (message) => { if (["error", "warning"].includes(message.type())) problems.push(`${page.url()} says ${message.text()}`); });
  page.on("pageerror", (error) => problems.push(`${page.url()} fails: ${error}`));
  page.on("dialog", (dialog) => { problems.push(`${page.url()} opens a dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on("request", (request) => { if (!request.url().startsWith(origin + "/")) problems.push(`${page.url()} asks ${request.url()}`); });
}

// Structure, names, and what a hostile manifest would leave behind.
export async function structure(page) {
  const found = await page.evaluate(() => {
    const all = (selector) => [...document.querySelectorAll(selector)];
    return {
      headings: all("h1").length,
      title: document.title,
      unnamed: all("table").filter((table) => !table.caption?.textContent).length,
      unscoped: all("th").filter((cell) => !cell.scope).length,
      foreign: all("main script, main img, main iframe, main object, main style, main link").length,
      handlers: all("*").filter((node) => [...node.attributes].some(({ name }) => name.startsWith("on") || name === "style")).length,
      places: all("[href], [src], [action]").map((node) => node.getAttribute("href") ?? node.getAttribute("src") ?? node.getAttribute("action")).filter((place) => !/^(\/|#|$)/.test(place)),
      hidden: (document.body.textContent.match(/[\u202a-\u202e\u2066-\u2069\u200b-\u200f\u001b]/) ?? []).length,
      wide: document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth,
    };
  });
  const where = page.url();
  check(found.headings === 1, `${where} has ${found.headings} first headings`);
  check(found.title.length > 12, `${where} is called ${found.title}`);
  check(found.unnamed === 0 && found.unscoped === 0, `${where} has tables without caption or scope: ${found.unnamed}, ${found.unscoped}`);
  check(found.foreign === 0, `${where} holds ${found.foreign} elements that it should not`);
  check(found.handlers === 0, `${where} holds handlers or inline styles`);
  check(found.places.length === 0, `${where} leads to ${found.places}`);
  check(found.hidden === 0, `${where} shows characters that nobody sees`);
  check(found.wide <= 0, `${where} is ${found.wide} px wider than the window`);
}

// Accessibility rules; serious and critical ones must hold.
export async function accessible(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  for (const { id, impact, help, nodes } of violations) {
    check(!["serious", "critical"].includes(impact), `${page.url()}: ${id} (${impact}): ${help}: ${nodes.slice(0, 3).map((node) => node.html).join(" ")}`);
  }
  counts.checks += 1;
}

// Where the focus is.
const focused = () => {
  const node = document.activeElement;
  if (!node || node === document.body) return null;
  const { outlineStyle, outlineWidth } = getComputedStyle(node);
  return {
    name: node.nodeName, href: node.getAttribute("href"), text: node.textContent.trim().slice(0, 60),
    seen: node.matches(":focus-visible") && (outlineStyle !== "none" && parseFloat(outlineWidth) >= 2),
  };
};

// Goes through a page with the Tab key: the first stop skips to the content, each stop is seen, and nothing is out of reach.
export async function tabThrough(page) {
  const stops = [];
  // From the beginning of the document, whatever was in focus.
  await page.evaluate(() => { document.activeElement?.blur(); getSelection().removeAllRanges(); });
  for (let count = 0; count < 900; count += 1) {
    await page.keyboard.press("Tab");
    counts.keys += 1;
    const stop = await page.evaluate(focused);
    if (!stop || (stops.length > 1 && stop.href === "#content")) break;
    stops.push(stop);
  }
  const where = page.url();
  check(stops[0]?.href === "#content", `${where}: the first stop does not skip to the content but is ${stops[0]?.text}`);
  for (const stop of stops) check(stop.seen, `${where}: nobody sees the focus on ${stop.name} ${stop.text}`);
  const wanted = await page.evaluate(() => [...document.querySelectorAll("a[href], button, input, select, summary")].filter((node) => node.checkVisibility({ contentVisibilityAuto: true })).map((node) => node.getAttribute("href") ?? node.nodeName));
  const reached = new Set(stops.map((stop) => stop.href ?? stop.name));
  for (const one of new Set(wanted)) check(reached.has(one), `${where}: the keyboard does not reach ${one}`);
  return stops;
}

// Follows a link with the keyboard alone.
export async function follow(page, href) {
  for (let count = 0; count < 900; count += 1) {
    await page.keyboard.press("Tab");
    counts.keys += 1;
    const stop = await page.evaluate(focused);
    if (stop?.href !== href) continue;
    await Promise.all([page.waitForURL((url) => url.pathname + url.search === href), page.keyboard.press("Enter")]);
    return true;
  }
  problems.push(`${page.url()}: the keyboard does not reach ${href}`);
  return false;
}
