"""The pages of markets: what trades, halting a market, and lifting the halt."""

from datetime import UTC, datetime

import pytest
import time_machine

from app.access import Role
from app.kit import ports as kit_ports
from app.kit.db import Database
from app.pricing.rules import MarketHours
from tests.blueprints.admin.conftest import SignInAs
from tests.page_client import Browser, check_page
from tests.people import set_prices

PAXG = "/admin/markets/PAXG"


@pytest.fixture(autouse=True)
def market(database: Database) -> None:
    """Set prices, and let every market trade."""
    set_prices(database, AU="4000", AG="50", PT="1600", PD="1500", CU="0.4", PAXG="3980")


def text_of(browser: Browser, path: str) -> str:
    return " ".join(browser.get_page(path).visible_text.split())


def test_market_is_halted_and_resumed_with_reasons(browser: Browser) -> None:
    listed = text_of(browser, "/admin/markets")
    assert "PAX Gold Open 3,980" in listed
    fields = {"category": "provider", "reason": "the custodian is down"}
    assert browser.submit_form(PAXG, "halt", **fields).location == PAXG
    page = text_of(browser, PAXG)
    for shown in ("Halted", "A provider is unavailable", "the custodian is down", "Lift halt"):
        assert shown in page
    assert "A provider is unavailable" in text_of(browser, "/admin/markets")
    # Nothing of PAXG trades, so the gate is closed too.
    assert "GateClosed" in page
    refused = browser.submit_form(PAXG, "resume", reason="")
    assert "Enter a reason (" in check_page(refused).visible_text
    assert browser.submit_form(PAXG, "resume", reason="it is back").location == PAXG
    assert "Halt market" in text_of(browser, PAXG)
    history = text_of(browser, "/admin/markets/halts?asset=PAXG")
    assert "the custodian is down" in history
    assert "it is back" in history


def test_page_of_paxg_shows_the_gate_and_its_distance(browser: Browser, database: Database) -> None:
    page = text_of(browser, PAXG)
    assert "GateOpen" in page
    assert "-50.0 basis points, 60 at most" in page
    set_prices(database, PAXG="3959")
    assert "GateClosed" in text_of(browser, PAXG)
    assert "Distance from gold" not in text_of(browser, "/admin/markets/AU")


def test_usdc_has_a_fixed_price_and_can_be_halted(browser: Browser) -> None:
    page = text_of(browser, "/admin/markets/USDC")
    for shown in ("USD Coin", "Open", "1.00, fixed"):
        assert shown in page
    fields = {"category": "prices", "reason": "it is worth less elsewhere"}
    browser.submit_form("/admin/markets/USDC", "halt", **fields)
    assert "it is worth less elsewhere" in text_of(browser, "/admin/markets/USDC")
    browser.submit_form("/admin/markets/USDC", "resume", reason="it is a dollar again")


def test_page_shows_when_the_market_closes_and_opens(
    sign_in_as: SignInAs, database: Database
) -> None:
    assert "Next close" not in text_of(sign_in_as(Role.AUDITOR), "/admin/markets/AU")
    kit_ports.provide(MarketHours, MarketHours.REAL)
    with time_machine.travel(datetime(2027, 3, 26, 15, tzinfo=UTC), tick=False):
        browser = sign_in_as(Role.AUDITOR)
        set_prices(database, AU="4000")
        page = text_of(browser, "/admin/markets/AU")
    assert "StatusClosed" in page
    assert "Next opening28 Mar 2027, 22:00 UTC" in page
    assert "Next close29 Mar 2027, 21:00 UTC" in page


def test_reader_of_markets_cannot_halt_them(sign_in_as: SignInAs) -> None:
    auditor = sign_in_as(Role.AUDITOR)
    assert "Halt market" not in text_of(auditor, "/admin/markets/AU")
    auditor.get_page("/admin/markets/XX", status=404)
