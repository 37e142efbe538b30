// Single keys press what names them with data-key, while nobody is typing and the
// page says that keys are on. Everything here is a convenience: each page does
// the same without it.
"use strict";
(() => {
  const typing = (el) => el && (el.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(el.tagName));
  addEventListener("keydown", (e) => {
    if (e.defaultPrevented || e.ctrlKey || e.metaKey || e.altKey || document.body.dataset.keys !== "on" || typing(e.target)) return;
    const el = [...document.querySelectorAll("[data-key]")].find((x) => x.dataset.key === e.key && !x.disabled && x.getClientRects().length);
    if (!el) return;
    e.preventDefault();
    if (typing(el)) { el.focus(); el.select(); } else el.click();
  });
  // What is wrong, or what was asked to be looked at, takes the focus.
  const first = document.querySelector(".problem") || (document.querySelector("[data-focus-heading]") && document.getElementById("h"));
  if (first) first.focus();
  // A page about something that runs is read again until it has ended.
  const running = document.querySelector("[data-refresh]");
  if (running) {
    const again = async () => {
      if (document.hidden) return void setTimeout(again, 1000);
      try {
        const res = await fetch(location.href, { headers: { Accept: "text/html" } });
        const next = new DOMParser().parseFromString(await res.text(), "text/html");
        const now = document.querySelector("[data-refresh]"), then = next.querySelector("[data-refresh]");
        if (!now || !then) return void location.reload();
        if (now.innerHTML !== then.innerHTML) now.innerHTML = then.innerHTML;
        setTimeout(again, 2000);
      } catch { setTimeout(again, 5000); }
    };
    setTimeout(again, 2000);
  }
})();
