// The kiosk's pages work as plain forms; this adds the on-screen keyboard, notices
// when a page is out of date, and warns before the time runs out.
"use strict";
const all = (what, from = document) => [...from.querySelectorAll(what)];
const one = (what) => document.querySelector(what);
const shown = document.body.dataset.view;

(one("[data-focus-first]") || one("[data-focus]"))?.focus();

// A form is sent once.
for (const form of all("form[data-once]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
    form.setAttribute("aria-busy", "true");
  });
}

const entry = one("form[data-entry]");
if (entry) {
  const input = one("#password");
  const show = one("[data-show]");
  const changed = () => {
    input.value = input.value.toUpperCase().replace(/[^A-Z0-9]/g, "").slice(0, input.maxLength);
    const count = one("[data-count]");
    if (count) count.textContent = String(input.value.length);
    one("[data-submit]").classList.toggle("waits", !entry.checkValidity());
  };
  input.addEventListener("input", changed);
  for (const key of all("[data-key]")) {
    key.addEventListener("click", () => {
      input.value += key.dataset.key;
      changed();
    });
  }
  one("[data-delete]")?.addEventListener("click", () => {
    input.value = input.value.slice(0, -1);
    changed();
  });
  one("[data-clear]").addEventListener("click", () => {
    input.value = "";
    changed();
    input.focus();
  });
  show?.addEventListener("click", () => {
    const visible = input.type === "password";
    input.type = visible ? "text" : "password";
    show.setAttribute("aria-pressed", String(visible));
    for (const part of all("[data-when]", show)) part.hidden = (part.dataset.when === "shown") !== visible;
  });
  // The page must not keep what was typed when it is left.
  addEventListener("pagehide", () => { input.value = ""; });
  changed();
}

// Out of date, progress, time.
const over = one("#timeout");
const touch = () => fetch("/do/touch", { method: "POST" }).catch(() => {});
let touched = 0;
for (const kind of ["pointerdown", "keydown"]) {
  addEventListener(kind, () => {
    if (Date.now() - touched < 3000) return;
    touched = Date.now();
    touch();
  }, { passive: true });
}
let before = null;
const warn = (left) => {
  if (!over) return;
  const late = left !== null && left <= 30;
  if (late) one("[data-seconds]").textContent = String(left);
  if (late && over.hidden) {
    before = document.activeElement;
    over.hidden = false;
    for (const part of all("header, main, footer")) part.inert = true;
    one("[data-stay]").focus();
  } else if (!late && !over.hidden) {
    over.hidden = true;
    for (const part of all("header, main, footer")) part.inert = false;
    before?.focus();
  }
};
one("[data-stay]")?.addEventListener("click", () => touch().then(() => warn(null)));

let lastStep = "";
const look = async () => {
  try {
    const now = await (await fetch("/view")).json();
    if (now.view !== shown) {
      location.replace("/");
      return;
    }
    warn(now.seconds_left);
    if ("progress" in document.body.dataset) {
      const part = await (await fetch("/progress")).text();
      const place = one("[data-part]");
      place.innerHTML = part;
      const step = one("[aria-current=step]", place)?.textContent ?? "";
      if (step !== lastStep) {
        lastStep = step;
        one("[data-say]").textContent = step;
      }
    }
  } catch {
    // The kiosk is being started again: asked until it answers.
  }
  setTimeout(look, "progress" in document.body.dataset ? 300 : 700);
};
if (shown !== undefined) {
  const say = document.createElement("p");
  say.className = "unseen";
  say.dataset.say = "";
  say.setAttribute("role", "status");
  one("main").append(say);
  look();
}

// Three seconds on the heading open the attendant's page.
const name = one("[data-attendant]");
if (name) {
  let timer;
  name.addEventListener("pointerdown", () => { timer = setTimeout(() => location.assign("/attendant"), 3000); });
  for (const end of ["pointerup", "pointerleave", "pointercancel"]) name.addEventListener(end, () => clearTimeout(timer));
  name.addEventListener("contextmenu", (event) => event.preventDefault());
}
