"""The pages on which several price rules change together, and a second person approves."""

from urllib.parse import urlencode

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.access import Role
from app.kit import ids
from app.kit.db import Database
from app.shop.prices.rules import RULE_PREFIX, PriceScope
from tests.page_client import Browser, check_page
from tests.people import People, set_prices
from tests.shop.sales_range import SalesRange, tier
from tests.staff import sign_in

RULES, CHANGES = "/admin/prices", "/admin/price-changes"
REASON = "decided by the buyers"
RAISE = {"part": "percent", "step": "raise", "number": "0.5", "first_day": "", "last_day": ""}


@pytest.fixture
def goods(database: Database) -> SalesRange:
    set_prices(database, AU="4000")
    return SalesRange(database)


def start(browser: Browser, search: dict[str, str], act: str, *rule_ids: str) -> TestResponse:
    """Choose rules on the list, and begin to change them."""
    path = f"{RULES}?{urlencode(search)}"
    fields = browser.get_page(path).hidden_fields["bulk"]
    return browser.client.post(
        f"{RULES}/bulk?{urlencode(search)}", data={**fields, "act": act, "ids": list(rule_ids)}
    )


def test_fragment_is_part_of_its_page(browser: Browser) -> None:
    browser.get_fragment(CHANGES, "list")


def test_selected_rules_change_once_with_their_effect_shown(
    browser: Browser, goods: SalesRange
) -> None:
    sku = goods.add(fine="1")
    rule_id = ids.encode(RULE_PREFIX, goods.rule(PriceScope(sku=sku), tier("5")))
    page = start(browser, {"sku": sku}, "change", rule_id).location
    assert "Nothing has changed yet." in browser.get_page(page).visible_text
    wrong = browser.submit_form(page, "adjust", **RAISE | {"number": "x"})
    assert wrong.status_code == 422
    assert "Enter a number above 0" in check_page(wrong).visible_text
    shown = browser.submit_form(page, "adjust", **RAISE)
    assert shown.status_code == 303, check_page(shown).visible_text
    text = browser.get_page(page).visible_text
    for expected in (sku, "4,208.40 USD", "4,228.44 USD", "+0.48 %", "5.5 %"):
        assert expected in text
    confirmation = browser.fill_form(page, "confirm", reason=REASON)
    sent = [browser.client.post(f"{page}/confirm", data=confirmation) for _ in range(2)]
    assert [each.status_code for each in sent] == [303, 303]
    assert str(goods.price(sku).unit_price) == "4228.44"
    made = browser.get_page(page)
    assert "Prices changed." in made.visible_text
    assert not made.all("form", id="confirm")
    listed = browser.get_page(f"{CHANGES}?sku={sku}").visible_text
    assert "+0.48 %" in listed


def test_all_rules_that_the_filters_find_change_and_a_second_person_approves(
    browser: Browser, goods: SalesRange, app: Flask, people: People
) -> None:
    sku, reviewer = goods.add(tier("5"), fine="1"), sign_in(app, people.staff(Role.ADMIN))
    page = start(browser, {"sku": sku}, "change:all").location
    adjusted = browser.submit_form(page, "adjust", **RAISE | {"number": "10"})
    assert adjusted.status_code == 303, check_page(adjusted).visible_text
    assert not reviewer.get_page(page).all("form", id="confirm"), "it is another person's"
    requested = browser.submit_form(page, "confirm", reason=REASON)
    assert requested.status_code == 303, check_page(requested).visible_text
    waiting = browser.get_page(page)
    assert "a second person has to approve it" in waiting.visible_text
    [request] = [each["href"] for each in waiting.all("a") if "/approvals/apr_" in each["href"]]
    shown = reviewer.get_page(request).visible_text
    for expected in ("4,208.40 USD", "4,609.20 USD (+9.52 %)", "15 %", "Change prices"):
        assert expected in shown
    approved = reviewer.submit_form(request, "approve")
    assert approved.status_code == 303, check_page(approved).visible_text
    assert str(goods.price(sku).unit_price) == "4609.20"


def test_one_rule_that_moves_a_price_far_waits_on_the_page_of_its_change(
    browser: Browser, goods: SalesRange
) -> None:
    sku = goods.add(fine="1")
    rule_id = ids.encode(RULE_PREFIX, goods.rule(PriceScope(sku=sku), tier("5")))
    terms = {"tiers": "1, 15", "first_day": "", "last_day": "", "reason": REASON}
    requested = browser.submit_form(f"{RULES}/{rule_id}", "change", **terms)
    assert requested.location.startswith(CHANGES)
    shown = browser.get_page(requested.location).visible_text
    for expected in ("a second person has to approve it", "4,609.20 USD", "5 %", "15 %"):
        assert expected in shown
    assert str(goods.price(sku).unit_price) == "4208.40"


def test_choosing_no_rule_says_what_to_do(browser: Browser, goods: SalesRange) -> None:
    sku = goods.add(tier("5"))
    refused = start(browser, {"sku": sku}, "change")
    assert refused.status_code == 422
    assert "Select between 1 and 500 rows." in check_page(refused).visible_text
