// Opens every screen as every role of the demo; screens.sh starts it.
//
//   node main.mjs ROOM DEMO.LOG MODULES OUT
//
// ROOM is company or firm. DEMO.LOG is what 'tieout demo' printed: where its rooms
// are, who can sign in, and the password.
// MODULES holds playwright-core and axe-core. Pictures go to OUT. It ends with an
// error when anything is wrong that known.json does not name with a reason.
import { createRequire } from "node:module";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { axe, axeOf, overflow, shape, words } from "./look.mjs";
import { act } from "./acts.mjs";
import { skips, switched, walk } from "./keys.mjs";
import { prove } from "./proof.mjs";
import { address as addressOf, cast, rooms } from "./rooms.mjs";
import { find, table } from "./routes.mjs";
import { budgets, missed, print, scale } from "./weigh.mjs";

const [name, log, modules, out] = process.argv.slice(2);
const room = rooms[name], address = addressOf(room, log), { roles, others, walked } = room;
const here = (name) => new URL(name, import.meta.url);
const known = JSON.parse(readFileSync(here("known.json"), "utf8"))[name];
const { chromium } = createRequire(path.join(modules, "x.js"))("playwright-core");
const source = axeOf(modules);
const routes = table(here("../../reader/web/testdata/" + room.table));
const began = Date.now();

const views = [["light", 1440, 900], ["dark", 1440, 900], ["light", 390, 844], ["light", 320, 640]];
const failures = [], weights = new Map(), perRole = new Map();
const wrong = (role, pattern, view, found) => { for (const f of found) failures.push({ role, pattern, view, ...f }); };
const fileOf = (pattern) => pattern === "/" ? "home" : pattern.replace(/[^a-z0-9]+/gi, "-").replace(/^-|-$/g, "");

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--font-render-hinting=none"] });
await prove(browser, source);

async function signIn(person, password) {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(address + "/sign-in");
  await page.fill("#email", person.email);
  await page.fill("#password", password);
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
  if (new URL(page.url()).pathname === "/sign-in") throw new Error(`${person.email} is not let in: ${await page.locator("main").innerText()}`);
  const state = await context.storageState();
  const made = person.role === "compliance lead" ? await act(context.request, address, person.email) : [];
  const got = await find(context.request, address, routes, [...room.starts, ...made]);
  for (const w of got.wrong) failures.push({ role: person.role, pattern: w.from || w.at, view: "links", rule: w.status === 403 ? "refused-link" : "link", element: `leads to ${w.at}, which answers ${w.status}` });
  await context.close();
  return { ...person, state, found: got.found };
}

// A desk is one browser context for one person, with what it complained about.
async function desk(state) {
  const context = await browser.newContext({ storageState: state, reducedMotion: "reduce" });
  const page = await context.newPage(), complaints = [];
  page.on("console", (m) => m.type() === "error" && complaints.push({ rule: "console", element: m.text(), url: m.location().url }));
  page.on("pageerror", (e) => complaints.push({ rule: "page-error", element: e.message }));
  page.on("requestfailed", (r) => complaints.push({ rule: "request-failed", element: r.url() }));
  page.on("request", (r) => r.url().startsWith("http") && !r.url().startsWith(address + "/") && complaints.push({ rule: "third-party", element: r.url() }));
  return { context, page, complaints, weigh: await scale(page) };
}

async function plain(state, t, forms) {
  const context = await browser.newContext({ storageState: state, javaScriptEnabled: false });
  const page = await context.newPage();
  const answer = await page.goto(address + t.at);
  if (answer.status() !== (t.status ?? 200)) wrong(t.role, t.pattern, "scripts off", [{ rule: "status", element: `${answer.status()}` }]);
  const got = await shape(page);
  wrong(t.role, t.pattern, "scripts off", got.bad);
  if (got.forms !== forms) wrong(t.role, t.pattern, "scripts off", [{ rule: "forms", element: `${got.forms} forms, ${forms} with scripts on` }]);
  const pdf = await page.pdf({ preferCSSPageSize: true, format: "A4" });
  if (pdf.length < 1000) wrong(t.role, t.pattern, "print", [{ rule: "print", element: `${pdf.length} bytes` }]);
  if (t.full) writeFileSync(path.join(out, `${fileOf(t.pattern)}.pdf`), pdf);
  await context.close();
}

async function show(page, [scheme, width, height]) {
  await page.setViewportSize({ width, height });
  await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
  await page.evaluate(() => document.fonts.ready);
}

const picture = async (page, name) => page.screenshot({ path: path.join(out, name + ".png"), fullPage: true, animations: "disabled" });

