// The addresses of the screens, from the table that reader/web's own test holds
// to what the server answers, and one real example of each, found by following
// links as the person who is signed in.
import { readFileSync } from "node:fs";

// table reads reader/web/testdata/matrix.txt: for every GET address the roles
// that get through to it.
export function table(file) {
  const columns = new Map();
  const routes = [];
  for (const line of readFileSync(file, "utf8").split("\n")) {
    const head = /^column +(\d+): (.*)$/.exec(line);
    if (head) columns.set(Number(head[1]) - 1, head[2]);
    const row = /^GET (\S+) .*?((?: [x-])+)$/.exec(line);
    if (!row) continue;
    const marks = row[2].trim().split(" ");
    routes.push({ pattern: row[1].replace("{$}", ""), roles: marks.flatMap((m, i) => (m === "x" ? [columns.get(i)] : [])) });
  }
  if (routes.length < 20) throw new Error(`${file}: only ${routes.length} addresses were read; its form has changed`);
  return routes;
}

const parts = (s) => s.split("/").slice(1);

// patternOf is the address a path belongs to, the most literal first, as the
// server's own table has it; null where there is none.
export function patternOf(routes, path) {
  const have = parts(path);
  const rank = (p) => parts(p).map((x) => (x.startsWith("{") ? "1" : "0")).join("");
  const fits = routes.map((r) => r.pattern).filter((p) => {
    const want = parts(p);
    return want.length === have.length && want.every((x, i) => (x.startsWith("{") ? have[i] !== "" : x === have[i]));
  });
  return fits.sort((a, b) => rank(a).localeCompare(rank(b)))[0] ?? null;
}

const unescaped = (s) => s.replaceAll("&amp;", "&").replaceAll("&#43;", "+").replaceAll("&#39;", "'").replaceAll("&#34;", '"');

// How many pages of one address are read for their links.
const perPattern = 4;

// byHand are addresses to try of an address no link led to: the way further in
// from one that was found, such as a review's end while accounts are undecided.
function byHand(pattern, found) {
  const cut = pattern.lastIndexOf("/");
  const above = found.get(pattern.slice(0, cut))?.at.split("?")[0];
  return above && !pattern.slice(cut).includes("{") ? [above + pattern.slice(cut)] : [];
}

// find follows links from the first pages and from starts. found has by pattern one example with
// its type of content; wrong, the links that lead to what is refused or not there.
export async function find(request, address, routes, starts = []) {
  const found = new Map(), seen = new Map(), wrong = [];
  const waiting = new Map(routes.map((r) => [r.pattern, { read: 0, links: r.pattern.includes("{") ? [] : [r.pattern] }]));
  for (const at of starts) waiting.get(patternOf(routes, at)).links.push(at);
  const add = (href, from) => {
    const u = new URL(href, address + from);
    const to = u.pathname + u.search;
    if (u.origin !== address || seen.has(to)) return;
    seen.set(to, from);
    const w = waiting.get(patternOf(routes, u.pathname));
    if (w && w.links.length < 2 * perPattern && !w.links.includes(to)) w.links.push(to);
  };
  for (;;) {
    const [pattern, w] = [...waiting].filter(([, w]) => w.links.length && w.read < perPattern).sort(([, a], [, b]) => a.read - b.read)[0] ?? [];
    if (!pattern) break;
    const at = w.links.shift();
    w.read++;
    const answer = await request.get(address + at, { maxRedirects: 0 });
    const status = answer.status();
    if (status >= 300 && status < 400) add(answer.headers().location ?? "/", at);
    else if (status !== 200 && (seen.has(at) || status !== 403)) wrong.push({ at, to: pattern, from: patternOf(routes, (seen.get(at) ?? "").split("?")[0]) ?? "", status });
    if (status !== 200) continue;
    const type = (answer.headers()["content-type"] ?? "").split(";")[0];
    if (!found.has(pattern)) found.set(pattern, { at, type });
    if (type !== "text/html") continue;
    for (const m of (await answer.text()).matchAll(/\shref="([^"]*)"/g)) add(unescaped(m[1]), at);
  }
  for (const { pattern } of routes.filter((r) => !found.has(r.pattern))) {
    for (const at of byHand(pattern, found)) {
      const answer = await request.get(address + at, { maxRedirects: 0 });
      if (answer.status() === 200) found.set(pattern, { at, type: (answer.headers()["content-type"] ?? "").split(";")[0] });
    }
  }
  return { found, wrong };
}
