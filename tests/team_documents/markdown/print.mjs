// Prints documents and says how many sheets each needs, as JSON: node print.mjs CHROMIUM PAGES.json.
// PAGES.json is a list of HTML texts. The output has the numbers of sheets of A4 and of Letter paper for each text.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import puppeteer from "puppeteer-core";

const [chromium, file] = process.argv.slice(2);
const require = createRequire(import.meta.url);
const browser = await puppeteer.launch({ executablePath: chromium, args: ["--no-sandbox"] });
const page = await browser.newPage();
const found = [];
for (const text of JSON.parse(readFileSync(file, "utf8"))) {
  await page.setContent(text);
  await page.evaluate(readFileSync(require.resolve("mermaid-11/dist/mermaid.min.js"), "utf8"));
  await page.evaluate(async () => {
    mermaid.initialize({ startOnLoad: false, logLevel: "fatal" });
    let number = 0;
    for (const block of document.querySelectorAll("code.language-mermaid")) {
      block.parentElement.outerHTML = (await mermaid.render(`drawing${(number += 1)}`, block.textContent)).svg;
    }
  });
  const sheets = [];
  for (const format of ["A4", "Letter"]) {
    const margin = Object.fromEntries(["top", "bottom", "left", "right"].map((side) => [side, "2cm"]));
    const pdf = Buffer.from(await page.pdf({ format, margin })).toString("latin1");
    sheets.push(pdf.match(/\/Type\s*\/Page\b/g)?.length ?? 0);
  }
  found.push(sheets);
}
await browser.close();
console.log(JSON.stringify(found));
