"""The exposure page: its figures, its fragment, the chart's history, and who may see them."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from flask import Flask

from app.access import Role
from app.catalog.rules import Metal, Token
from app.hedging import service as hedging
from app.kit.db import Database
from app.kit.ports import provide, resolve
from app.pricing import service as pricing
from app.pricing.models import MarketPriceRow
from app.pricing.rules import HaltReason, MarketHours
from tests.page_client import HTMX, Browser
from tests.people import PASSWORD, People, set_prices
from tests.rows import change_rows, delete_rows

NOW = datetime(2033, 5, 2, 9, 30, 5, tzinfo=UTC)


@pytest.fixture
def auditor_browser(app: Flask, people: People) -> Browser:
    """Return a browser in which an auditor is signed in."""
    auditor_browser = Browser(app)
    with time_machine.travel(NOW, tick=False):
        auditor_browser.sign_in(people.staff(Role.AUDITOR).email, PASSWORD)
    return auditor_browser


def row(page_text: str, metal: str) -> str:
    """Return the HTML of a metal's row."""
    start = page_text.index(f'id="exposure-{metal}"')
    return page_text[start : page_text.index("</tr>", start)]


def figures(row_text: str) -> list[Decimal]:
    """Return the exact amounts of a row, in its order: ounces, and dollars where they are shown."""
    return [Decimal(value) for value in re.findall(r'<data [^>]*value="([^"]+)"', row_text)]


def test_fragment_is_part_of_the_page(auditor_browser: Browser, database: Database) -> None:
    with time_machine.travel(NOW, tick=False):
        set_prices(database, AU="4000")
        fragment = auditor_browser.get_fragment("/admin/exposure", "exposure")
    [root] = [attributes for _, attributes in fragment.tags if attributes.get("id") == "exposure"]
    assert root["aria-live"] == "off"
    assert root["hx-get"] == "/admin/exposure"


@pytest.mark.parametrize("header", ["HX-Boosted", "HX-History-Restore-Request"])
def test_htmx_receives_the_whole_page_for_boosted_and_history_requests(
    auditor_browser: Browser, header: str
) -> None:
    with time_machine.travel(NOW, tick=False):
        response = auditor_browser.client.get("/admin/exposure", headers={**HTMX, header: "true"})
    assert "<main" in response.text


def test_exposure_moves_by_exactly_the_ounces_that_customers_own(
    auditor_browser: Browser, people: People, database: Database
) -> None:
    with time_machine.travel(NOW, tick=False):
        set_prices(database, AG="50")
        # A metal of which there is nothing has no figures.
        people.customer(XAG_s="1")
        before = row(auditor_browser.client.get("/admin/exposure").text, "AG")
        people.customer(XAG_s="1234.56789012")
        after = row(auditor_browser.client.get("/admin/exposure").text, "AG")

    moved = [new - old for old, new in zip(figures(before), figures(after), strict=True)]
    owed, worth = Decimal("1234.56789012"), Decimal("61728.39")
    zero = Decimal(0)
    cents = Decimal("0.01")
    assert moved[0] == owed
    assert abs(moved[1] - worth) <= cents
    assert moved[2:7] == [zero] * 5
    assert moved[7] == -owed
    assert abs(moved[8] + worth) <= cents
    assert moved[9:] == [zero] * 2


def test_stale_prices_are_marked(auditor_browser: Browser, database: Database) -> None:
    metals = {"AU": "4000", "AG": "50", "PT": "1000", "PD": "1200", "CU": "0.3", "PAXG": "3999"}
    with time_machine.travel(NOW, tick=False) as clock:
        set_prices(database, **metals)
        fresh = auditor_browser.client.get("/admin/exposure").text
        clock.shift(timedelta(seconds=61))
        set_prices(database, **metals)
        with database.transaction() as session:
            change_rows(
                session,
                MarketPriceRow,
                MarketPriceRow.metal == "AU",
                as_of=NOW,
                fresh_until=NOW + timedelta(seconds=60),
            )
        old = auditor_browser.client.get("/admin/exposure").text
    assert "No current price" not in fresh
    assert "09:30:05 UTC" in fresh
    assert "4,000.00 USD" in row(fresh, "AU")
    # Cents alone would say little about copper.
    assert "0.3000 USD" in row(fresh, "CU")
    assert "No current price" in row(old, "AU")
    assert "No current price" not in row(old, "AG")


