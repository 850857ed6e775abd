"""The application on a port, and Debian's Chromium to look at it."""

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

from app.access import Role
from app.kit.db import Database
from tests.page_client import Page as Parsed
from tests.people import PASSWORD, People, set_prices

_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
#: Every violation that the page itself is told of.
_WATCH_POLICY = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`));
"""


class _Silent(WSGIRequestHandler):
    def log(self, *_arguments: object) -> None:
        """Nothing: requests are logged by the application."""


class _From:
    """The application, asked from an address of each test's own: limits of two do not meet."""

    numbers = count(1)
    address = "127.0.0.1"

    def __init__(self, app: Flask) -> None:
        self._app = app

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        return self._app(environ | {"REMOTE_ADDR": self.address}, start_response)


@pytest.fixture(autouse=True)
def _another_address() -> None:
    number = next(_From.numbers)
    _From.address = f"10.9.{number // 256}.{number % 256}"


@pytest.fixture(scope="session")
def address(app: Flask) -> Iterator[str]:
    """Where the application answers, on this worker's database."""
    server = make_server("127.0.0.1", 0, _From(app), threaded=True, request_handler=_Silent)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for all tests of this worker."""
    found = os.environ.get("PBCEX_CHROMIUM") or shutil.which("chromium")
    if found is None:
        pytest.skip("chromium is not installed: apt-get install chromium, or PBCEX_CHROMIUM=…")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(_FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def prices(database: Database) -> None:
    """Prices of this moment."""
    set_prices(database, AU="4000", AG="50", PT="1000", PD="1200", CU="0.3")


@pytest.fixture
def held(people: People) -> None:
    """Customers own enough that figures are wide, and some metals outside their band."""
    people.customer(XAU_s="162.40500001", PAXG="10.2", XAG_s="7130", XPT_s="4.25", XCU_s="1520000")


class Window:
    """A context of the browser with a page, watched for whatever its pages complain of.

    A new one takes two seconds of work before it shows its first page, so most tests get one that
    others had: without cookies, permissions and other pages.
    """

    def __init__(self, browser: Browser, **options: object) -> None:
        self.complaints: list[str] = []
        self.context = browser.new_context(**options)
        self.context.set_default_timeout(15_000)
        self.context.add_init_script(_WATCH_POLICY)
        self.context.on("console", self._hear)
        self.context.on("weberror", lambda told: self.complaints.append(f"error: {told.error}"))
        self.page = self.context.new_page()

    def tidy(self) -> None:
        """As if it were new, for the next test. It rests at a small file of the same site, which
        keeps the process of its pages."""
        self.page.unroute_all()
        self.page.goto(urljoin(self.page.url, "/static/favicon.svg"))
        for page in self.context.pages:
            if page is not self.page:
                page.close()
        self.context.clear_cookies()
        self.context.clear_permissions()
        self.complaints = []

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{message.type}: {message.text}")


@dataclass
class Desk:
    """Somebody's window, at the address of the application."""

    window: Window
    address: str
    _has_begun: bool = False

    @property
    def context(self) -> BrowserContext:
        """What its pages share."""
        return self.window.context

    @property
    def complaints(self) -> list[str]:
        """What its pages complained of so far."""
        return self.window.complaints

    def page(self) -> Page:
        """An empty page."""
        if self._has_begun:
            return self.context.new_page()
        self._has_begun = True
        return self.window.page

    def open(self, path: str) -> Page:
        """A page at this path."""
        page = self.page()
        page.goto(f"{self.address}{path}")
        return page

    def sign_in(self, email: str, password: str, path: str | None = None) -> Page:
        """A page on which somebody has signed in: where that leads, or at this path. The form is
        sent for them: typing into it is for test_signin.py."""
        form = f"{self.address}/auth/login"
        [token, *_] = Parsed(self.context.request.get(form).text()).all("input", name="csrf_token")
        typed = {"csrf_token": token["value"], "email": email, "password": password}
        answer = self.context.request.post(form, form=typed, max_redirects=0)
        assert answer.status == 303, answer.text()
        return self.open(path or answer.headers["location"])

    def check(self, page: Page) -> None:
        """Nothing was complained of."""
        assert self.complaints + page.evaluate("window.violations") == []


OpenDesk = Callable[..., Desk]


@pytest.fixture(scope="session")
def windows() -> list[Window]:
    """Those that nobody uses now."""
    return []


@pytest.fixture
def open_desk(chromium: Browser, address: str, windows: list[Window]) -> Iterator[OpenDesk]:
    """Opens desks: `open_desk(width=360, color_scheme="dark")`.

    Other options, and what outlives a page, need a window of their own: `is_new=True`.
    """
    taken: list[Window] = []
    closed: list[Window] = []

    def opener(
        width: int = 1280, color_scheme: str = "light", *, is_new: bool = False, **options: object
    ) -> Desk:
        if is_new or options:
            window = Window(chromium, **options)
            closed.append(window)
        else:
            window = windows.pop() if windows else Window(chromium)
            taken.append(window)
        window.page.set_viewport_size({"width": width, "height": 800})
        window.page.emulate_media(color_scheme=color_scheme, reduced_motion="null")
        return Desk(window, address)

    yield opener
    for window in closed:
        window.context.close()
    for window in taken:
        window.tidy()
        windows.append(window)


@pytest.fixture
def admin(people: People) -> tuple[str, str]:
    """The address and password of somebody who may see the exposure."""
    return people.staff(Role.ADMIN).email, PASSWORD


@pytest.fixture
def shoot() -> Callable[[Page, str], None]:
    """Keeps a picture of the whole page if PBCEX_SCREENSHOTS names a folder."""
    folder = os.environ.get("PBCEX_SCREENSHOTS")

    def keep(page: Page, name: str) -> None:
        if folder:
            page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)

    return keep
