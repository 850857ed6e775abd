"""The custody page in a browser: it fits and is accessible."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from app.access import Role
from tests.e2e.conftest import OpenDesk
from tests.e2e.looks import assert_accessible
from tests.people import PASSWORD, People
from tests.provider_sandbox import Sandbox
from tests.sandbox_custodians import CustodyHarness, open_custody_harness


@pytest.fixture
def harness(
    app: Flask, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> Iterator[CustodyHarness]:
    with open_custody_harness(app, sandbox, monkeypatch) as harness:
        yield harness


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
def test_custody_page_fits_and_is_accessible(
    open_desk: OpenDesk,
    people: People,
    harness: CustodyHarness,
    shoot: Callable[[Page, str], None],
    scheme: str,
    width: int,
) -> None:
    harness.poll()
    harness.send("0.25")
    harness.receive_tokens("paxos", "0x" + "0c" * 20, "0.5")
    harness.poll()
    browser = open_desk(width=width, color_scheme=scheme)
    page = browser.sign_in(people.staff(Role.COMPLIANCE).email, PASSWORD)
    page.goto(f"{browser.address}/admin/custody")
    expect(page.get_by_role("heading", level=1)).to_have_text("Custody")
    for part in ("", "-payouts", "-incoming"):
        if part:
            page.goto(f"{browser.address}/admin/custody/{part[1:]}")
            expect(page.locator("#list tbody tr").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert_accessible(page)
        shoot(page, f"custody{part}-{scheme}-{width}")
    browser.check(page)
