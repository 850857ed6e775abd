"""The pages of redemptions."""

import pytest
from flask import Flask

from app.access import Role
from app.catalog.rules import USD
from app.kit.money import Amount
from app.redemption.quotes.rules import RedemptionRules
from tests.fixed_settings import fixed_settings
from tests.page_client import Browser
from tests.people import People
from tests.redemption.counter import Counter
from tests.staff import sign_in

PATH = "/admin/redemptions"


@pytest.fixture
def counter(people: People) -> Counter:
    return Counter.open(people)


@pytest.fixture
def browser(app: Flask, people: People) -> Browser:
    return sign_in(app, people.staff(Role.SUPPORT))


def test_redemption_is_listed_and_approved_on_its_page(browser: Browser, counter: Counter) -> None:
    redemption = counter.submit()
    page = browser.get_page(f"{PATH}?status=pending_approval")
    [link] = page.all("a", href=f"{PATH}/{redemption.public_id}")
    text = browser.get_page(link["href"]).visible_text
    for expected in (counter.coins.sku, "4,000.00", "40.00", "Waiting for approval"):
        assert expected in text
    browser.get_fragment(f"{PATH}/{redemption.public_id}", "redemption")
    path = f"{PATH}/{redemption.public_id}"
    assert browser.submit_form(path, "approve", reason="no").status_code == 422
    assert browser.submit_form(path, "approve", reason="known customer").status_code == 303
    shown = browser.get_page(path)
    assert "Redemption approved" in shown.visible_text
    assert counter.now(redemption).status == "approved"
    assert "known customer" in shown.visible_text
    assert shown.all("form", id="approve") == []


def test_large_redemption_is_requested_from_a_second_person(
    browser: Browser, counter: Counter
) -> None:
    redemption = counter.submit()
    with fixed_settings(RedemptionRules(approval_from=Amount.parse(USD, "1.00"))):
        path = f"{PATH}/{redemption.public_id}"
        assert browser.submit_form(path, "approve", reason="known customer").status_code == 303
    assert browser.get_page(path).all("form", id="approve") == []
    assert counter.now(redemption).status == "pending_approval"


def test_rejection_needs_a_reason_and_releases_everything(
    browser: Browser, counter: Counter
) -> None:
    redemption = counter.submit()
    path = f"{PATH}/{redemption.public_id}"
    assert browser.submit_form(path, "reject", reason="not plausible").status_code == 303
    assert counter.now(redemption).status == "rejected"
    assert counter.held == {}
