// Behaviour of lists and forms.
(() => {
  // In a list, the arrows move between the rows' links; Enter follows a link by itself.
  document.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || !event.target.matches("[data-row-link], .table-scroll")) return;
    const links = [...document.querySelectorAll("[data-list] [data-row-link]")];
    const next = links[links.indexOf(event.target) + step];
    if (!next) return;
    event.preventDefault();
    next.focus();
  });

  // An act that cannot be undone asks first, in a dialog that restates it.
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-confirm], [data-close], [data-send]");
    if (!button) return;
    if (button.dataset.confirm) {
      // A form with an empty field is refused anyway: it is sent, to show its problems.
      if ([...button.form.elements].some((control) => control.required && !control.value.trim())) return;
      event.preventDefault();
      const dialog = document.getElementById(button.dataset.confirm);
      dialog.querySelectorAll("[data-value-of]").forEach(restate);
      dialog.querySelectorAll("[data-if-chosen]").forEach((part) => {
        part.hidden = document.getElementById(part.dataset.ifChosen).value !== part.dataset.value;
      });
      dialog.showModal();
    } else {
      button.closest("dialog").close();
      if (button.dataset.send) document.getElementById(button.dataset.send).requestSubmit();
    }
  });

  function restate(place) {
    const control = document.getElementById(place.dataset.valueOf);
    // Of many numbers at a counter, those that are not zero.
    place.hidden = place.previousElementSibling.hidden = Boolean(control.closest("[data-keyed]")) && !control.value;
    place.textContent = (control.selectedOptions ? control.selectedOptions[0].text : control.value) || "–";
  }

  // A form that was sent says so and cannot be sent twice. When the browser brings the page back
  // from its memory, the form can be used again.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || event.defaultPrevented || form.id === "theme-switch") return;
    if (form.ariaBusy === "true") {
      event.preventDefault();
      return;
    }
    form.ariaBusy = "true";
    // A disabled button would not be part of what is sent.
    setTimeout(() => form.querySelectorAll("button[type=submit]").forEach((button) => { button.disabled = true; }));
    // A download leaves the page open.
    if (form.dataset.download !== undefined) setTimeout(() => release(form), 3000);
  });
  function release(form) {
    form.ariaBusy = null;
    form.querySelectorAll("button[type=submit]").forEach((button) => { button.disabled = false; });
  }
  window.addEventListener("pageshow", () => document.querySelectorAll("form[aria-busy=true]").forEach(release));
})();
