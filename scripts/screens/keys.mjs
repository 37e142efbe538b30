// A walk by keyboard: Tab reaches every control, what has the focus is seen and
// not covered, the skip link leads to the content, "/" goes to the search, and
// single keys can be switched off.

// here describes what has the focus.
const here = (page) => page.evaluate(() => {
  const el = document.activeElement;
  if (!el || el === document.body) return null;
  el.dataset.stop ??= String(document.querySelectorAll("[data-stop]").length + 1);
  const box = [...el.getClientRects()].find((r) => r.width > 0 && r.height > 0), style = getComputedStyle(el);
  const mid = box && document.elementFromPoint(Math.min(innerWidth - 1, Math.max(0, box.x + box.width / 2)), Math.min(innerHeight - 1, Math.max(0, box.y + box.height / 2)));
  return {
    stop: el.dataset.stop,
    name: `${el.tagName.toLowerCase()} ${JSON.stringify((el.getAttribute("aria-label") || el.innerText || el.id || "").trim().slice(0, 40))}`,
    ring: (parseFloat(style.outlineWidth) > 0 && style.outlineStyle !== "none") || style.boxShadow !== "none",
    clear: Boolean(mid) && (el.contains(mid) || mid.contains(el)),
  };
});

// unreached are controls that are shown and that no Tab came to. Of a group of
// radio buttons one is a stop.
const unreached = (page) => page.evaluate(() => {
  const stops = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")];
  const of = (el) => el.type === "radio" && el.name ? [...document.getElementsByName(el.name)] : [el];
  return stops.filter((el) => el.tabIndex >= 0 && !el.disabled && el.type !== "hidden" && el.checkVisibility({ visibilityProperty: true }) && !of(el).some((x) => x.dataset.stop))
    .slice(0, 3).map((el) => `${el.tagName.toLowerCase()} ${JSON.stringify((el.innerText || el.id || el.name || "").trim().slice(0, 40))}`);
});

const most = 800; // stops of one page

// walk presses Tab until the page has no more; it returns what is wrong and how
// many stops there were.
export async function walk(page) {
  const bad = [], stops = new Set();
  for (;;) {
    await page.keyboard.press("Tab");
    const at = await here(page);
    if (!at || stops.has(at.stop)) break;
    stops.add(at.stop);
    if (!at.ring) bad.push({ rule: "focus-not-seen", element: at.name });
    if (!at.clear) bad.push({ rule: "focus-covered", element: at.name });
    if (stops.size > most) { bad.push({ rule: "too-many-stops", element: `more than ${most}` }); break; }
  }
  for (const element of await unreached(page)) bad.push({ rule: "tab-does-not-reach", element });
  return { bad, stops: stops.size };
}

// skips checks that the first stop leads past the side bar.
export async function skips(page) {
  await page.keyboard.press("Tab");
  const first = await page.evaluate(() => document.activeElement?.getAttribute("href"));
  if (first !== "#main") return [{ rule: "skip-link", element: `the first stop leads to ${first}` }];
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  const inside = await page.evaluate(() => {
    const main = document.getElementById("main"), el = document.activeElement;
    return main.contains(el) || Boolean(main.compareDocumentPosition(el) & Node.DOCUMENT_POSITION_FOLLOWING);
  });
  return inside ? [] : [{ rule: "skip-link", element: "after it Tab is still before the content" }];
}

const slash = async (page, address) => {
  await page.goto(address + "/controls");
  await page.keyboard.press("/");
  return page.evaluate(() => document.activeElement?.id === "q");
};

// switched presses "/" with single keys as they are, off, and on again.
export async function switched(page, address) {
  const bad = [];
  const turn = async () => {
    await page.goto(address + "/account");
    await Promise.all([page.waitForNavigation(), page.locator('form[action="/account/keys"] button').click()]);
  };
  if (!(await slash(page, address))) bad.push({ rule: "slash", element: "/ does not lead to the search" });
  await turn();
  if (await slash(page, address)) bad.push({ rule: "keys-off", element: "/ still leads to the search after single keys were switched off" });
  await turn();
  if (!(await slash(page, address))) bad.push({ rule: "keys-on", element: "/ does not lead to the search after single keys were switched on again" });
  return bad;
}
