"""The pages of price rules."""

import pytest

from app.kit.db import Database
from tests.page_client import Browser, check_page
from tests.people import set_prices
from tests.shop.sales_range import SalesRange, tier

RULES = "/admin/prices"
RULE = {
    "sku": "", "category": "", "metal": "", "metal_form": "", "tiers": "1, 5.5, 0, 2\n10, 4.25",
    "first_day": "", "last_day": "", "reason": "decided by the buyers",
}  # fmt: skip


@pytest.fixture
def goods(database: Database) -> SalesRange:
    set_prices(database, AU="4000")
    return SalesRange(database)


def test_fragment_is_part_of_its_page(browser: Browser) -> None:
    browser.get_fragment(RULES, "price_rules")


def test_rule_is_recorded_replaced_and_ended(browser: Browser, goods: SalesRange) -> None:
    sku = goods.add(fine="1")
    recorded = browser.submit_form(RULES, "record", **RULE | {"sku": sku.lower()})
    assert recorded.status_code == 303, check_page(recorded).visible_text
    assert [str(goods.price(sku, each).unit_price) for each in (1, 10)] == ["4230.44", "4178.34"]
    shown = browser.get_page(recorded.location).visible_text
    assert "5.5 % + 2.00 USD per unit" in shown
    terms = {name: RULE[name] for name in ("first_day", "last_day", "reason")}
    changed = browser.submit_form(recorded.location, "change", **terms, tiers="1, 3")
    assert changed.status_code == 303, check_page(changed).visible_text
    assert str(goods.price(sku).unit_price) == "4128.24"
    replaced = browser.get_page(recorded.location).visible_text
    assert "Over" in replaced
    ended = browser.submit_form(changed.location, "end", reason=RULE["reason"])
    assert ended.status_code == 303, check_page(ended).visible_text
    assert "Over" in browser.get_page(changed.location).visible_text


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "one of the three"),
        ({"sku": "AA-1", "metal": "AU"}, "one of the three"),
        ({"sku": "AA-1", "metal_form": "bar"}, "Choose the metal of the form."),
        ({"sku": "NO-SUCH-SKU"}, "Enter the SKU of a product"),
        ({"metal": "AU", "tiers": ""}, "Enter at least one tier."),
        ({"metal": "AU", "tiers": "1"}, "Line 1: enter the first quantity"),
        ({"metal": "AU", "tiers": "1, 5\n9, x"}, "Line 2: enter the first quantity"),
        ({"metal": "AU", "tiers": "1.5, 5"}, "Line 1: enter the first quantity"),
        ({"metal": "AU", "tiers": "1, 5, 0, 0.001"}, "Line 1: enter the first quantity"),
        ({"metal": "AU", "tiers": "2, 5"}, "Begin the first tier with 1 unit."),
        ({"metal": "AU", "tiers": "1, 5\n1, 4"}, "Line 2: Enter a quantity above 1"),
        ({"metal": "AU", "tiers": "1, 1001"}, "Line 1: Enter a number from 0 to 1,000"),
        ({"metal": "AU", "first_day": "2026-01-01"}, "Enter a day that has not passed"),
        ({"metal": "AU", "last_day": "2026-01-01"}, "Enter a last day"),
        ({"metal": "AU", "reason": ""}, "Enter a reason"),
    ],
)
def test_rule_that_says_nothing_sound_is_refused_at_its_field(
    browser: Browser, fields: dict[str, str], message: str
) -> None:
    refused = browser.submit_form(RULES, "record", **RULE | fields)
    assert refused.status_code == 422
    assert message in check_page(refused).visible_text


def test_sale_pauses_the_lasting_rule(browser: Browser, goods: SalesRange) -> None:
    sku = goods.add(tier("5"), fine="1")
    sale = {"sku": sku, "tiers": "1, 2", "last_day": "2999-12-31"}
    assert browser.submit_form(RULES, "record", **RULE | sale).status_code == 303
    paused = browser.get_page(f"{RULES}?sku={sku}&status=paused").visible_text
    assert sku in paused
    assert "Replaced for a time" in paused
