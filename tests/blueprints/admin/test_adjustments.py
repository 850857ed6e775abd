"""The pages of adjustments of stock."""

import pytest
from flask import Flask

from app.access import Role
from tests.page_client import Browser, check_page
from tests.people import People, set_prices
from tests.staff import sign_in
from tests.vault.goods import Goods

PATH = "/admin/vault/adjustments"


@pytest.fixture
def goods(people: People) -> Goods:
    set_prices(people.database, AU="4000")
    goods = Goods.at_a_new_location(people)
    goods.receive()
    return goods


def test_adjustment_is_requested_by_one_person_and_booked_by_another(
    app: Flask, people: People, browser: Browser, goods: Goods
) -> None:
    keeper = sign_in(app, people.staff(Role.INVENTORY))
    keeper.get_fragment(PATH, "adjustments")
    requested = keeper.submit_form(
        PATH,
        "adjust",
        kind="damage",
        sku=goods.sku,
        location=goods.location.code,
        state="available",
        units="2",
        transfer="",
        reason="Two coins are scratched",
    )
    assert requested.status_code == 303, check_page(requested).visible_text
    assert goods.available() == 10
    waiting = browser.get_page("/admin/approvals")
    [path] = [
        link["href"]
        for link in waiting.all("a")
        if link.get("href", "").startswith("/admin/approvals/apr_")
        and goods.sku in browser.get_page(link["href"]).visible_text
    ][:1]
    page = browser.get_page(path)
    assert "book 2 units" in page.visible_text
    approved = browser.submit_form(path, "approve")
    assert approved.status_code == 303, check_page(approved).visible_text
    assert goods.available() == 8
    listed = keeper.get_page(f"{PATH}?sku={goods.sku}")
    assert "Damaged" in listed.visible_text
    [detail] = {
        link["href"] for link in listed.all("a") if link.get("href", "").startswith(f"{PATH}/adj_")
    }
    assert "8,000.00 USD" in keeper.get_page(detail).visible_text
    keeper.get_fragment(detail, "adjustment")


def test_all_problems_are_shown_at_once(app: Flask, people: People) -> None:
    keeper = sign_in(app, people.staff(Role.INVENTORY))
    response = keeper.submit_form(PATH, "adjust", sku="?", units="0", reason="")
    assert response.status_code == 422
    page = check_page(response)
    for field in ("kind", "sku", "location", "state", "units", "reason"):
        assert page.all("a", href=f"#adjust-{field}"), field


def test_who_may_only_read_sees_no_form(app: Flask, people: People) -> None:
    assert not sign_in(app, people.staff(Role.AUDITOR)).get_page(PATH).all("form", id="adjust")
