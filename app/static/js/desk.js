// Behaviour of every page: the theme, the way back to a list, copy buttons, and regions that
// refresh themselves (data-refreshes).
(() => {
  const GRACE_MS = 12_000;
  const RESULT_MS = 3000;
  const YEAR_SECONDS = 365 * 24 * 3600;
  const refreshedAt = new Map();

  // Switch between light and dark without a request; the server reads the same cookie.
  document.addEventListener("submit", (event) => {
    if (event.target.id !== "theme-switch") return;
    event.preventDefault();
    const chosen = event.submitter.value;
    document.documentElement.dataset.bsTheme = chosen;
    const secure = location.protocol === "https:" ? "; secure" : "";
    document.cookie = `theme=${chosen}; path=/; max-age=${YEAR_SECONDS}; samesite=lax${secure}`;
    event.target.querySelector(`[value=${chosen === "dark" ? "light" : "dark"}]`).focus();
  });

  const regions = () => document.querySelectorAll("[data-refreshes]");
  const noteOf = (region) => document.querySelector(`[data-refresh-of="${region.id}"]`);

  function say(note, text) {
    // Unchanged text is left alone: a live region would be read out again.
    if (note && note.textContent !== text) note.textContent = text;
  }

  function settle(region) {
    refreshedAt.set(region.id, Date.now());
    region.classList.remove("is-outdated");
    say(noteOf(region), "Live");
    noteOf(region)?.classList.remove("is-outdated", "is-waiting");
  }

  // A list waits while a person is in it: rows would move, and ticks and typed filters be lost.
  function isInUse(region) {
    if (!region.hasAttribute("data-list")) return false;
    const isChanged = (control) => control.type === "checkbox" ? control.checked !== control.defaultChecked
      : control.options ? [...control.options].some((option) => option.selected !== option.defaultSelected)
      : control.value !== control.defaultValue;
    return region.contains(document.activeElement) || region.querySelector(":popover-open")
      || [...region.querySelectorAll("input, select")].some(isChanged);
  }

  function watch() {
    if (document.hidden) return;
    for (const region of regions()) {
      if (Date.now() - refreshedAt.get(region.id) < GRACE_MS) continue;
      region.classList.add("is-outdated");
      noteOf(region)?.classList.add("is-outdated");
      say(noteOf(region), "Not updating. These figures are old. Trying again …");
    }
  }

  // A hidden tab does not refresh. When it is shown again, it gets time to catch up.
  document.addEventListener("htmx:before:request", (event) => {
    const { sourceElement } = event.detail.ctx;
    if (!sourceElement.hasAttribute("data-refreshes")) return;
    if (document.hidden) event.preventDefault();
    if (isInUse(sourceElement)) {
      event.preventDefault();
      refreshedAt.set(sourceElement.id, Date.now());
      noteOf(sourceElement)?.classList.add("is-waiting");
      say(noteOf(sourceElement), "Waits while you work in the list");
    }
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) regions().forEach(settle);
  });
  document.addEventListener("htmx:finally:request", (event) => {
    const { ctx } = event.detail;
    const region = ctx.sourceElement;
    if (ctx.status === "swapped" && ctx.response.status < 400 && region.id && region.hasAttribute("data-refreshes")) {
      settle(document.getElementById(region.id));
      document.dispatchEvent(new CustomEvent("desk:refreshed", { detail: region.id }));
    }
  });
  document.addEventListener("htmx:after:swap", () => {
    focusFirstProblem();
    soundAlarm();
  });

  // The sidebar counts what the home counts, as often.
  document.addEventListener("desk:refreshed", (event) => {
    for (const count of document.getElementById(event.detail).querySelectorAll("[data-count-of]")) {
      const badge = document.querySelector(`[data-count="${count.dataset.countOf}"]`);
      badge.hidden = count.textContent === "0";
      say(badge.firstElementChild, count.textContent);
      say(badge.lastElementChild, badge.dataset.words);
    }
  });

  // Copy buttons (data-copy), shown by this class: a page without https has no clipboard.
  document.documentElement.classList.toggle("can-copy", Boolean(navigator.clipboard));
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const isCopied = await navigator.clipboard.writeText(button.dataset.copy).then(() => true, () => false);
    button.dataset.result = isCopied ? "Copied" : "Not copied: select the text instead";
    announce(button.dataset.result);
    setTimeout(() => delete button.dataset.result, RESULT_MS);
  });

  // Buttons that print the page, shown where there is script.
  for (const button of document.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => print());
  }

  function announce(text) {
    const region = document.getElementById("announcement");
    region.textContent = "";
    // The same text again is read only if the region was empty in between.
    setTimeout(() => say(region, text), 50);
  }

  function focusFirstProblem() {
    document.querySelector("[data-takes-focus]")?.focus();
  }

  // A person at the packing station looks at the goods, not at the screen.
  function soundAlarm() {
    if (!document.querySelector("[data-alarms] .error-summary")) return;
    const audio = new AudioContext();
    const tone = new OscillatorNode(audio, { type: "square", frequency: 220 });
    tone.connect(new GainNode(audio, { gain: 0.2 })).connect(audio.destination);
    tone.start();
    tone.stop(audio.currentTime + 0.6);
  }

  // The link to the list leads to the filters that the list had when this tab came from it, also
  // after a reload and after a form of the page.
  function keepFilters() {
    const list = document.querySelector("[data-list]");
    if (!list) return;
    const from = document.referrer ? new URL(document.referrer) : null;
    if (from?.origin === location.origin && from.pathname === list.pathname) {
      sessionStorage.setItem(list.pathname, from.search);
    }
    list.search = sessionStorage.getItem(list.pathname) ?? "";
  }

  // The next person at this screen starts without them.
  if (document.getElementById("sign-in")) sessionStorage.clear();
  keepFilters();
  regions().forEach(settle);
  focusFirstProblem();
  soundAlarm();
  setInterval(watch, 1000);
})();
