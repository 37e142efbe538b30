// Does an access review by keyboard alone, in a real browser: nothing is clicked.
//
//   node review.mjs ADDRESS FOLDER < steps.json
//
// FOLDER holds playwright-core. steps.json is a list of steps, done in order:
// {"open": "/path"}, {"type": ["#id", "text"]}, {"press": "Space"}, {"go": "k"} where it leads to another page, {"tab": "text of a link or button"},
// {"see": "text of the page"}, {"not": "text"}, {"heading": "text of what has the focus"},
// {"wait": "text the page comes to say"}.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import path from "node:path";

const [address, folder] = process.argv.slice(2);
const { chromium } = createRequire(path.join(folder, "x.js"))("playwright-core");
const steps = JSON.parse(readFileSync(0, "utf8"));
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox", "--font-render-hinting=none"] });
const page = await browser.newPage();
const complaints = [];
page.on("pageerror", (e) => complaints.push(`page error: ${e.message}`));
page.on("console", (m) => m.type() === "error" && complaints.push(`console: ${m.text()}`));

const say = (what) => process.stdout.write(what + "\n");
const words = (el) => (el.innerText || el.value || el.getAttribute("aria-label") || "").replace(/\s+/g, " ").trim();
const focused = () => page.evaluate(`(${words})(document.activeElement)`);
const text = async () => (await page.locator("body").innerText()).replace(/\s+/g, " ");

const born = () => page.evaluate(() => performance.timeOrigin).catch(() => 0);

// Presses what leads to another page, and waits for that.
async function go(key) {
  const before = await born();
  await page.keyboard.press(key);
  for (let i = 0; i < 1000; i++) {
    const now = await born();
    if (now && now !== before) return page.waitForLoadState("load");
    await page.waitForTimeout(20);
  }
  throw new Error(`${key} led nowhere`);
}

async function tabTo(want) {
  for (let i = 0; i < 200; i++) {
    await page.keyboard.press("Tab");
    if ((await focused()).startsWith(want)) return;
  }
  throw new Error(`Tab never reaches ${JSON.stringify(want)}`);
}

const acts = {
  open: (to) => page.goto(address + to),
  go,
  press: (key) => page.keyboard.press(key),
  tab: tabTo,
  keys: (s) => page.keyboard.type(s),
  type: async ([label, s]) => {
    const want = await page.locator(label).elementHandle();
    for (let i = 0; i < 200 && !(await want.evaluate((el) => el === document.activeElement)); i++) await page.keyboard.press("Tab");
    if (!(await want.evaluate((el) => el === document.activeElement))) throw new Error(`Tab never reaches ${label}`);
    await page.keyboard.type(s);
  },
  see: async (s) => {
    if (!(await text()).includes(s)) throw new Error(`the page does not say ${JSON.stringify(s)}: ${await text()}`);
  },
  not: async (s) => {
    if ((await text()).includes(s)) throw new Error(`the page says ${JSON.stringify(s)}`);
  },
  heading: async (s) => {
    const got = await focused();
    if (!got.startsWith(s)) throw new Error(`the focus is on ${JSON.stringify(got)}, not on the heading ${JSON.stringify(s)}`);
  },
  wait: async (s) => {
    for (let i = 0; i < 3000 && !(await text()).includes(s); i++) await page.waitForTimeout(20);
    return acts.see(s);
  },
  shot: (file) => page.screenshot({ path: file, fullPage: true }),
};

let failed = false;
for (const step of steps) {
  const [[name, what]] = Object.entries(step);
  try {
    await acts[name](what);
    say(`ok ${name} ${JSON.stringify(what)}`);
  } catch (e) {
    say(`FAILED ${name} ${JSON.stringify(what)} at ${page.url()}: ${e.message}`);
    failed = true;
    break;
  }
}
for (const c of complaints) say(`FAILED ${c}`);
await browser.close();
process.exit(failed || complaints.length ? 1 : 0);
