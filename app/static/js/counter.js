// The counter: keys in place of a mouse.
(() => {
  const FIELDS = "input:not([type=hidden]), select";

  // Enter goes to the next field of a form, and sends it at the last one.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || !event.target.matches(FIELDS)) return;
    const fields = [...(event.target.closest("[data-keyed]")?.querySelectorAll(FIELDS) ?? [])];
    const next = fields[fields.indexOf(event.target) + 1];
    if (!next) return;
    event.preventDefault();
    next.focus();
    next.select?.();
  });

  // F-keys: a link is followed, a button pressed, a field selected. Escape goes back.
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || document.querySelector("dialog[open]")) return;
    const target = document.querySelector(`[aria-keyshortcuts="${event.key}"]`);
    if (!target || target.disabled) return;
    event.preventDefault();
    if (target.matches(FIELDS)) target.select?.();
    else target.click();
  });
})();