def test_page_says_whether_the_market_is_open_what_is_halted_and_the_state_of_the_gate(
    auditor_browser: Browser, database: Database
) -> None:
    with time_machine.travel(NOW, tick=False):
        set_prices(database, AU="4000", AG="50", PAXG="4100")
        with database.transaction() as session:
            for asset in (Metal.AG, Token.PAXG):
                pricing.halt_market(session, None, asset, HaltReason.PROVIDER, note="Checked")
        try:
            page = auditor_browser.get_page("/admin/exposure")
            fragment = auditor_browser.client.get("/admin/exposure").text
        finally:
            with database.transaction() as session:
                for asset in (Metal.AG, Token.PAXG):
                    pricing.resume_market(session, None, asset, note="Checked")
    text = " ".join(page.visible_text.split())
    assert "Market Open Always open here" in text
    assert "Closed 250.0 of 60 basis points from gold" in text
    assert row(fragment, "AG").count("Halted") == 1
    gold = row(fragment, "AU")
    assert "4,100" in gold
    assert (gold.count("Halted"), gold.count("A provider is unavailable")) == (1, 1)
    assert "/admin/markets/PAXG" in gold
    assert "Halted" not in row(fragment, "PT")


def test_page_says_until_when_the_market_is_closed(app: Flask, people: People) -> None:
    browser, original = Browser(app), resolve(MarketHours)
    provide(MarketHours, MarketHours.REAL)
    try:
        with time_machine.travel(datetime(2026, 11, 26, 20, tzinfo=UTC), tick=False):
            browser.sign_in(people.staff(Role.AUDITOR).email, PASSWORD)
            page = browser.get_page("/admin/exposure")
    finally:
        provide(MarketHours, original)
    text = " ".join(page.visible_text.split())
    assert "Market Closed Thanksgiving Day, until 26 Nov 2026, 23:00 UTC" in text


def test_missing_prices_are_marked(
    auditor_browser: Browser, people: People, database: Database
) -> None:
    people.customer(XPD_s="1")
    with time_machine.travel(NOW, tick=False):
        with database.transaction() as session:
            delete_rows(session, MarketPriceRow)
        page = auditor_browser.get_page("/admin/exposure")
    assert "No prices yet" in page.visible_text
    assert "no price" in page.visible_text


def test_history_has_the_recorded_and_the_current_net_as_texts(
    auditor_browser: Browser, database: Database
) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        with database.transaction() as session:
            hedging.record_exposure(session)
        clock.shift(timedelta(minutes=2))
        response = auditor_browser.client.get(
            "/admin/exposure/history", headers={"X-Unattended": "true"}
        )
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    assert [metal["metal"] for metal in response.json["metals"]] == ["AU", "AG", "PT", "PD", "CU"]
    gold = response.json["metals"][0]
    assert gold["times"] == ["2033-05-02T09:30:05.000Z", "2033-05-02T09:32:05.000Z"]
    assert len(gold["net"]) == 2
    assert gold["net"][0] == gold["net"][1]
    assert (gold["low"], gold["high"]) == ("-100.00000000", "100.00000000")


@pytest.mark.parametrize("role", [Role.SUPPORT, Role.TELLER, Role.INVENTORY, Role.COMPLIANCE])
@pytest.mark.parametrize("path", ["/admin/exposure", "/admin/exposure/history"])
def test_exposure_is_refused_to_other_roles(
    app: Flask, people: People, role: Role, path: str
) -> None:
    auditor_browser = Browser(app)
    auditor_browser.sign_in(people.staff(role).email, PASSWORD)
    page = auditor_browser.get_page(path, status=403)
    assert "all:exposure:read" in page.visible_text
