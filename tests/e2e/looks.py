"""Checks of a page in each theme and width.

A page is loaded once and checked in each look: loading it again would prove nothing more.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from axe_playwright_python.base import AXE_SCRIPT, AxeResults
from playwright.sync_api import Page

#: All rules run; only violations are returned, because returning passes takes longer.
_AXE = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
_RUN = "options => axe.run(document, options).then(({ violations }) => ({ violations }))"
#: Buttons of which the window, or the dialog, does not show all.
_CUT_BUTTONS = """() => [...document.querySelectorAll(".btn")]
  .filter((button) => button.checkVisibility() && !button.closest(".table-scroll"))
  .filter((button) => button.getBoundingClientRect().right > document.documentElement.clientWidth)
  .map((button) => button.textContent.trim())"""
Shoot = Callable[[Page, str], None]


class Look(NamedTuple):
    """A theme, and the width of the window."""

    scheme: str
    width: int

    def __str__(self) -> str:
        return f"{self.scheme}-{self.width}"


#: Every theme and every width once; `ALL` combines each with each.
OPPOSITES = (Look("light", 360), Look("dark", 1280))
ALL = (*OPPOSITES, Look("light", 1280), Look("dark", 360))


def assert_accessible(page: Page) -> None:
    """Assert that axe finds no violation of WCAG 2.2 AA or of its own best practices."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
        # What the page loads next has it at once: the browser compiles it only once then.
        page.add_init_script(AXE_SCRIPT)
    results = AxeResults(page.evaluate(_RUN, _AXE))
    assert results.violations_count == 0, results.generate_report()


def apply_look(page: Page, look: Look) -> None:
    """Show the page in this theme and width, as the theme button would."""
    page.set_viewport_size({"width": look.width, "height": 800})
    # Without motion: axe would measure colours in the middle of a transition.
    page.emulate_media(color_scheme=look.scheme, reduced_motion="reduce")
    page.evaluate("scheme => { document.documentElement.dataset.bsTheme = scheme }", look.scheme)


def assert_fits_and_accessible(
    page: Page, shoot: Shoot, name: str, looks: Sequence[Look] = OPPOSITES
) -> None:
    """Assert that the page fits its window and is accessible in each look; save screenshots.

    The width that the page was loaded at comes first.
    """
    size = page.viewport_size
    assert size is not None
    for look in sorted(looks, key=lambda look: look.width != size["width"]):
        apply_look(page, look)
        assert page.evaluate("document.documentElement.scrollWidth") == look.width, (name, look)
        assert page.evaluate(_CUT_BUTTONS) == [], (name, look)
        assert_accessible(page)
        shoot(page, f"{name}-{look}")
