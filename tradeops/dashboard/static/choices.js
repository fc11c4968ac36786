// A changed time zone is taken at once; the browser's own zone is offered too.
export function offerChoices() {
  const zones = document.querySelector("select[name=tz]");
  if (!zones) return;
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (own && ![...zones.options].some((option) => option.value === own)) {
    zones.add(new Option(`${own} (this browser)`, own));
  }
  zones.addEventListener("change", () => zones.form.requestSubmit());
  zones.form.querySelector("button").hidden = true;
}
