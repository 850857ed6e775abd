"""The pages of returns to suppliers."""

from flask import Flask

from app.access import Role
from app.ledger.chart import AccountClass
from tests.page_client import Browser, check_page
from tests.people import People
from tests.staff import sign_in
from tests.vault.goods import Goods

PATH = "/admin/vault/returns"


def test_return_is_requested_by_one_person_and_booked_by_another(
    app: Flask, people: People, browser: Browser
) -> None:
    goods = Goods.at_a_new_location(people)
    goods.receive()
    goods.change_state(2, AccountClass.STOCK_AVAILABLE, AccountClass.STOCK_QUARANTINE)
    keeper = sign_in(app, people.staff(Role.INVENTORY))
    keeper.get_fragment(PATH, "supplier_returns")
    fields = {
        "sku": goods.sku, "location": goods.location.code, "units": "2",
        "supplier_reference": "CN-7", "reason": "They failed their assay",
    }  # fmt: skip
    refused = keeper.submit_form(PATH, "return", supplier="Unknown Mint", **fields)
    assert refused.status_code == 422
    assert check_page(refused).all("a", href="#return-supplier")
    requested = keeper.submit_form(PATH, "return", supplier="Mint of tests", **fields)
    assert requested.status_code == 303, check_page(requested).visible_text
    waiting = browser.get_page("/admin/approvals")
    [path] = [
        link["href"]
        for link in waiting.all("a")
        if link.get("href", "").startswith("/admin/approvals/apr_")
        and goods.sku in browser.get_page(link["href"]).visible_text
    ][:1]
    page = browser.get_page(path).visible_text
    assert "return 2 units" in page
    assert "Units in quarantine now" in page
    approved = browser.submit_form(path, "approve")
    assert approved.status_code == 303, check_page(approved).visible_text
    assert goods.in_state(AccountClass.STOCK_QUARANTINE) == 0
    listed = keeper.get_page(f"{PATH}?sku={goods.sku}")
    [detail] = {
        link["href"] for link in listed.all("a") if link.get("href", "").startswith(f"{PATH}/srt_")
    }
    assert "7,980.00 USD" in keeper.get_fragment(detail, "return").visible_text


def test_who_may_only_read_sees_no_form(app: Flask, people: People) -> None:
    assert not sign_in(app, people.staff(Role.AUDITOR)).get_page(PATH).all("form", id="return")
