"""The application on a port, and Debian's Chromium to look at it."""

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

from app.access import Role
from app.kit.db import Database
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


@dataclass
class Desk:
    """A context of the browser whose pages are watched for whatever they complain of."""

    context: BrowserContext
    address: str
    complaints: list[str] = field(default_factory=list)

    def page(self) -> Page:
        """A new page."""
        page = self.context.new_page()
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        return page

    def open(self, path: str) -> Page:
        """A new page at this path."""
        page = self.page()
        page.goto(f"{self.address}{path}")
        return page

    def sign_in(self, email: str, password: str) -> Page:
        """A new page on which somebody has signed in."""
        page = self.open("/auth/login")
        page.get_by_label("E-mail address").fill(email)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(lambda url: "/auth/login" not in url)
        return page

    def check(self, page: Page) -> None:
        """Nothing was complained of."""
        self.complaints += page.evaluate("window.violations")
        assert self.complaints == []

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{message.type}: {message.text}")


OpenDesk = Callable[..., Desk]


@pytest.fixture
def open_desk(chromium: Browser, address: str) -> Iterator[OpenDesk]:
    """Opens desks: `open_desk(width=360, color_scheme="dark")`."""
    opened: list[BrowserContext] = []

    def opener(width: int = 1280, height: int = 800, **options: object) -> Desk:
        context = chromium.new_context(viewport={"width": width, "height": height}, **options)
        context.set_default_timeout(15_000)
        context.add_init_script(_WATCH_POLICY)
        opened.append(context)
        return Desk(context, address)

    yield opener
    for context in opened:
        context.close()


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
