"""The pages of the books."""

import csv
from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

import pytest

from app.access import Role
from app.branches.rules import HEAD_OFFICE
from app.catalog.rules import USD
from app.kit import ids
from app.kit.db import Database
from app.ledger import service as ledger
from app.ledger.chart import HOUSE, AccountClass, AccountKey
from app.ledger.service import NewPosting
from tests.blueprints.admin.conftest import SignInAs
from tests.page_client import Browser, check_page
from tests.people import People, set_prices

_PRICES = {"AU": "4000", "AG": "50", "PT": "1000", "PD": "1200", "CU": "0.3", "PAXG": "4001"}


@pytest.fixture
def auditor(sign_in_as: SignInAs, database: Database, people: People) -> Browser:
    """A browser in which an auditor is signed in; a customer has money and metal."""
    set_prices(database, **_PRICES)
    people.customer(USD="12.50", XAU_s="1")
    return sign_in_as(Role.AUDITOR)


def test_fragment_is_part_of_the_page(auditor: Browser) -> None:
    auditor.get_fragment("/admin/books?from=2026-01-01&to=2026-06-30", "books")


def test_statements_of_a_period_are_found_and_compared(auditor: Browser) -> None:
    head_office = ids.encode("brn", HEAD_OFFICE)
    found = auditor.submit_form(
        "/admin/books", "find", **{"from": "2026-01-01", "compare": "year", "scope": head_office}
    )
    assert found.status_code == 303
    assert found.location.endswith(f"?from=2026-01-01&compare=year&scope={head_office}")
    text = auditor.get_page(found.location).visible_text
    for part in ("Balance sheet: HQ: Head office", "1 Jan 2025, 00:00 UTC to", "Net result"):
        assert part in text


def test_figure_leads_to_its_entries_which_are_paged(auditor: Browser, database: Database) -> None:
    """More postings than a page has, of one minute of a past that no other test has."""
    at = datetime(1999, 2, 3, 4, 5, tzinfo=UTC)
    fees, capital = AccountKey(USD, AccountClass.FEES), AccountKey(USD, AccountClass.CAPITAL)
    with database.transaction() as session:
        for _ in range(30):
            ledger.post(
                session,
                cause="test",
                reference=f"test:{uuid4()}",
                posted_at=at,
                postings=[NewPosting(capital, 5), NewPosting(fees, -5)],
            )
    page = auditor.get_page("/admin/books?from=1999-02-03+04:05&to=1999-02-03+04:06")
    assert "1.50 USD" in page.visible_text
    [link] = [
        attributes["href"]
        for attributes in page.all("a", title="Entries")
        if "account=fees" in attributes["href"]
    ]
    first = auditor.get_page(link)
    [following] = first.all("a", rel="next")
    second = auditor.get_page(following["href"])
    amounts = [*first.all("data", value="0.05"), *second.all("data", value="0.05")]
    assert len(amounts) == 30
    assert second.all("a", rel="next") == []


def test_statement_is_downloaded_as_csv_and_pdf(auditor: Browser) -> None:
    csv_file = auditor.client.get("/admin/books/statement.csv?compare=year")
    assert csv_file.status_code == 200
    rows = list(csv.DictReader(csv_file.text.splitlines()))
    assert {row["statement"] for row in rows} == {
        "balance sheet",
        "income statement",
        "trial balance",
    }
    by_asset: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        if row["statement"] == "trial balance":
            by_asset[row["asset"]] += Decimal(row["amount"])
    assert set(by_asset.values()) == {0}
    pdf = auditor.client.get("/admin/books/statement.pdf?compare=year")
    assert (pdf.status_code, pdf.data[:5]) == (200, b"%PDF-")


def test_wrong_period_is_reported_at_its_field(auditor: Browser) -> None:
    page = auditor.get_page("/admin/books?from=2026-31-01")
    assert page.all("a", href="#find-from")
    assert "Enter a day, like 2026-06-30" in page.visible_text


def test_closing_and_adjusting_entry_wait_for_a_second_person(sign_in_as: SignInAs) -> None:
    """The requests only: what they do is in books that no other test uses."""
    admin = sign_in_as(Role.ADMIN)
    admin.get_fragment("/admin/books/periods", "periods")
    reason = "A year of tests is over"
    costs, fees = (f"{each}/{HOUSE.hex}" for each in ("processing_costs", "fees"))
    entry = {
        "on": "1901-12-31", "asset": "USD", "reason": reason,
        "account_1": costs, "debit_1": "3.00", "credit_1": "",
        "account_2": fees, "debit_2": "", "credit_2": "3.00",
    }  # fmt: skip
    for form, fields, parts in (
        ("close", {"until": "1901-12-31", "reason": reason}, ("31 Dec 1901", "Nothing")),
        ("adjust", entry, ("Debit 3.00 USD", "Credit 3.00 USD")),
    ):
        sent = admin.submit_form("/admin/books/periods", form, **fields)
        assert sent.status_code == 303, check_page(sent).visible_text
        text = admin.get_page(sent.location).visible_text
        for part in parts:
            assert part in text
    wrong = admin.submit_form("/admin/books/periods", "adjust", **{**entry, "debit_1": "4.00"})
    assert wrong.status_code == 422
    assert check_page(wrong).all("a", href="#adjust-debit_1")
