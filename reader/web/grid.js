// The grid of a test without loading the page anew: moving and marking swap what
// is shown and keep the place. Each step is a link or a form that does the same
// without this.
"use strict";
(() => {
  const grid = () => document.querySelector("[data-grid]");
  if (!grid()) return;
  const keys = () => document.body.dataset.keys === "on";
  const typing = (el) => el && /^(INPUT|TEXTAREA|SELECT)$/.test(el.tagName) && el.type !== "radio" && el.type !== "checkbox";
  const live = document.createElement("div");
  live.setAttribute("role", "status");
  live.className = "sr";
  document.body.append(live);
  let turn = Promise.resolve();
  let waiting = 0;
  const place = () => {
    const want = grid().querySelector("[data-focus]"), cell = grid().querySelector(".g-cur a");
    if (want) want.focus(); else if (cell) cell.focus({ preventScroll: true });
    const row = grid().querySelector(".g-sel");
    if (row) row.scrollIntoView({ block: "nearest" });
    const item = grid().querySelector("[data-says]"), wrong = grid().querySelector(".problem");
    live.textContent = wrong ? wrong.textContent : item ? item.dataset.says : "";
  };
  // One after the other, in the order they were asked for.
  const swap = (ask) => {
    waiting++;
    turn = turn.then(async () => {
      const at = ask();
      if (!at) return;
      const res = await fetch(at.url, { ...at.init, headers: { Accept: "text/html" } });
      const next = new DOMParser().parseFromString(await res.text(), "text/html").querySelector("[data-grid]");
      if (!next) return void location.assign(at.init ? location.href : at.url);
      const y = scrollY;
      grid().replaceWith(next);
      scrollTo(0, y);
      if (res.ok) history.replaceState(null, "", res.url);
      place();
    }).catch(() => location.reload()).finally(() => { if (!--waiting) drain(); });
  };
  const send = (form) => ({ url: form.action, init: { method: "POST", body: new URLSearchParams(new FormData(form)) } });
  const go = (key) => swap(() => {
    const a = grid().querySelector(`a[data-go][data-key="${key}"]`);
    return a && { url: a.href };
  });
  const mark = (digit) => swap(() => {
    const choice = grid().querySelector(`[data-digit="${digit}"]`);
    if (!choice) return null;
    choice.checked = true;
    const note = choice.closest("fieldset").querySelector("[name^=note-]");
    if (digit !== "1" && !note.value) return void note.focus(); // it needs its reason
    return send(choice.form);
  });
  const arrows = { ArrowDown: "j", ArrowUp: "k", ArrowLeft: "h", ArrowRight: "l" };
  const press = (key) => {
    if (/^[1-4]$/.test(key)) return mark(key);
    if (/^[jkhlx]$/.test(key)) return go(key);
    const el = [...document.querySelectorAll("[data-key]")].find((x) => x.dataset.key === key && x.getClientRects().length);
    if (el && typing(el)) el.focus(); else if (el) el.click();
  };
  // What is pressed while an answer is awaited is done after it, in its order.
  const later = [];
  const drain = () => {
    while (later.length && !waiting) {
      const key = later.shift(), el = document.activeElement;
      if (!typing(el)) press(key);
      else if (key === "Enter") el.form.requestSubmit();
      else if (key === "Backspace") el.value = el.value.slice(0, -1);
      else if (key.length === 1) el.value += key;
    }
  };
  addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented) return;
    if (e.key === "Escape" && typing(e.target) && grid().contains(e.target)) {
      e.target.blur();
      return place();
    }
    if (!keys() || typing(e.target) && !(waiting && grid().contains(e.target)) || e.target.type === "radio" && arrows[e.key]) return;
    const key = arrows[e.key] || e.key;
    const held = waiting && (key.length === 1 || /^(Enter|Backspace)$/.test(key));
    if (!held && (typing(e.target) || !/^[1-4jkhlx]$/.test(key))) return;
    e.preventDefault();
    e.stopImmediatePropagation();
    if (held) later.push(key); else press(key);
  }, true);
  addEventListener("click", (e) => {
    const a = e.target.closest && e.target.closest("a[data-go]");
    if (!a || e.ctrlKey || e.metaKey || e.shiftKey || e.button) return;
    e.preventDefault();
    swap(() => ({ url: a.href }));
  });
  addEventListener("submit", (e) => {
    if (!e.target.matches("[data-mark]")) return;
    e.preventDefault();
    swap(() => send(e.target));
  });
  place();
})();
