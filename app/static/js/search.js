// The search over every page, the sheet of shortcuts, and the shortcuts themselves. A letter alone is
// one only for people who have not switched that off (data-single-keys).
(() => {
  const PAGE_KEY_MS = 1500;
  const search = document.getElementById("search");
  const sheet = document.getElementById("shortcuts");
  if (!search) return;
  const box = document.getElementById("search-q");
  const found = document.getElementById("search-found");
  // Until when the next letter opens a page.
  let opensPageUntil = 0;
  // Whether the results are of an earlier text.
  let isOutdated = false;

  function open(dialog) {
    if (!dialog.open) dialog.showModal();
    if (dialog === search) box.select();
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-opens]");
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      link.closest("[popover]")?.hidePopover();
      open(document.getElementById(link.dataset.opens));
    }
    // A click beside a dialog is a click on its backdrop, which is the dialog itself.
    if (event.target.closest("[data-closes]") || event.target === search || event.target === sheet) {
      event.target.closest("dialog").close();
    }
  });

  document.addEventListener("keydown", (event) => {
    const isCommand = event.ctrlKey !== event.metaKey && !event.altKey && !event.shiftKey;
    if (isCommand && event.key.toLowerCase() === "k") {
      event.preventDefault();
      sheet.close();
      open(search);
    } else if (isSingleKey(event)) {
      useSingleKey(event);
    }
  });

  function isSingleKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat) return false;
    if (!document.querySelector("[data-single-keys]") || document.querySelector("dialog[open]")) return false;
    return !event.target.closest("input, select, textarea, [contenteditable]");
  }

  function useSingleKey(event) {
    const opensPage = Date.now() < opensPageUntil;
    opensPageUntil = 0;
    const link = opensPage && document.querySelector(`.desk-nav [data-key="${CSS.escape(event.key)}"]`);
    if (link) link.click();
    else if (event.key === "/") open(search);
    else if (event.key === "?") open(sheet);
    else if (event.key === "g") opensPageUntil = Date.now() + PAGE_KEY_MS;
    else return;
    event.preventDefault();
  }

  const options = () => [...found.querySelectorAll("[role=option]")];
  const chosen = () => found.querySelector("[aria-selected=true]");

  function choose(option) {
    chosen()?.setAttribute("aria-selected", "false");
    option?.setAttribute("aria-selected", "true");
    option?.scrollIntoView({ block: "nearest" });
    box.setAttribute("aria-expanded", String(Boolean(option)));
    if (option) box.setAttribute("aria-activedescendant", option.id);
    else box.removeAttribute("aria-activedescendant");
  }

  box.addEventListener("input", () => { isOutdated = true; });
  box.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      const all = options();
      choose(all[(all.indexOf(chosen()) + step + all.length) % all.length]);
    } else if (event.key === "Enter" && !isOutdated && chosen()) {
      // Otherwise the form is sent, and its page says what was found.
      event.preventDefault();
      chosen().click();
    }
  });
  document.addEventListener("htmx:finally:request", (event) => {
    const { ctx } = event.detail;
    if (ctx.sourceElement.id !== "search-form" || ctx.status !== "swapped") return;
    isOutdated = false;
    choose(options()[0]);
  });
})();
