// A gate that cannot fail says nothing: every check is first held to a page that
// is wrong on purpose.
import { axe, overflow, shape, words } from "./look.mjs";
import { walk } from "./keys.mjs";
import { find } from "./routes.mjs";

const wrongPage = `<!doctype html><html><head><title></title></head><body>
<h1>One</h1><h1>Two</h1><p style="color:#bbb;background:#fff">Faint words. Acme is certified.</p><img src="data:,"><button></button>
<form><input></form><div style="width:3000px">wide</div><a href="#x" style="outline:none">No ring</a></body></html>`;

const expected = ["color-contrast", "html-has-lang", "image-alt", "button-name", "overflow", "words", "one-h1", "sentence", "form-action", "inline", "focus-not-seen"];

// wrongServer answers a page that leads to one that is refused and one that is
// not there.
const wrongServer = {
  get: async (at) => {
    const status = { "/refused": 403, "/gone": 404 }[new URL(at).pathname] ?? 200;
    return { status: () => status, headers: () => ({ "content-type": "text/html" }), text: async () => '<a href="/refused">no</a> <a href="/gone">no</a>' };
  },
};

// follows throws unless links that lead nowhere are reported.
async function follows() {
  const routes = ["/", "/refused", "/gone"].map((pattern) => ({ pattern, roles: [] }));
  const { wrong } = await find(wrongServer, "http://localhost", routes);
  const got = wrong.map((w) => `${w.at} ${w.status}`).sort().join(", ");
  if (got !== "/gone 404, /refused 403") throw new Error(`links that lead nowhere are not reported: ${got}`);
}

// prove throws unless each expectation is reported.
export async function prove(browser, source) {
  await follows();
  const page = await browser.newPage();
  await page.setContent(wrongPage);
  const found = [...(await axe(page, source)), ...(await overflow(page)), ...(await words(page)), ...(await shape(page)).bad, ...(await walk(page)).bad].map((f) => f.rule);
  const colors = (await axe(page, source, { onlyColors: true })).map((f) => f.rule);
  await page.close();
  const silent = expected.filter((rule) => !found.includes(rule));
  if (silent.length || !colors.includes("color-contrast")) throw new Error(`nothing objects to a page that is wrong on purpose: ${silent.join(", ") || "colors"}`);
}
