"""The pages of quarantine."""

import pytest
from flask import Flask

from app.access import Role
from tests.page_client import Browser, check_page
from tests.people import People
from tests.staff import sign_in
from tests.vault.goods import GOLD_BAR, Goods

PATH = "/admin/vault/quarantine"


@pytest.fixture
def goods(people: People) -> Goods:
    goods = Goods.at_a_new_location(people)
    goods.receive()
    return goods


def links(browser: Browser, goods: Goods) -> set[str]:
    """Return the links to the product's quarantines."""
    page = browser.get_page(f"{PATH}?sku={goods.sku}")
    hrefs = {link.get("href", "") for link in page.all("a")}
    return {href for href in hrefs if href.startswith(f"{PATH}/qua_")}


def test_goods_are_put_aside_by_one_person_and_examined_by_another(
    app: Flask, people: People, browser: Browser, goods: Goods
) -> None:
    keeper = sign_in(app, people.staff(Role.INVENTORY))
    keeper.get_fragment(PATH, "quarantines")
    put = keeper.submit_form(
        PATH, "quarantine", sku=goods.sku, location=goods.location.code, units="2",
        reason="They look pale",
    )  # fmt: skip
    assert put.status_code == 303, check_page(put).visible_text
    [path] = links(keeper, goods)
    assert not keeper.get_page(path).all("form", id="assay")
    assayed = browser.submit_form(
        path, "assay", units="2", result="passed", method="ultrasound", measured="3,240 m/s"
    )
    assert assayed.status_code == 303, check_page(assayed).visible_text
    browser.get_fragment(path, "quarantine")
    page = browser.get_page(path)
    for text in ("Passed", "Ultrasound", "3,240 m/s"):
        assert text in page.visible_text, text
    assert not page.all("form", id="assay")
    assert goods.available() == 10


def test_all_problems_of_an_assay_are_shown_at_once(
    app: Flask, people: People, browser: Browser, goods: Goods
) -> None:
    sign_in(app, people.staff(Role.INVENTORY)).submit_form(
        PATH, "quarantine", sku=goods.sku, location=goods.location.code, units="2",
        reason="They look pale",
    )  # fmt: skip
    [path] = links(browser, goods)
    response = browser.submit_form(path, "assay", units="0")
    assert response.status_code == 422
    for field in ("units", "result", "method", "measured"):
        assert check_page(response).all("a", href=f"#assay-{field}"), field


def test_who_may_only_read_sees_no_form(app: Flask, people: People) -> None:
    auditor = sign_in(app, people.staff(Role.AUDITOR))
    assert not auditor.get_page(PATH).all("form", id="quarantine")
    auditor.get_fragment("/admin/vault/movements", "list")


def test_bars_are_put_aside_and_examined_by_serial(
    app: Flask, people: People, browser: Browser
) -> None:
    goods = Goods.at_a_new_location(people, GOLD_BAR)
    serial = f"A{goods.location.code}"
    goods.receive_bars(f"{serial}, Valcambi, 400, .999", cost="1558440")
    keeper = sign_in(app, people.staff(Role.INVENTORY))
    wanted = {
        "sku": goods.sku, "location": goods.location.code, "units": "1", "reason": "It looks pale",
    }  # fmt: skip
    unread = keeper.submit_form(PATH, "quarantine", serials="?", **wanted)
    assert "is no serial" in check_page(unread).visible_text
    keeper.submit_form(PATH, "quarantine", serials=serial, **wanted)
    [path] = links(keeper, goods)
    assert f"{serial} (Valcambi)" in browser.get_page(path).visible_text
    browser.submit_form(
        path, "assay", units="1", serials=serial, result="passed", method="ultrasound",
        measured="3,240 m/s",
    )  # fmt: skip
    assert goods.available() == 1
