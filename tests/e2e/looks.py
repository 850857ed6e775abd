"""How a page looks to different people: wide and narrow, light and dark.

A page is loaded once and looked at in each way: loading it again would prove nothing more.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from axe_playwright_python.base import AXE_SCRIPT, AxeResults
from playwright.sync_api import Page

#: All rules run; of what they found only violations are told, since passes take longer to tell.
_AXE = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
    "resultTypes": ["violations"],
}
_RUN = "options => axe.run(document, options).then(({ violations }) => ({ violations }))"
Shoot = Callable[[Page, str], None]


class Look(NamedTuple):
    """A theme, and the width of the window."""

    scheme: str
    width: int

    def __str__(self) -> str:
        return f"{self.scheme}-{self.width}"


#: Every theme and every width once; and each in each.
OPPOSITES = (Look("light", 360), Look("dark", 1280))
ALL = (*OPPOSITES, Look("light", 1280), Look("dark", 360))


def accessible(page: Page) -> None:
    """No violation of WCAG 2.2 AA that axe can find."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found = AxeResults(page.evaluate(_RUN, _AXE))
    assert found.violations_count == 0, found.generate_report()


def take(page: Page, look: Look) -> None:
    """Show the page in this way from now on, as the button for the theme would."""
    page.set_viewport_size({"width": look.width, "height": 800})
    # Without motion, or axe would see colours on their way.
    page.emulate_media(color_scheme=look.scheme, reduced_motion="reduce")
    page.evaluate("scheme => { document.documentElement.dataset.bsTheme = scheme }", look.scheme)


def in_every_look(page: Page, shoot: Shoot, name: str, looks: Sequence[Look] = OPPOSITES) -> None:
    """It fits its window and everybody can read it, whatever it looks like.

    It begins with the width that it was loaded at, so that pages are loaded at each in turn.
    """
    size = page.viewport_size
    assert size is not None
    for look in sorted(looks, key=lambda look: look.width != size["width"]):
        take(page, look)
        assert page.evaluate("document.documentElement.scrollWidth") == look.width, (name, look)
        accessible(page)
        shoot(page, f"{name}-{look}")
