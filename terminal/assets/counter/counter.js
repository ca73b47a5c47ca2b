// Progressive help for the clerk's pages: function keys, what is being worked on, and
// the state of link and readers. Every page works without it.
"use strict";

// Function keys and Esc press what is marked with them.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const target = document.querySelector(`[data-key="${event.key}"]`);
  if (!target) return;
  event.preventDefault();
  // What is opened is gone into.
  if (target.matches("summary")) target.focus();
  target.click();
});

// One press is one press, and a long one shows that it goes on.
for (const form of document.forms) {
  form.addEventListener("submit", () => {
    setTimeout(() => {
      for (const button of document.querySelectorAll("button")) button.disabled = true;
    });
    const working = form.querySelector(".working");
    if (!working) return;
    working.classList.add("on");
    const seconds = working.querySelector("[data-seconds]");
    const since = Date.now();
    setInterval(() => { seconds.textContent = Math.round((Date.now() - since) / 1000); }, 500);
  });
}
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}

// Link and readers, every second.
function look(reader) {
  if (reader.fault) return "fault:away";
  if (!reader.card) return "idle:none";
  if (reader.card.busy) return "ok:busy";
  if (reader.card.foreign || reader.card.fault) return "fault:foreign";
  return "ok:card";
}
function show(name, state) {
  const chip = document.querySelector(`[data-chip="${name}"]`);
  if (!chip) return;
  const [looks, text] = state.split(":");
  chip.dataset.look = looks;
  chip.querySelector("span").textContent = chip.dataset[text];
}
async function ask() {
  let status;
  try {
    status = await (await fetch("/api/status")).json();
  } catch {
    return;
  }
  show("gateway", status.gateway === "up" ? "ok:up" : "fault:down");
  show("resident", look(status.readers.resident));
  show("operator", look(status.readers.operator));
  // The session was taken from this page: locked by time, or suspended.
  const here = document.body.dataset.here;
  if (here && !status.operator && status.locked) {
    location.replace(`/screens/lock?next=${here}`);
    return;
  }
  const waiting = document.querySelector("[data-wait]");
  const card = status.readers.resident.card;
  const state = card && card.state ? `${card.id} ${card.state}` : "";
  if (waiting && !(card && card.busy) && state !== waiting.dataset.wait) location.reload();
}
if (document.querySelector("[data-chip]")) setInterval(ask, 1000);

// Whoever types is there: the server is told now and then, so that it does not lock.
let told = Date.now();
function awake() {
  const local = document.querySelector('input[name="local"]');
  if (!document.body.dataset.here || !local || Date.now() - told < 2000) return;
  told = Date.now();
  fetch("/screens/awake", { method: "POST", body: new URLSearchParams({ local: local.value }) }).catch(() => {});
}
for (const sign of ["keydown", "pointerdown"]) addEventListener(sign, awake);
