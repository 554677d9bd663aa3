// Opens pages in Chromium and prints what a reader or a checker would notice, as JSON: node visit.mjs CHROMIUM FILE...
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import puppeteer from "puppeteer-core";

const [chromium, ...files] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const browser = await puppeteer.launch({ executablePath: chromium, args: ["--no-sandbox"] });
const found = {};
for (const file of files) {
  const seen = { console: [], requests: [], overflow: [], scrolled: [], violations: [], printed: 0 };
  const page = await browser.newPage();
  page.on("console", (message) => seen.console.push(message.text()));
  page.on("pageerror", (error) => seen.console.push(String(error)));
  page.on("request", (request) => seen.requests.push(request.url()));
  for (const scheme of ["light", "dark"]) {
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
    // The colors have no influence on the layout.
    for (const width of scheme === "light" ? [360, 768, 1280, 1600] : [1280]) {
      await page.setViewport({ width, height: 900 });
      await page.goto(pathToFileURL(file).href);
      const more = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (more > 0) seen.overflow.push(`${scheme}, ${width} px: ${more} px too wide`);
      const tables = await page.evaluate(() => [...document.querySelectorAll(".scroll")].map((part) => part.scrollWidth - part.clientWidth));
      if (Math.max(0, ...tables) > 0) seen.scrolled.push(width);
    }
    // The text of hidden parts is checked, too.
    await page.evaluate(() => document.querySelectorAll("details").forEach((part) => (part.open = true)));
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => globalThis.axe.run());
    seen.violations.push(...violations.map((each) => `${scheme}: ${each.id}: ${each.nodes[0].html}`));
  }
  const pdf = Buffer.from(await page.pdf({ format: "A4" })).toString("latin1");
  seen.printed = pdf.match(/\/Type\s*\/Page\b/g)?.length ?? 0;
  seen.requests = seen.requests.filter((address) => address !== pathToFileURL(file).href);
  found[file] = seen;
  await page.close();
}
await browser.close();
console.log(JSON.stringify(found));