// screen checks one screen as one person.
async function screen(d, t) {
  const { page } = d;
  d.complaints.length = 0;
  await show(page, views[0]);
  const answer = await page.goto(address + t.at, { waitUntil: "load" });
  await page.evaluate(() => document.fonts.ready);
  const status = t.status ?? 200;
  if (answer.status() !== status) wrong(t.role, t.pattern, "open", [{ rule: "status", element: `${t.at} answers ${answer.status()}` }]);
  const weight = { pattern: t.pattern, role: t.role, ...d.weigh() };
  const got = await shape(page);
  weight.nodes = got.nodes;
  const before = weights.get(t.pattern);
  if (!before || weight.nodes > before.nodes) weights.set(t.pattern, weight);
  wrong(t.role, t.pattern, "open", got.bad.filter((b) => b.rule !== "sentence" || status === 200));
  wrong(t.role, t.pattern, "open", await words(page));
  for (const [i, v] of (t.full ? views : [views[0], views[3]]).entries()) {
    const view = `${v[0]} ${v[1]}`;
    if (i) await show(page, v);
    const narrowest = i === views.length - 1; // the narrowest adds nothing but its width
    if (t.full && !narrowest) await picture(page, `${fileOf(t.pattern)}-${v[0]}-${v[1]}`);
    wrong(t.role, t.pattern, view, await overflow(page));
    if ((t.full && !narrowest) || i === 0) wrong(t.role, t.pattern, view, await axe(page, source, { onlyColors: v[0] === "dark" }));
  }
  wrong(t.role, t.pattern, "open", d.complaints.filter((c) => c.rule !== "console" || status === 200 || !c.url.endsWith(t.at)));
  if (t.full) await plain(t.state, t, got.forms);
}

async function keyboard(state, found) {
  const d = await desk(state), stops = [];
  await show(d.page, views[0]);
  for (const pattern of walked) {
    const at = found.get(pattern)?.at;
    if (!at) continue; // named below as not reached
    await d.page.goto(address + at);
    wrong(roles[0], pattern, "keyboard", await skips(d.page));
    await d.page.goto(address + at);
    const got = await walk(d.page);
    wrong(roles[0], pattern, "keyboard", got.bad);
    stops.push(`${pattern} ${got.stops}`);
  }
  if (name === "company") wrong(roles[0], "/controls", "keyboard", await switched(d.page, address));
  await d.context.close();
  console.log(`Walked by keyboard, with stops: ${stops.join(", ")}.`);
}

// within is p, or an error once it took two minutes: a page that hangs is a finding.
const within = (p) => {
  let timer;
  const late = new Promise((_, no) => { timer = setTimeout(() => no(new Error("it took more than two minutes")), 120_000); });
  return Promise.race([p, late]).finally(() => clearTimeout(timer));
};

// work takes tasks until there are none; two do so at once.
async function work(queue) {
  const desks = new Map();
  for (let t = queue.shift(); t; t = queue.shift()) {
    if (!desks.has(t.role)) desks.set(t.role, await desk(t.state));
    await within(screen(desks.get(t.role), t)).catch((e) => {
      wrong(t.role, t.pattern, "open", [{ rule: "broken", element: e.message.split("\n")[0] }]);
      desks.delete(t.role); // the next gets a window of its own
    });
    perRole.set(t.role, (perRole.get(t.role) ?? 0) + 1);
  }
  for (const d of desks.values()) await d.context.close();
}

const { password, people } = cast(room, log);
const signed = [];
for (const p of people) signed.push(await signIn(p, password));
const state = (role) => signed.find((p) => p.role === role)?.state;
const queue = others.map((t) => ({ ...t, state: state(t.role), full: true }));
const full = new Set(), files = new Set();
for (const p of signed) {
  for (const [pattern, { at, type }] of p.found) {
    if (type !== "text/html" || room.documents?.includes(pattern)) { files.add(pattern); continue; }
    queue.push({ pattern, at, role: p.role, state: p.state, full: !full.has(pattern) });
    full.add(pattern);
  }
}
const soon = (t) => (room.fresh ?? []).includes(t.pattern) ? 0 : 1; // what asks for somebody who has just signed in
queue.sort((a, b) => soon(a) - soon(b) || a.role.localeCompare(b.role) || Number(b.full) - Number(a.full));
await Promise.all([work(queue), work(queue)]);
await keyboard(state(roles[0]), signed[0].found);
await browser.close();

for (const r of routes) {
  if (!full.has(r.pattern) && !files.has(r.pattern) && !known.unreached[r.pattern]) failures.push({ role: "everybody", pattern: r.pattern, view: "links", rule: "not-reached", element: "no link of any screen leads to one of these in the demo" });
}
const rows = [...weights.values()].sort((a, b) => a.pattern.localeCompare(b.pattern));
print(rows);
for (const r of rows) {
  for (const b of missed(r)) {
    if (known.budgets[r.pattern]?.[b]) console.log(`Known: ${r.pattern} is over the budget of ${budgets[b].name}: ${known.budgets[r.pattern][b]}`);
    else failures.push({ role: r.role, pattern: r.pattern, view: "budget", rule: b, element: `${r[b]}, at most ${budgets[b].most}` });
  }
}
for (const [pattern, why] of Object.entries(known.unreached)) console.log(full.has(pattern) || files.has(pattern) ? `${pattern} is reached now: take it out of known.json` : `Not opened: ${pattern}: ${why}`);
for (const f of failures) console.log(`FAILED  ${f.role} | ${f.pattern} | ${f.view} | ${f.rule} | ${f.element}`);
writeFileSync(path.join(out, "report.json"), JSON.stringify({ failures, weights: rows }, null, 1));
const opened = [...perRole].map(([role, n]) => `${role} ${n}`).join(", ");
console.log(`${full.size + others.length} screens, opened as ${opened}; ${files.size} addresses give files; ${failures.length} findings; ${Math.round((Date.now() - began) / 1000)} s; pictures in ${out}`);
process.exitCode = failures.length ? 1 : 0;
