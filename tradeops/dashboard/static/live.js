// Hears of changes by server-sent events and takes the changed panels out of the same page, asked for anew.
import { tellAges } from "./ages.js";

const PAUSE = 2_000; // between two looks, however many changes are told
const FIRST_WAIT = 2_000;
const LONGEST_WAIT = 60_000;
const LONGEST_SILENCE = 40_000; // the server speaks every quarter of a minute
const LONGEST_UNSEEN = 60_000; // then what nobody writes any more is seen to be old

let redraw = () => {};
let waited = FIRST_WAIT;
let heardAt = new Date();
let looking = false;
let again = false;
let lookedAt = 0;

export function stayLive(drawCharts) {
  redraw = drawCharts;
  if (document.querySelector("[data-panel]") && "EventSource" in window) {
    connect();
  } else {
    document.getElementById("live")?.remove();
  }
}

function connect() {
  const source = new EventSource("/api/live");
  const hanging = setInterval(() => Date.now() - heardAt > LONGEST_SILENCE && lose(), 5_000);
  source.addEventListener("hello", () => {
    waited = FIRST_WAIT;
    hear();
    look(); // something may have changed while nobody listened: since the page was made, too
  });
  source.addEventListener("changed", () => {
    hear();
    look();
  });
  source.addEventListener("alive", () => {
    hear();
    if (Date.now() - lookedAt > LONGEST_UNSEEN) look();
  });
  source.addEventListener("error", lose);

  function lose() {
    clearInterval(hanging);
    source.close();
    const zone = document.documentElement.dataset.zone;
    const since = heardAt.toLocaleTimeString("en-GB", { timeZone: zone, timeZoneName: "short" });
    show("off", `not live since ${since}`);
    setTimeout(connect, waited * (1 + Math.random() / 4));
    waited = Math.min(waited * 2, LONGEST_WAIT);
  }
}

function hear() {
  heardAt = new Date();
  show("on", "live");
}

function show(state, text) {
  const place = document.getElementById("live");
  if (!place || place.textContent === text) return;
  place.dataset.state = state;
  place.textContent = text;
}

async function look() {
  if (looking) {
    again = true;
    return;
  }
  looking = true;
  await new Promise((resume) => setTimeout(resume, Math.max(0, lookedAt + PAUSE - Date.now())));
  lookedAt = Date.now();
  try {
    const answer = await fetch(location.href, {
      cache: "no-store",
      redirect: "error",
      signal: AbortSignal.timeout(LONGEST_SILENCE),
    });
    if (answer.ok) exchange(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch {
    // the next change, or the connection's own end, tells more
  } finally {
    looking = false;
  }
  if (again) {
    again = false;
    look();
  }
}

function exchange(fresh) {
  let changed = false;
  for (const now of document.querySelectorAll("[data-panel]")) {
    const next = fresh.getElementById(now.id);
    if (!next || next.dataset.mark === now.dataset.mark) continue;
    if (now.contains(document.activeElement) && document.activeElement !== document.body) keepFocus(now, next);
    for (const open of now.querySelectorAll("details[open][id]")) {
      next.querySelector(`#${CSS.escape(open.id)}`)?.setAttribute("open", "");
    }
    now.replaceWith(next);
    changed = true;
  }
  const title = fresh.querySelector("title");
  if (title && title.textContent !== document.title) document.title = title.textContent;
  const news = document.getElementById("news");
  const verdict = fresh.getElementById("verdict")?.textContent.trim();
  if (news && verdict && news.dataset.said !== verdict) {
    news.textContent = news.dataset.said ? verdict.replace(/\s+/g, " ") : "";
    news.dataset.said = verdict;
  }
  if (changed) {
    tellAges();
    redraw();
  }
}

function keepFocus(now, next) {
  const places = "a[href], summary, button, [tabindex]";
  const at = [...now.querySelectorAll(places)].indexOf(document.activeElement);
  requestAnimationFrame(() => next.querySelectorAll(places)[at]?.focus({ preventScroll: true }));
}
