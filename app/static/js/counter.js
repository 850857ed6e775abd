// The counter: keys in place of a mouse, and a page that survives a lost connection.
(() => {
  const FIELDS = "input:not([type=hidden]), select";
  const isPlain = (event) => !event.altKey && !event.ctrlKey && !event.metaKey && !event.shiftKey;

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

  // F-keys: a link is followed, a button pressed, a field selected; in a dialog, F10 agrees. Escape
  // goes back.
  document.addEventListener("keydown", (event) => {
    if (!isPlain(event)) return;
    const dialog = document.querySelector("dialog[open]");
    const target = dialog
      ? event.key === "F10" && dialog.querySelector("[data-send]")
      : document.querySelector(`[aria-keyshortcuts="${event.key}"]`);
    if (!target || target.disabled) return;
    event.preventDefault();
    if (target.matches(FIELDS)) target.select?.();
    else target.click();
  });

  // Without a connection nothing is sent, and what was typed stays. The form's token lets it be sent
  // again without a second effect.
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.querySelector("[data-keyed]") || form.dataset.online) return;
    event.preventDefault();
    event.stopPropagation();
    const isOnline = await fetch(location.pathname, { method: "HEAD", cache: "no-store" }).then(() => true, () => false);
    say(form, isOnline ? "" : "No connection: nothing was sent. Try again when it is back.");
    if (!isOnline) return;
    form.dataset.online = "yes";
    form.requestSubmit();
  }, true);
  window.addEventListener("pageshow", () => document.querySelectorAll("form[data-online]").forEach((form) => delete form.dataset.online));

  function say(form, text) {
    let note = form.querySelector(".offline-note");
    if (!note) {
      note = document.createElement("p");
      note.className = "field-problem offline-note";
      note.setAttribute("role", "alert");
      form.append(note);
    }
    note.textContent = text;
  }

  // A receipt that was just written is printed, once.
  if (document.querySelector("[data-prints-now]")) {
    history.replaceState(null, "", location.pathname);
    print();
  }
})();
