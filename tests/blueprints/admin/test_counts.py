"""The pages of counts: blind until they are submitted, and usable with a scanner."""

import pytest
from flask import Flask

from app.access import Role
from app.catalog.products.rules import ProductForm
from app.catalog.products.service import NewProduct
from app.catalog.rules import Metal
from app.catalog.tax_classes import TaxClass
from app.kit import ids
from tests.page_client import Browser, check_page
from tests.people import People
from tests.staff import sign_in
from tests.vault.goods import Goods

_FOIL = NewProduct(
    "", "Copper foil", Metal.CU, ProductForm.BAR, "0.01", "0.999", tax_class=TaxClass.COPPER
)
_COUNTS = "/admin/vault/counts"


@pytest.fixture
def keeper(app: Flask, people: People) -> Browser:
    """A browser in which a person of the role Inventory is signed in."""
    return sign_in(app, people.staff(Role.INVENTORY))


@pytest.fixture
def goods(people: People) -> Goods:
    """Units, of little metal, of which so many are expected that no other figure of a page is the
    same."""
    goods = Goods.at_a_new_location(people, _FOIL)
    goods.receive(units="77351", cost="400.00", spot="0.3")
    return goods


def start(keeper: Browser, goods: Goods) -> str:
    started = keeper.submit_form(_COUNTS, "start", location=goods.location.code, skus=goods.sku)
    assert started.status_code == 303, check_page(started).visible_text
    return str(started.location)


def enter(keeper: Browser, count: str, units: str, sku: str) -> None:
    entered = keeper.submit_form(count, "enter", units=units, sku=sku)
    assert entered.status_code == 303, check_page(entered).visible_text


def test_expected_units_are_shown_once_the_count_is_submitted(
    keeper: Browser, goods: Goods
) -> None:
    count = start(keeper, goods)
    enter(keeper, count, "5", goods.sku)
    enter(keeper, count, "77350", f"{goods.sku.lower()} ")
    page = keeper.get_page(count)
    assert f"Stored: 77350 of {goods.sku}." in page.visible_text
    assert page.all("input", id="enter-units", autofocus="")
    assert "77,350" in page.visible_text
    assert "77,351" not in page.visible_text
    assert "Expected" not in page.visible_text
    submitted = keeper.submit_form(count, "submit")
    assert submitted.status_code == 303
    text = keeper.get_page(count).visible_text
    assert "Expected" in text
    assert "77,35077,351-1" in text
    assert "It differs from the books" in text


def test_count_that_ended_meanwhile_says_so(keeper: Browser, goods: Goods) -> None:
    count = start(keeper, goods)
    enter(keeper, count, "77351", goods.sku)
    line = keeper.fill_form(count, "enter", units="1", sku=goods.sku)
    assert keeper.submit_form(count, "submit").status_code == 303
    refused = keeper.client.post(f"{count}/lines", data=line)
    assert refused.status_code == 409
    assert "was submitted or cancelled before" in check_page(refused).visible_text


def test_all_problems_of_a_line_are_shown_at_once(keeper: Browser, goods: Goods) -> None:
    count = start(keeper, goods)
    response = keeper.submit_form(count, "enter", units="x", sku="?")
    assert response.status_code == 422
    page = check_page(response)
    for field in ("units", "sku"):
        assert page.all("a", href=f"#enter-{field}"), field


def test_second_count_of_a_location_is_refused_at_its_field(keeper: Browser, goods: Goods) -> None:
    count = start(keeper, goods)
    refused = keeper.submit_form(_COUNTS, "start", location=goods.location.code)
    assert refused.status_code == 409
    assert check_page(refused).all("a", href="#start-location")
    assert keeper.submit_form(count, "cancel").status_code == 303
    assert "Cancelled" in keeper.get_page(count).visible_text
    start(keeper, goods)


def test_fragments_are_parts_of_their_pages(keeper: Browser, goods: Goods) -> None:
    keeper.get_fragment(_COUNTS, "counts")
    keeper.get_fragment(start(keeper, goods), "count")


def test_who_may_only_read_sees_no_forms(app: Flask, people: People, keeper: Browser) -> None:
    goods = Goods.at_a_new_location(people)
    count = start(keeper, goods)
    auditor = sign_in(app, people.staff(Role.AUDITOR))
    assert not auditor.get_page(_COUNTS).all("form", id="start")
    page = auditor.get_page(count)
    assert not any(page.all("form", id=form) for form in ("enter", "submit", "cancel"))


def test_count_that_does_not_exist_is_not_found(keeper: Browser) -> None:
    assert keeper.get_page(f"{_COUNTS}/{ids.encode('cnt', ids.new())}", status=404)
