// The button that turns light into dark and back; the choice is kept in this browser.
const root = document.documentElement;
const system = matchMedia("(prefers-color-scheme: dark)");

const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);

export function offerThemes(redraw) {
  const button = document.getElementById("theme");
  if (button) {
    button.hidden = false;
    const tell = () => {
      button.setAttribute("aria-label", isDark() ? "Use the light theme" : "Use the dark theme");
      button.textContent = isDark() ? "☀" : "☾";
    };
    button.addEventListener("click", () => {
      root.dataset.theme = isDark() ? "light" : "dark";
      try {
        localStorage.setItem("theme", root.dataset.theme);
      } catch {
        // storage is switched off: the choice lasts as long as the page
      }
      tell();
      redraw(true);
    });
    tell();
  }
  system.addEventListener("change", () => redraw(true));
}
