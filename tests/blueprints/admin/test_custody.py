"""The custody page: balances against the books, recent payouts and incoming transfers."""

import pytest

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
from tests.page_client import Browser
from tests.people import PASSWORD, People
from tests.sandbox_custodians import CustodyHarness

PAGE = "/admin/custody"


@pytest.fixture
def auditor_browser(harness: CustodyHarness) -> Browser:
    auditor_browser = Browser(harness.app)
    auditor_browser.sign_in(People(harness.database).staff(Role.AUDITOR).email, PASSWORD)
    return auditor_browser


def test_custodian_balance_is_compared_with_the_books(
    auditor_browser: Browser, harness: CustodyHarness
) -> None:
    kept = Amount.parse(PAXG, "99.5")
    with harness.database.transaction() as session:
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
    incoming_tokens.record_balances(harness.database, resolve(Custodians)["paxos"])
    page = auditor_browser.get_page(PAGE)
    text = auditor_browser.client.get(PAGE).text
    row = text[text.index('id="custody-paxos-PAXG"') :].partition("</tr>")[0]
    assert 'value="100.00000000"' in row
    assert 'value="99.50000000"' in row
    assert 'value="0.50000000"' in row
    assert "Healthy" in row
    assert "never" in page.visible_text
    auditor_browser.get_fragment(PAGE, "custody")


def test_payouts_and_incoming_transfers_are_listed(
    auditor_browser: Browser, harness: CustodyHarness
) -> None:
    harness.send("0.25")
    harness.receive_tokens("paxos", "0x" + "0c" * 20, "0.5")
    harness.deliver_webhooks()
    payouts = auditor_browser.get_page(f"{PAGE}/payouts").visible_text
    assert harness.reference in payouts
    assert "Sending" in payouts
    # The recipient's wallet address is not shown.
    assert "a1a1" not in payouts
    search = f"reference={harness.reference}"
    assert "1 row" in auditor_browser.get_page(f"{PAGE}/payouts?{search}").visible_text
    assert (
        "0 rows" in auditor_browser.get_page(f"{PAGE}/payouts?{search}&status=failed").visible_text
    )
    incoming = auditor_browser.get_page(f"{PAGE}/incoming?problem=no_owner").visible_text
    assert "No owner" in incoming
    assert "0 rows" not in incoming


def test_disabled_custodian_still_shows_its_balances(
    auditor_browser: Browser, harness: CustodyHarness
) -> None:
    incoming_tokens.record_balances(harness.database, resolve(Custodians)["anchorage"])
    harness.configure("paxos")
    assert "Turned off" in auditor_browser.get_page(PAGE).visible_text


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.USER])
def test_custody_is_open_to_oversight_and_compliance_only(
    harness: CustodyHarness, role: Role
) -> None:
    auditor_browser = Browser(harness.app)
    auditor_browser.sign_in(People(harness.database).staff(role).email, PASSWORD)
    may_read = role in {Role.ADMIN, Role.AUDITOR, Role.COMPLIANCE}
    auditor_browser.get_page(PAGE, status=200 if may_read else 403)
