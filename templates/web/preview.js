"use strict";
// Everything that can be seen works without this; with it the page follows the file by itself.

const byId = (id) => document.getElementById(id);
const frames = [...document.querySelectorAll("[data-frame]")];
const AGAIN_AFTER = 1000;
const STEP = 0.8;

/* What is chosen stays chosen when the page is loaded anew. */
for (const input of document.querySelectorAll("input[type=radio]")) {
  if (sessionStorage.getItem(input.name) === input.id) input.checked = true;
}
if (sessionStorage.getItem("keys") === "off") byId("keys-on").checked = false;

function scheme() {
  return byId("dark").checked ? "dark" : "light";
}

/* A frame that loads anew keeps its place in the mail; here it waits until the mail is there. */
const places = new Map();

function load(frame, stamp) {
  const address = `${frame.dataset[scheme()]}?${stamp}`;
  if (!places.has(frame)) places.set(frame, frame.contentWindow?.scrollY ?? 0);
  frame.addEventListener("load", () => {
    frame.contentWindow.scrollTo(0, places.get(frame) ?? frame.contentWindow.scrollY);
    places.delete(frame);
  }, { once: true });
  frame.contentWindow.location.replace(address);
  frame.dataset.shown = address;
}

function loadFrames() {
  const stamp = document.body.dataset.stamp;
  for (const frame of frames) {
    if (frame.dataset.shown !== `${frame.dataset[scheme()]}?${stamp}`) load(frame, stamp);
  }
}

document.addEventListener("change", (event) => {
  const input = event.target;
  if (input.type === "radio") sessionStorage.setItem(input.name, input.id);
  if (input.id === "keys-on") sessionStorage.setItem("keys", input.checked ? "on" : "off");
  if (input.name === "scheme") loadFrames();
});

/* Puts what changed on the page in its place, and leaves the rest, and where one is in it. */
async function show() {
  const answer = await fetch("/");
  if (!answer.ok) throw new Error(answer.statusText);
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const other = fresh.querySelector(`[data-live="${part.dataset.live}"]`);
    if (other && other.innerHTML !== part.innerHTML) part.replaceChildren(...other.childNodes);
  }
  document.title = fresh.title;
}

async function follow() {
  for (;;) {
    try {
      const answer = await fetch(`/changes?since=${document.body.dataset.stamp}`);
      if (!answer.ok) throw new Error(answer.statusText);
      const stamp = await answer.text();
      if (stamp !== document.body.dataset.stamp) {
        document.body.dataset.stamp = stamp;
        // Of a broken file there is no new mail.
        if (!answer.headers.get("X-Broken")) loadFrames();
        await show();
      }
      byId("live").textContent = "The page follows the file";
      document.body.classList.remove("ended");
    } catch {
      byId("live").textContent = "The preview has ended; this is what it showed last";
      document.body.classList.add("ended");
      // Whatever answers next is to be shown.
      document.body.dataset.stamp = "";
      await new Promise((resolve) => setTimeout(resolve, AGAIN_AFTER));
    }
  }
}

const choose = (id) => () => byId(id).click();
const jump = (id) => () => { byId(id).focus(); byId(id).scrollIntoView({ block: "nearest" }); };
const scroll = (by) => () => {
  for (const frame of frames) {
    const way = by * STEP * frame.clientHeight;
    if (places.has(frame)) places.set(frame, Math.max(0, places.get(frame) + way));
    else frame.contentWindow.scrollBy(0, way);
  }
};
const KEYS = {
  1: choose("both"), 2: choose("phone"), 3: choose("desk"), 4: choose("text"),
  d: () => byId(scheme() === "dark" ? "light" : "dark").click(),
  j: scroll(1), k: scroll(-1), f: jump("findings"), o: jump("left"),
  "?": () => byId("keys").showModal(),
};

function press(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || byId("keys").open) return;
  if (!byId("keys-on").checked || !(event.key in KEYS)) return;
  event.preventDefault();
  KEYS[event.key]();
}

document.addEventListener("keydown", press);
for (const frame of frames) {
  // Whoever clicked into a mail goes on using the keys there.
  frame.addEventListener("load", () => frame.contentDocument.addEventListener("keydown", press));
}
byId("keys-button").addEventListener("click", () => byId("keys").showModal());

loadFrames();
follow();
