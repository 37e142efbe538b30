// A gate that cannot fail says nothing: every check is first held to a page that
// is wrong on purpose.
import { axe, overflow, shape, words } from "./look.mjs";
import { walk } from "./keys.mjs";

const wrongPage = `<!doctype html><html><head><title></title></head><body>
<h1>One</h1><h1>Two</h1><p style="color:#bbb;background:#fff">Faint words. Acme is certified.</p><img src="data:,"><button></button>
<form><input></form><div style="width:3000px">wide</div><a href="#x" style="outline:none">No ring</a></body></html>`;

const expected = ["color-contrast", "html-has-lang", "image-alt", "button-name", "overflow", "words", "one-h1", "sentence", "form-action", "inline", "focus-not-seen"];

// prove throws unless each expectation is reported.
export async function prove(browser, source) {
  const page = await browser.newPage();
  await page.setContent(wrongPage);
  const found = [...(await axe(page, source)), ...(await overflow(page)), ...(await words(page)), ...(await shape(page)).bad, ...(await walk(page)).bad].map((f) => f.rule);
  const colors = (await axe(page, source, { onlyColors: true })).map((f) => f.rule);
  await page.close();
  const silent = expected.filter((rule) => !found.includes(rule));
  if (silent.length || !colors.includes("color-contrast")) throw new Error(`nothing objects to a page that is wrong on purpose: ${silent.join(", ") || "colors"}`);
}
