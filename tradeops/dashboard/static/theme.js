// Runs before the first paint, so that a chosen theme never flashes in the other one.
const chosen = (() => {
  try {
    return localStorage.getItem("theme");
  } catch {
    return null; // storage is switched off: the system's theme it is
  }
})();
if (chosen === "dark" || chosen === "light") document.documentElement.dataset.theme = chosen;
