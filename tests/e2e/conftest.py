"""The application on a port, and Chromium to open its pages."""

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urljoin

import pytest
from flask import Flask
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)
from werkzeug.serving import WSGIRequestHandler, make_server

from app.access import Role
from app.kit.db import Database
from tests.page_client import Page as Parsed
from tests.people import PASSWORD, People, set_prices

# What is promised is what a page shows, not how soon a busy machine shows it.
expect.set_options(timeout=30_000)

_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
#: Collects the violations of the content security policy in each page.
_WATCH_POLICY = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`));
"""


class _RequestHandler(WSGIRequestHandler):
    #: What a web server in front writes of each request: its first line and its referrer.
    access_log: ClassVar[list[str]] = []

    def log(self, *_arguments: object) -> None:
        """Log nothing on standard error."""

    def log_request(self, *_arguments: object) -> None:
        """Add the current request to the access log."""
        self.access_log.append(f"{self.requestline} {self.headers['Referer']}")


class _AppWithClientAddress:
    """The application with a client IP address per test, so that tests share no rate limits."""

    numbers = count(1)
    address = "127.0.0.1"

    def __init__(self, app: Flask) -> None:
        self._app = app

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        return self._app(environ | {"REMOTE_ADDR": self.address}, start_response)


@pytest.fixture(autouse=True)
def _new_client_address() -> None:
    number = next(_AppWithClientAddress.numbers)
    _AppWithClientAddress.address = f"10.9.{number // 256}.{number % 256}"


@pytest.fixture(scope="session")
def address(app: Flask) -> Iterator[str]:
    """Serve the application on this worker's database and return its base URL."""
    server = make_server(
        "127.0.0.1",
        0,
        _AppWithClientAddress(app),
        threaded=True,
        request_handler=_RequestHandler,
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def access_log() -> list[str]:
    """Return the access log, which this test begins."""
    _RequestHandler.access_log.clear()
    return _RequestHandler.access_log


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Return one browser for all tests of this worker."""
    executable = os.environ.get("PBCEX_CHROMIUM") or shutil.which("chromium")
    if executable is None:
        pytest.skip("chromium is not installed: apt-get install chromium, or PBCEX_CHROMIUM=…")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(_FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def prices(database: Database) -> None:
    """Set current prices."""
    set_prices(database, AU="4000", AG="50", PT="1000", PD="1200", CU="0.3")


@pytest.fixture
def customer_holdings(people: People) -> None:
    """Give customers so much metal that figures are wide and some metals are out of band."""
    people.customer(XAU_s="162.40500001", PAXG="10.2", XAG_s="7130", XPT_s="4.25", XCU_s="1520000")


class Window:
    """A browser context with a page that records console errors and warnings.

    A new context takes two seconds, so most tests reuse one without its cookies, permissions and
    other pages.
    """

    def __init__(self, browser: Browser, **options: object) -> None:
        self.complaints: list[str] = []
        self.context = browser.new_context(**options)
        self.context.set_default_timeout(15_000)
        self.context.add_init_script(_WATCH_POLICY)
        self.context.on("console", self._record_complaint)
        self.context.on("weberror", lambda event: self.complaints.append(f"error: {event.error}"))
        self.page = self.context.new_page()

    def reset(self) -> None:
        """Make it like new for the next test. It waits at a small file of the same site, so that
        the renderer process is kept."""
        self.page.unroute_all()
        self.page.goto(urljoin(self.page.url, "/static/favicon.svg"))
        for page in self.context.pages:
            if page is not self.page:
                page.close()
        self.context.clear_cookies()
        self.context.clear_permissions()
        self.complaints = []

    def _record_complaint(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{message.type}: {message.text}")


@dataclass
class Desk:
    """A person's window, at the base URL of the application."""

    window: Window
    address: str
    _has_begun: bool = False

    @property
    def context(self) -> BrowserContext:
        """The browser context that its pages share."""
        return self.window.context

    @property
    def complaints(self) -> list[str]:
        """The console errors and warnings of its pages so far."""
        return self.window.complaints

    def page(self) -> Page:
        """Return an empty page."""
        if self._has_begun:
            return self.context.new_page()
        self._has_begun = True
        return self.window.page

    def open(self, path: str) -> Page:
        """Open a page at this path."""
        page = self.page()
        page.goto(f"{self.address}{path}")
        return page

    def sign_in(self, email: str, password: str, path: str | None = None) -> Page:
        """Sign in and open `path`, or the page that sign-in leads to. The form is sent over HTTP:
        test_sign_in.py types into it."""
        form = f"{self.address}/auth/login"
        [token, *_] = Parsed(self.context.request.get(form).text()).all("input", name="csrf_token")
        fields = {"csrf_token": token["value"], "email": email, "password": password}
        response = self.context.request.post(form, form=fields, max_redirects=0)
        assert response.status == 303, response.text()
        return self.open(path or response.headers["location"])

    def check(self, page: Page) -> None:
        """Assert that there were no console errors and no policy violations."""
        assert self.complaints + page.evaluate("window.violations") == []


OpenDesk = Callable[..., Desk]


@pytest.fixture(scope="session")
def idle_windows() -> list[Window]:
    """Return the windows that no test uses now."""
    return []


@pytest.fixture
def open_desk(chromium: Browser, address: str, idle_windows: list[Window]) -> Iterator[OpenDesk]:
    """Return a function that opens desks: `open_desk(width=360, color_scheme="dark")`.

    Use `is_new=True` for state that outlives a page. Other options open a new window too.
    """
    reusable: list[Window] = []
    single_use: list[Window] = []

    def opener(
        width: int = 1280, color_scheme: str = "light", *, is_new: bool = False, **options: object
    ) -> Desk:
        if is_new or options:
            window = Window(chromium, **options)
            single_use.append(window)
        else:
            window = idle_windows.pop() if idle_windows else Window(chromium)
            reusable.append(window)
        window.page.set_viewport_size({"width": width, "height": 800})
        window.page.emulate_media(color_scheme=color_scheme, reduced_motion="null")
        return Desk(window, address)

    yield opener
    for window in single_use:
        window.context.close()
    for window in reusable:
        window.reset()
        idle_windows.append(window)


@pytest.fixture
def admin_sign_in(people: People) -> tuple[str, str]:
    """Return the email and password of an administrator."""
    return people.staff(Role.ADMIN).email, PASSWORD


@pytest.fixture
def shoot() -> Callable[[Page, str], None]:
    """Return a function that saves a screenshot of the whole page in PBCEX_SCREENSHOTS, if set."""
    folder = os.environ.get("PBCEX_SCREENSHOTS")

    def save(page: Page, name: str) -> None:
        if folder:
            page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)

    return save
