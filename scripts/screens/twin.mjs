// The HTML twin of a service auditor's report, of every type, in four views: no
// finding of axe, no sideways scroll, nothing asked from anywhere.
//
//   node twin.mjs FOLDER MODULES OUT
//
// FOLDER holds the pages: go test ./report/attest/html -run TestWriteTwins -twins FOLDER
import { createRequire } from "node:module";
import { readdirSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { axe, axeOf, overflow } from "./look.mjs";

const [folder, modules, out] = process.argv.slice(2);
const { chromium } = createRequire(path.join(modules, "x.js"))("playwright-core");
const source = axeOf(modules);
const views = [["desk", 1440, "light"], ["desk-dark", 1440, "dark"], ["phone", 390, "light"], ["narrow", 320, "dark"]];

const files = readdirSync(folder).filter((f) => f.endsWith(".html")).sort();
if (files.length === 0) throw new Error(`no page in ${folder}`);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--font-render-hinting=none"] });
let failed = 0;
for (const file of files) {
  for (const [name, width, colorScheme] of views) {
    const page = await browser.newPage({ colorScheme, reducedMotion: "reduce", viewport: { width, height: 900 } });
    const complaints = [];
    page.on("console", (m) => m.type() === "error" && complaints.push({ rule: "console", element: m.text() }));
    page.on("request", (r) => !/^(file|data):/.test(r.url()) && complaints.push({ rule: "request", element: r.url() }));
    await page.goto(pathToFileURL(path.join(folder, file)).href);
    const found = [...complaints, ...await axe(page, source), ...await overflow(page)];
    for (const f of found) console.error(`${file}, ${name}: ${f.rule}: ${f.element}`);
    failed += found.length;
    await page.screenshot({ path: path.join(out, `twin-${path.basename(file, ".html")}-${name}.png`) });
    await page.close();
  }
}
await browser.close();
console.log(`${files.length} reports in ${views.length} views: ${failed === 0 ? "nothing found" : `${failed} findings`}`);
process.exit(failed === 0 ? 0 : 1);
