// A new company from an empty folder to its first list of gaps, in a browser, by
// what the screens say: the account, the four questions, a list of people, a list
// of accounts without employee numbers, whose they are, read and test, the gaps.
//
//   node newcomer.mjs LINK MODULES OUT
//
// LINK is what 'tieout serve' printed. What a step took is the machine's time; a
// person's is what they read, once and at 200 words a minute, and what they do, at 4 seconds
// a field or button. All of it is to be under a quarter of an hour.
import { createRequire } from "node:module";
import path from "node:path";
import { axe, axeOf, overflow } from "./look.mjs";

const [link, modules, out] = process.argv.slice(2);
const { chromium } = createRequire(path.join(modules, "x.js"))("playwright-core");
const most = 15 * 60, perWord = 60 / 200, perAct = 4;
const source = axeOf(modules);

const people = `Employee ID,Name,Work Email,Department,Manager,Start Date,Termination Date
1001,Rosa Lindqvist,rosa@marrow.example,Operations,,2021-03-01,
1002,Idris Okafor,idris@marrow.example,Engineering,Rosa Lindqvist,2022-05-16,
1003,Petra Novak,petra@marrow.example,Engineering,Idris Okafor,2023-01-09,
1004,Tom Sorensen,tom@marrow.example,Sales,Rosa Lindqvist,2023-09-04,2026-06-30
`;
const accounts = `username,email,status,mfa,admin
rosa,rosa@marrow.example,active,yes,yes
idris,idris@marrow.example,active,yes,yes
petra,petra@marrow.example,active,no,no
tom,tom@marrow.example,active,yes,no
`;

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--font-render-hinting=none"] });
const page = await browser.newPage({ reducedMotion: "reduce", viewport: { width: 1440, height: 900 } });
const complaints = [];
page.on("pageerror", (e) => complaints.push(e.message));
page.on("console", (m) => m.type() === "error" && !/status of 422/.test(m.text()) && complaints.push(`${m.text()} at ${m.location().url}`));

let acts = 0, person = 0, machine = 0, n = 0, began = Date.now();
const main = async () => (await page.locator("main").innerText()).replace(/\s+/g, " ");
const file = (name, text) => ({ name, mimeType: "text/csv", buffer: Buffer.from(text) });
const fill = async (label, value) => { acts++; await page.getByLabel(label, { exact: true }).fill(value); };
async function press(role, name) {
  acts++;
  await Promise.all([page.waitForNavigation(), page.getByRole(role, { name, exact: typeof name === "string" }).first().click()]);
}

// fresh is how many words stand here that no screen before had; choices of a list
// that is closed are not read.
const seen = new Set();
async function fresh() {
  const lines = await page.evaluate(() => {
    const choices = new Set([...document.querySelectorAll("main option")].map((o) => o.innerText.trim()));
    return document.querySelector("main").innerText.split("\n").map((l) => l.trim()).filter((l) => l && !choices.has(l));
  });
  const unread = lines.filter((l) => !seen.has(l));
  for (const l of unread) seen.add(l);
  return unread.join(" ").split(" ").filter(Boolean).length;
}

// step ends one: what the screen says then, its picture, and what it took.
async function step(what, ...expected) {
  const text = await main();
  await page.screenshot({ path: path.join(out, `newcomer-${String(++n).padStart(2, "0")}.png`), fullPage: true, animations: "disabled" });
  for (const e of expected) if (!(e instanceof RegExp ? e.test(text) : text.includes(e))) throw new Error(`newcomer, ${what}: ${page.url()} does not say ${e}: ${text.slice(0, 900)}`);
  const took = (Date.now() - began) / 1000, read = (await fresh()) * perWord;
  const found = [...(await axe(page, source)), ...(await overflow(page))];
  if (found.length) throw new Error(`newcomer, ${what}: ${found.map((f) => `${f.rule} ${f.element}`).join("; ")}`);
  machine += took;
  person += read + acts * perAct;
  console.log(`newcomer ${String(n).padStart(2)}  ${took.toFixed(1).padStart(5)} s machine  ${Math.round(read).toString().padStart(4)} s to read  ${String(acts * perAct).padStart(3)} s to do  ${what}`);
  acts = 0;
  began = Date.now();
}

