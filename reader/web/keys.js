// Single keys press what names them with data-key, while nobody is typing and the
// page says that keys are on. Everything here is a convenience: each page does
// the same without it.
"use strict";
(() => {
  const typing = (el) => el && (el.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(el.tagName)) && !/^(radio|checkbox)$/.test(el.type);
  addEventListener("keydown", (e) => {
    if (e.defaultPrevented || e.ctrlKey || e.metaKey || e.altKey || document.body.dataset.keys !== "on" || typing(e.target)) return;
    if ((e.key === "Enter" || e.key === " ") && e.target !== document.body) return; // it is for what has the focus
    const el = [...document.querySelectorAll("[data-key]")].find((x) => x.dataset.key === e.key && !x.disabled && x.getClientRects().length);
    if (!el) return;
    e.preventDefault();
    if (typing(el)) { el.focus(); el.select(); return; }
    if (el.type === "radio") el.focus();
    el.click();
  });
  // Passkeys (WebAuthn level 3): the server asks, the browser answers, both as JSON.
  const say = (text) => { const el = document.querySelector("[data-passkey-says]"); if (el) el.textContent = text; };
  const post = async (url, body) => {
    const res = await fetch(url, { method: "POST", headers: { "Content-Type": "application/json" }, body: body === undefined ? "{}" : JSON.stringify(body) });
    const got = res.headers.get("Content-Type") === "application/json" ? await res.json() : { problem: "The server did not answer. Try again in a minute." };
    if (!res.ok) throw new Error(got.problem);
    return got;
  };
  // keep shows recovery codes as a list that can be printed, with one way on.
  const keep = (got, b) => {
    const put = (tag, text, to) => { const el = document.createElement(tag); el.textContent = text; return to.appendChild(el); };
    const card = document.createElement("section");
    card.className = "card";
    const head = put("h2", "Recovery codes", card);
    card.setAttribute("aria-labelledby", (head.id = "h-codes"));
    head.tabIndex = -1;
    put("p", "Each opens your account once without the passkey. They are shown only now: print them or keep them where you keep passwords.", card);
    const list = put("ul", "", card);
    list.className = "codes";
    for (const c of got.codes) put("code", c, put("li", "", list));
    const row = put("div", "", card), on = put("a", "I have kept them: go on", row);
    row.className = "actions";
    on.className = "btn primary";
    on.href = got.next;
    b.closest(".form").replaceWith(card);
    head.focus();
  };
  const known = window.PublicKeyCredential && PublicKeyCredential.parseRequestOptionsFromJSON;
  for (const b of known ? document.querySelectorAll("[data-passkey]") : []) {
    b.hidden = false;
    b.addEventListener("click", async () => {
      try {
        const asked = await post(b.dataset.passkey);
        const got = await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(asked.publicKey) });
        location.assign((await post(b.dataset.passkey + "/answer?next=" + encodeURIComponent(b.dataset.next || "/"), got.toJSON())).next);
      } catch (e) { say(e.name === "NotAllowedError" ? "Nothing was chosen. Press the button to try again." : e.message); }
    });
  }
  for (const b of known ? document.querySelectorAll("[data-new-passkey]") : []) {
    b.hidden = false;
    say("");
    b.addEventListener("click", async () => {
      try {
        const asked = await post("/account/passkeys/new");
        const made = await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(asked.publicKey) });
        const got = await post("/account/passkeys", { name: document.getElementById("pk-name").value, response: made.toJSON() });
        if (got.codes && got.codes.length) keep(got, b); else location.assign(got.next);
      } catch (e) { say(e.name === "NotAllowedError" ? "Nothing was added. Press the button to try again." : e.message); }
    });
  }
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
