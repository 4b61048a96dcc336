/* The console: keeps the live part of a page up to date, copies codes, shows what is under way. */
"use strict";

const live = document.getElementById("live");
const pulse = document.getElementById("pulse");
const PAUSE = 1500;
let tag = live?.dataset.tag;
let timer = 0;
let leaving = false;

function mark(state, words) {
  pulse.dataset.state = state;
  pulse.textContent = words;
}

/** Whether replacing the live part would take something out of the reader's hands. */
function inUse() {
  const selected = document.getSelection();
  if (selected && !selected.isCollapsed && live.contains(selected.anchorNode)) return true;
  return live.contains(document.activeElement) && document.activeElement.matches("input, select");
}

function replace(html) {
  const known = new Set([...live.querySelectorAll("[data-key]")].map((each) => each.dataset.key));
  const open = new Set([...live.querySelectorAll("details[open][id]")].map((each) => each.id));
  const focused = live.contains(document.activeElement) ? document.activeElement.id : "";
  live.innerHTML = html;
  for (const each of live.querySelectorAll("details[id]")) each.open ||= open.has(each.id);
  for (const each of live.querySelectorAll("[data-key]")) {
    each.classList.toggle("fresh", known.size > 0 && !known.has(each.dataset.key));
  }
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

async function look() {
  const began = performance.now();
  if (!document.hidden && !inUse()) {
    try {
      const answer = await fetch(location.href, { headers: { "X-Live": tag }, cache: "no-store" });
      if (leaving) return;
      const found = await answer.json();
      // Another page than before: the part that it is about has come, or gone.
      if (found.page !== live.dataset.page) return location.reload();
      if (found.html !== null) replace(found.html);
      tag = found.tag;
      mark("on", "live");
    } catch {
      if (leaving) return;
      mark("off", "no answer");
    }
  }
  // A page that takes long to make is asked for less often.
  timer = setTimeout(look, Math.max(PAUSE, 5 * (performance.now() - began)));
}

if (live && live.dataset.live !== "no") {
  mark("on", "live");
  timer = setTimeout(look, PAUSE);
  addEventListener("pagehide", () => {
    leaving = true;
    clearTimeout(timer);
  });
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    leaving = false;
    look();
  });
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const text = button.dataset.copy || document.getElementById(button.dataset.of).textContent;
  await navigator.clipboard.writeText(text);
  const before = button.textContent;
  button.textContent = "Copied";
  setTimeout(() => {
    button.textContent = before;
  }, 1200);
});

document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (!button || event.target.method !== "post") return;
  // Not before the browser has taken the form, of which the button's own value is a part.
  setTimeout(() => {
    button.setAttribute("aria-disabled", "true");
    button.textContent = button.dataset.busy || button.textContent;
  }, 0);
});

const filter = document.getElementById("filter");
filter?.addEventListener("input", () => {
  const wanted = filter.value.toLowerCase();
  for (const each of document.querySelectorAll("[data-search]")) {
    each.hidden = !each.dataset.search.toLowerCase().includes(wanted);
  }
});
filter?.removeAttribute("hidden");

// Not scrollIntoView: the first Tab would then go on from there, past the link to the content.
const current = document.querySelector("nav [aria-current]");
if (current) {
  const nav = current.parentElement;
  nav.scrollLeft = current.offsetLeft - nav.offsetLeft - (nav.clientWidth - current.offsetWidth) / 2;
}
