// What is checked of one screen that is open, beside axe.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import path from "node:path";

const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const colors = ["color-contrast", "link-in-text-block"];

// axeOf reads axe from a folder of modules.
export const axeOf = (modules) => readFileSync(createRequire(path.join(modules, "x.js")).resolve("axe-core/axe.min.js"), "utf8");

// axe runs on the page as it is shown now; dark differs from light in colors only.
export async function axe(page, source, { onlyColors = false } = {}) {
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(source); // past the content policy, which stays on
  const found = await page.evaluate(({ tags, rules, target }) => axe.run(document, {
    runOnly: rules ? { type: "rule", values: rules } : { type: "tag", values: tags },
    ...(rules ? {} : { rules: { "target-size": { enabled: true } } }),
    resultTypes: ["violations"],
  }), { tags, rules: onlyColors ? colors : null });
  return found.violations.flatMap((v) => v.nodes.slice(0, 3).map((n) => ({
    rule: v.id,
    element: `${n.target.join(" ")}${v.nodes.length > 3 ? ` (of ${v.nodes.length})` : ""}: ${(n.any[0] ?? n.all[0] ?? n.none[0])?.message ?? v.help}`,
  })));
}

// overflow names what makes the page scroll sideways.
export const overflow = (page) => page.evaluate(() => {
  const root = document.documentElement, over = root.scrollWidth - root.clientWidth;
  if (over <= 0) return [];
  const contained = (el) => { for (let p = el.parentElement; p && p !== document.body; p = p.parentElement) if (getComputedStyle(p).overflowX !== "visible") return true; return false; };
  const wide = [...document.querySelectorAll("body *")].filter((el) => el.getBoundingClientRect().right > root.clientWidth + 0.5 && !contained(el) && ![...el.children].some((c) => c.getBoundingClientRect().right > root.clientWidth + 0.5));
  const name = (el) => `${el.tagName.toLowerCase()}${el.id ? "#" + el.id : ""}${[...el.classList].map((c) => "." + c).join("")} ${JSON.stringify((el.textContent ?? "").trim().slice(0, 40))}`;
  return [{ rule: "overflow", element: `${over} px: ${wide.slice(0, 3).map(name).join(", ") || "the page"}` }];
});

// Words that are said of no company and no control: software never concludes.
const claims = [
  /\b(non-?)?complian(t|ce status)\b/i, /\bcertified\b/i, /\baudit[- ]ready\b/i,
  /\b(compliance|security|audit|control|readiness|risk)[- ]scores?\b|\bscored\b/i,
  /\b(company|organization|controls?|criterion|criteria|procedures?)\s+(has|have|was|were|is|are)?\s*(pass|passed|passes|passing)\b/i,
  /\bpass(ed|es)?\s+(the\s+)?(audit|examination|control|criterion)\b/i, /\b\d+ (minute|hour|day|week|month|year)s? ago\b/i,
];

// words looks at all that is read on the page; what a source said word for word
// stands in pre and is not ours.
export async function words(page) {
  const said = await page.evaluate(() => {
    const copy = document.body.cloneNode(true);
    for (const el of copy.querySelectorAll("pre, script, style")) el.remove();
    const named = [...copy.querySelectorAll("[aria-label], [title], [placeholder], [alt]")].flatMap((el) => ["aria-label", "title", "placeholder", "alt"].map((a) => el.getAttribute(a) ?? ""));
    for (const el of copy.querySelectorAll("*")) el.append(" ");
    return [document.title, copy.textContent, ...named].join("\n").replace(/\s+/g, " ");
  });
  return claims.flatMap((re) => {
    const m = re.exec(said);
    return m ? [{ rule: "words", element: `...${said.slice(Math.max(0, m.index - 40), m.index + m[0].length + 40)}...` }] : [];
  });
}

// shape is what holds of every page, with scripts on or off.
export const shape = (page) => page.evaluate(() => {
  const bad = [], main = document.querySelectorAll("h1").length;
  if (main !== 1) bad.push({ rule: "one-h1", element: `${main} headings of level 1` });
  const say = document.querySelector(".say, .turn, .g-say");
  if (!say?.textContent.trim()) bad.push({ rule: "sentence", element: "no sentence opens the page" });
  for (const f of document.querySelectorAll("form")) if (!f.hasAttribute("action")) bad.push({ rule: "form-action", element: f.outerHTML.slice(0, 80) });
  if (/<[^>]+\s(style|on[a-z]+)=/.test(document.body.outerHTML)) bad.push({ rule: "inline", element: "a style or script inside the page" });
  return { bad, forms: document.forms.length, nodes: document.getElementsByTagName("*").length };
});
