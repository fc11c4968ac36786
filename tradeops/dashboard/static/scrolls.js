// A table that is wider than its place can be reached by the keyboard, to be scrolled; one that is not is no stop.
export function markScrolls() {
  for (const place of document.querySelectorAll(".scroll")) {
    if (place.scrollWidth > place.clientWidth) place.tabIndex = 0;
    else place.removeAttribute("tabindex");
  }
}

export function keepScrolls() {
  markScrolls();
  addEventListener("resize", markScrolls);
}
