// What a screen weighs on the wire, beside the budgets.

// budgets are the most a screen may take: bytes as they are sent, and elements.
export const budgets = {
  first: { most: 220 * 1024, name: "first visit" },
  next: { most: 30 * 1024, name: "next page" },
  html: { most: 40 * 1024, name: "HTML" },
  js: { most: 40 * 1024, name: "JS" },
  css: { most: 12 * 1024, name: "CSS" },
  nodes: { most: 3000, name: "elements" },
};

const cold = new Map(); // by address, the most bytes it ever took: an empty cache

// scale returns a function that weighs what the page has loaded since it was last
// asked. What this browser context has never asked for before belongs to a first
// visit alone.
export async function scale(page) {
  const cdp = await page.context().newCDPSession(page);
  const known = new Set();
  let loads = new Map();
  await cdp.send("Network.enable");
  cdp.on("Network.requestWillBeSent", (e) => loads.set(e.requestId, { url: e.request.url, kind: e.type, bytes: 0 }));
  cdp.on("Network.loadingFinished", (e) => { const l = loads.get(e.requestId); if (l) l.bytes = e.encodedDataLength; });
  return () => {
    const all = [...loads.values()].filter((l) => l.url.startsWith("http"));
    loads = new Map();
    const sum = (list, of) => list.reduce((n, l) => n + of(l), 0);
    for (const l of all) cold.set(l.url, Math.max(cold.get(l.url) ?? 0, l.bytes));
    const next = sum(all, (l) => (known.has(l.url) || l.kind === "Document" ? l.bytes : 0));
    for (const l of all) if (l.kind !== "Document") known.add(l.url);
    const of = (kind) => sum(all.filter((l) => l.kind === kind), (l) => cold.get(l.url));
    return { first: sum(all, (l) => cold.get(l.url)), next, html: sum(all, (l) => (l.kind === "Document" ? l.bytes : 0)), js: of("Script"), css: of("Stylesheet") };
  };
}

const kb = (n) => (n / 1024).toFixed(n < 10240 ? 1 : 0);

// missed are the budgets a screen does not keep.
export const missed = (w) => Object.keys(budgets).filter((b) => w[b] > budgets[b].most);

// print writes the table: one line a screen, the heaviest role of each.
export function print(rows) {
  const heads = ["screen", "as", "elements", "HTML KB", "first visit KB", "next page KB", "JS KB", "CSS KB", "in budget"];
  const lines = rows.map((r) => [r.pattern, r.role, String(r.nodes), kb(r.html), kb(r.first), kb(r.next), kb(r.js), kb(r.css),
    missed(r).length ? "NO: " + missed(r).map((b) => budgets[b].name).join(", ") : "yes"]);
  const width = heads.map((h, i) => Math.max(h.length, ...lines.map((l) => l[i].length)));
  const line = (cells) => "| " + cells.map((c, i) => (i > 1 && i < 8 ? c.padStart(width[i]) : c.padEnd(width[i]))).join(" | ") + " |";
  console.log([line(heads), "|" + width.map((w) => "-".repeat(w + 2)).join("|") + "|", ...lines.map(line)].join("\n"));
  const b = budgets;
  console.log(`Budgets: first visit ${kb(b.first.most)} KB, next page ${kb(b.next.most)} KB, HTML ${kb(b.html.most)} KB, JS ${kb(b.js.most)} KB, CSS ${kb(b.css.most)} KB as sent, ${b.nodes.most} elements.`);
}
