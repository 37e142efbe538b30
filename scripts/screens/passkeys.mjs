// A passkey from its making to its removal, in Chromium with an authenticator that
// it plays itself (WebAuthn level 3, section 11: virtual authenticators).
//
//   node passkeys.mjs ADDRESS DEMO.LOG MODULES OUT
//
// Each step is one line; the first that is not as it should be ends the run.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import path from "node:path";
import { axe, axeOf, overflow } from "./look.mjs";

const [address, log, modules, out] = process.argv.slice(2);
const { chromium } = createRequire(path.join(modules, "x.js"))("playwright-core");
const text = readFileSync(log, "utf8");
const password = /all with the password (\S+)/.exec(text)?.[1];
const email = /^  management signer.*?(\S+@\S+)/m.exec(text)?.[1];
if (!password || !email) throw new Error(`${log} does not say who can sign in`);

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--font-render-hinting=none"] });
const context = await browser.newContext({ reducedMotion: "reduce" });
const page = await context.newPage();
const complaints = [];
page.on("pageerror", (e) => complaints.push(e.message));
const devtools = await context.newCDPSession(page);
await devtools.send("WebAuthn.enable");
const { authenticatorId } = await devtools.send("WebAuthn.addVirtualAuthenticator", {
  options: { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
});
const unlocked = (isUserVerified) => devtools.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified });
const kept = async () => (await devtools.send("WebAuthn.getCredentials", { authenticatorId })).credentials;

const source = axeOf(modules);
let steps = 0;
function hold(what, ok, got = "") {
  if (!ok) throw new Error(`passkeys, ${what}: ${got}`);
  console.log(`passkey ${++steps}: ${what}`);
}
const at = () => new URL(page.url()).pathname;
const main = async () => (await page.locator("main").innerText()).replace(/\s+/g, " ").slice(0, 600);
async function looked(name) {
  await page.screenshot({ path: path.join(out, `passkey-${name}.png`), fullPage: true, animations: "disabled" });
  const found = [...(await axe(page, source)), ...(await overflow(page))];
  if (found.length) throw new Error(`passkeys, the page ${name}: ${found.map((f) => `${f.rule} ${f.element}`).join("; ")}`);
}
async function press(name) {
  await page.getByRole("button", { name, exact: true }).click();
}
async function leave() {
  await page.goto(address + "/account");
  await Promise.all([page.waitForURL("**/sign-in*"), press("Sign out")]);
}

await page.goto(address + "/sign-in");
await page.fill("#email", email);
await page.fill("#password", password);
await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
hold("signed in with the password", at() !== "/sign-in", await main());

await page.goto(address + "/account");
await page.fill("#pk-name", "Key of the test");
await press("Add a passkey");
const codes = page.locator(".codes li");
await codes.first().waitFor();
const made = await kept();
hold("made, with recovery codes shown once", made.length === 1 && made[0].isResidentCredential && made[0].rpId === new URL(address).hostname, JSON.stringify(made.map((c) => c.rpId)));
hold("the codes are a list, a line each", (await codes.count()) >= 8 && new Set(await codes.allInnerTexts()).size === (await codes.count()), await main());
await looked("codes");
await Promise.all([page.waitForURL("**/account"), page.getByRole("link", { name: "I have kept them: go on" }).click()]);
hold("listed under its name", (await main()).includes("Key of the test"), await main());
await looked("account");

await leave();
await looked("sign-in");
await unlocked(false);
await press("Sign in with a passkey");
await page.waitForFunction(() => /^\S/.test(document.querySelector("[data-passkey-says]")?.textContent ?? ""));
hold("a device that is not unlocked opens nothing", at() === "/sign-in", page.url());
await page.goto(address + "/account");
hold("and nobody is signed in", at() === "/sign-in", page.url());

await unlocked(true);
await page.goto(address + "/sign-in");
await Promise.all([page.waitForURL((u) => u.pathname !== "/sign-in"), press("Sign in with a passkey")]);
await page.goto(address + "/account");
hold("signed in with nothing but the passkey", (await main()).includes(email), await main());

await page.goto(address + "/again?next=%2Faccount");
await looked("again");
await Promise.all([page.waitForURL("**/account"), press("Use a passkey")]);
hold("signed in again with it, and led on to where it was asked for", at() === "/account", page.url());

await leave();
await page.fill("#email", email);
await page.fill("#password", password);
await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
hold("the password alone is not enough any more", /code/.test(at()), `${page.url()}: ${await main()}`);
await looked("code");
await Promise.all([page.waitForURL((u) => !u.pathname.startsWith("/sign-in")), press("Use a passkey")]);
hold("the passkey is the second factor", true);

const before = (await kept())[0].signCount;
await page.goto(address + "/account");
await press("Remove Key of the test");
await page.waitForLoadState();
hold("removed", !(await main()).includes("Key of the test"), await main());
await leave();
await press("Sign in with a passkey");
await page.waitForFunction(() => /^\S/.test(document.querySelector("[data-passkey-says]")?.textContent ?? ""));
hold(`what was removed opens nothing (after ${before} uses)`, at() === "/sign-in" && (await kept()).length === 1, page.url());
if (complaints.length) throw new Error(`passkeys: errors in the page: ${complaints.join("; ")}`);
await browser.close();
console.log(`${steps} steps with a passkey`);
