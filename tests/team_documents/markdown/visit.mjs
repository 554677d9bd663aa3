// Reads Mermaid blocks in Chromium and prints their texts as JSON: node visit.mjs CHROMIUM parse|draw BLOCKS.json.
// BLOCKS.json is a list of blocks. The output has a list for each release of Mermaid, with an object for each block.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import puppeteer from "puppeteer-core";

const [chromium, task, file] = process.argv.slice(2);
const blocks = JSON.parse(readFileSync(file, "utf8"));
const { dependencies } = JSON.parse(readFileSync("package.json", "utf8"));
const require = createRequire(import.meta.url);
const browser = await puppeteer.launch({ executablePath: chromium, args: ["--no-sandbox"] });

// These functions run in the page.
const tasks = {
  async parse(code) {
    const plain = (text = "") => {
      const area = document.createElement("textarea");
      area.innerHTML = text.replaceAll("ﬂ°°", "&#").replaceAll("ﬂ°", "&").replaceAll("¶ß", ";");
      return area.value;
    };
    await mermaid.parse(code);
    const { db, type } = await mermaid.mermaidAPI.getDiagramFromText(code);
    const found = [db.getAccTitle(), db.getAccDescription()];
    if (type === "sequence") {
      found.push(...[...db.getActors().values()].map((actor) => actor.description));
      found.push(...db.getMessages().map((message) => message.message));
    } else {
      const groups = db.getSubGraphs();
      const nodes = [...db.getVertices().values()].filter((node) => !groups.some((group) => group.id === node.id));
      found.push(...groups.map((group) => group.title), ...nodes.map((node) => node.text));
      found.push(...db.getEdges().flatMap((edge) => edge.text || []));
    }
    return { type, texts: found.map(plain) };
  },
  async draw(code) {
    const { svg, diagramType } = await mermaid.render("drawing", code);
    document.body.innerHTML = svg;
    const drawing = document.querySelector("svg");
    const shown = (name) => [...drawing.querySelectorAll(name)].map((part) => part.innerText ?? part.textContent);
    const labels = diagramType === "sequence" ? "text.messageText, text.actor-box" : "span.nodeLabel, span.edgeLabel:not(:empty)";
    const elements = [...new Set([...drawing.querySelectorAll("*")].map((part) => part.localName))];
    return {
      type: diagramType,
      texts: [drawing.querySelector("title").textContent, drawing.querySelector("desc").textContent, ...shown(labels)],
      width: drawing.viewBox.baseVal.width,
      elements,
    };
  },
};

const found = {};
for (const name of Object.keys(dependencies).filter((each) => each.startsWith("mermaid"))) {
  const page = await browser.newPage();
  await page.evaluate(readFileSync(require.resolve(`${name}/dist/mermaid.min.js`), "utf8"));
  await page.evaluate(() => mermaid.initialize({ startOnLoad: false, logLevel: "fatal" }));
  found[name] = [];
  for (let start = 0; start < blocks.length; start += 50) {
    const some = blocks.slice(start, start + 50);
    const results = await page.evaluate(
      async (source, codes) => {
        const task = new Function(`return { ${source} }`)();
        const results = [];
        for (const code of codes) {
          try {
            results.push(await Object.values(task)[0](code));
          } catch (error) {
            results.push({ error: String(error) });
          }
        }
        return results;
      },
      tasks[task].toString(),
      some,
    );
    found[name].push(...results);
  }
  await page.close();
}
await browser.close();
console.log(JSON.stringify(found));