await page.goto(link);
await step("the link is open", "You make the first account here");
await fill("Your name", "Rosa Lindqvist");
await fill("Work e-mail address", "rosa@marrow.example");
await fill("Password", "correct horse battery nine");
await fill("The same once more", "correct horse battery nine");
await press("button", "Make the account");
await step("the account is made, and Start is open", "Four questions decide what is examined");

await fill("Service or system under examination", "Marrow Cloud");
acts++;
await page.getByLabel("Confidentiality", { exact: true }).check();
await press("button", "Set up");
await step("what is examined is said", "Set up, as revision", "One step is done");

await press("link", /Bring it/);
acts++;
await page.getByLabel("File", { exact: true }).setInputFiles(file("people.csv", people));
await press("button", "Go on to the columns");
await step("the people's columns are named by themselves", "7 columns of 4 people", "who has no last working day is active");
await press("button", "Try it");
await step("the people were tried", "The list can be read as you say, with 4 people");
await press("button", "Connect");
await page.waitForFunction(() => document.querySelector("main").innerText.includes("Go on with the start"), null, { timeout: 120_000 });
await step("the people are sealed", "1 of 1 source");

await press("link", "Go on with the start");
await press("link", /Bring an export/);
acts++;
await page.getByLabel("File", { exact: true }).setInputFiles(file("accounts.csv", accounts));
await press("button", "Go on to the columns");
await fill("System the accounts are of", "Google Workspace");
acts++;
await page.getByLabel("Number of the person it belongs to", { exact: true }).selectOption("email");
await press("button", "Try it");
await step("addresses are not taken for employee numbers", "is a number of the list of people", "confirm that under People");
acts++;
await page.getByLabel("Number of the person it belongs to", { exact: true }).selectOption("");
await press("button", "Try it");
await step("the accounts were tried", "The list can be read as you say, with 4 accounts");
await press("button", "Connect");
await page.waitForFunction(() => document.querySelector("main").innerText.includes("Go on with the start"), null, { timeout: 120_000 });
await step("the accounts are sealed", "1 of 1 source");

await press("link", "Go on with the start");
await press("link", /Say whose accounts they are/);
await step("whose they are is proposed", "same e-mail address", "5 proposals wait");
await press("button", "Confirm what is ticked"); // four are sure, and each is sealed by itself
await step("whose they are is confirmed", "4 confirmed here", "1 proposal waits"); // one's own account here is for a second look
await press("link", "Start"); // it stays in the side bar while a step is open
await press("button", "Read and test");
await page.waitForFunction(() => document.querySelector("main").innerText.includes("Open the list of gaps"), null, { timeout: 300_000 });
await step("everything is read and tested", /\d+ tests were run/);

await press("link", "Open the list of gaps");
await step("the list of gaps is open", /\d+ gaps stand between here and/, /Findings to decide \d/);
await page.goto(new URL("/deviations", link).href);
await step("the leaver's account is found, and nobody else's", "tom");
const said = await main();
for (const name of ["rosa", "idris", "petra"]) if (new RegExp(`IAM-0[25] ${name}\\b`).test(said)) throw new Error(`newcomer: ${name} works here, and the account is a finding: ${said.slice(0, 900)}`);
if (complaints.length) throw new Error(`newcomer: errors in the page: ${complaints.join("; ")}`);
await browser.close();
const all = machine + person;
console.log(`From the empty folder to the first list of gaps: ${Math.round(machine)} s of the machine's time and about ${(person / 60).toFixed(1)} minutes of a person's, of ${most / 60}.`);
if (all > most) throw new Error(`newcomer: ${Math.round(all)} s, at most ${most}`);
