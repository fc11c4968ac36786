// Ages grow while a page is open; what outlives its bound turns grey.
const STEPS = [
  [60, 1, "s"],
  [3600, 60, "min"],
  [172800, 3600, "h"],
  [Infinity, 86400, "d"],
];

export function age(seconds) {
  const [, unit, name] = STEPS.find(([below]) => seconds < below);
  return `${Math.floor(seconds / unit)} ${name}`;
}

function tell() {
  for (const time of document.querySelectorAll("time[data-age]")) {
    const seconds = Math.max(0, (Date.now() - Date.parse(time.dateTime)) / 1000);
    time.textContent = age(seconds);
    const bound = Number(time.dataset.bound);
    if (bound) time.closest("[data-panel]")?.classList.toggle("stale", seconds > bound);
  }
}

export function keepAges() {
  tell();
  setInterval(tell, 10_000);
}

export { tell as tellAges };
