"""The custody page: balances against the books, recent payouts and incoming transfers."""

from collections.abc import Iterator

import pytest
from flask import Flask

from app.access import Role
from app.catalog import provider_ids
from app.catalog.rules import PAXG
from app.custody import incoming_tokens
from app.custody.ports import Custodians
from app.kit import clock, ids
from app.kit.money import Amount
from app.kit.ports import resolve
from app.ledger import chart
from app.ledger import service as ledger
from tests.custodians import Desk, opened
from tests.page_client import Browser
from tests.people import PASSWORD, People
from tests.provider_sandbox import Sandbox

PAGE = "/admin/custody"


@pytest.fixture
def desk(open_app: Flask, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    with opened(open_app, sandbox, monkeypatch) as desk:
        yield desk


@pytest.fixture
def browser(desk: Desk) -> Browser:
    browser = Browser(desk.app)
    browser.sign_in(People(desk.database).staff(Role.AUDITOR).email, PASSWORD)
    return browser


def test_custodian_balance_is_compared_with_the_books(browser: Browser, desk: Desk) -> None:
    kept = Amount.parse(PAXG, "99.5")
    with desk.database.transaction() as session:
        ledger.post(
            session,
            cause="test",
            reference=f"test:{ids.new()}",
            posted_at=clock.now(),
            postings=[
                ledger.debit(chart.custody(PAXG, provider_ids.PAXOS), kept),
                ledger.credit(chart.capital(PAXG), kept),
            ],
        )
    incoming_tokens.record_balances(desk.database, resolve(Custodians)["paxos"])
    page = browser.get(PAGE)
    text = browser.client.get(PAGE).text
    row = text[text.index('id="custody-paxos-PAXG"') :].partition("</tr>")[0]
    assert 'value="100.00000000"' in row
    assert 'value="99.50000000"' in row
    assert 'value="0.50000000"' in row
    assert "Healthy" in row
    assert "never" in page.said
    browser.fragment(PAGE, "custody")


def test_recent_payouts_and_incoming_transfers_are_listed(browser: Browser, desk: Desk) -> None:
    desk.send("0.25")
    desk.arrive("paxos", "0x" + "0c" * 20, "0.5")
    desk.deliver()
    said = browser.get(PAGE).said
    assert desk.reference in said
    assert "Sending" in said
    assert "No owner" in said
    # The recipient's wallet address is not shown.
    assert "a1a1" not in said


def test_disabled_custodian_still_shows_its_balances(browser: Browser, desk: Desk) -> None:
    incoming_tokens.record_balances(desk.database, resolve(Custodians)["anchorage"])
    desk.open("paxos")
    assert "Turned off" in browser.get(PAGE).said


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.USER])
def test_custody_is_open_to_oversight_and_compliance_only(desk: Desk, role: Role) -> None:
    browser = Browser(desk.app)
    browser.sign_in(People(desk.database).staff(role).email, PASSWORD)
    may_read = role in {Role.ADMIN, Role.AUDITOR, Role.COMPLIANCE}
    browser.get(PAGE, status=200 if may_read else 403)
