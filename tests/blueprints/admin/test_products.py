"""The pages of products."""

import pytest
from flask import Flask

from app.access import Role
from app.kit import ids
from app.kit.db import Database
from tests.blueprints.admin.conftest import SignInAs
from tests.catalog.test_products import add
from tests.page_client import Browser, check_page
from tests.people import People
from tests.staff import sign_in
from tests.vault.goods import Goods


@pytest.fixture
def keeper(sign_in_as: SignInAs) -> Browser:
    """A browser in which a person of the role Inventory is signed in."""
    return sign_in_as(Role.INVENTORY)


def test_product_is_described_taxed_and_published(keeper: Browser, database: Database) -> None:
    sku = add(database).sku
    path = f"/admin/products/{sku}"
    assert "Not published" in keeper.get_fragment(path, "product").visible_text
    described = keeper.submit_form(
        path, "describe", name="Gold Eagle", category="", slug=f"eagle-{sku.lower()}", mint="Mint",
        year="2026", short_text="", long_text="", variant_group="", width_mm="", height_mm="",
        thickness_mm="",
    )  # fmt: skip
    assert described.status_code == 303, check_page(described).visible_text
    sold = keeper.submit_form(
        path, "sell", tax_class="numismatic", is_legal_tender="yes", face_value="50",
        face_currency="usd", gtin="", age_min="18", restricted_states="tx ca", reorder_below="4",
    )  # fmt: skip
    assert sold.status_code == 303, check_page(sold).visible_text
    published = keeper.submit_form(
        path, "publish", published_from="2026-01-01", published_until="", display_order="10"
    )
    assert published.status_code == 303, check_page(published).visible_text
    page = keeper.get_page(path)
    assert "Published" in page.visible_text
    assert page.all("input", id="sell-restricted_states", value="CA, TX")
    assert page.all("input", id="sell-face_value", value="50.00")
    assert "checked" in page.all("input", id="sell-is_legal_tender")[0]


def test_change_by_another_person_is_shown_before_it_is_overwritten(
    keeper: Browser, sign_in_as: SignInAs, database: Database
) -> None:
    sku, fields = add(database).sku, {"published_from": "2026-01-01", "published_until": ""}
    path = f"/admin/products/{sku}"
    opened = keeper.fill_form(path, "publish", display_order="5", **fields)
    other = sign_in_as(Role.INVENTORY)
    other.submit_form(path, "publish", display_order="9", **fields)
    refused = keeper.client.post(f"{path}/publication", data=opened)
    assert refused.status_code == 409
    assert "changed this since you opened it" in check_page(refused).visible_text


def test_taken_slug_is_shown_at_its_field(keeper: Browser, database: Database) -> None:
    taken, sku = add(database).sku.lower(), add(database).sku
    response = keeper.submit_form(
        f"/admin/products/{sku}", "describe", name="Eagle", category="", slug=taken, mint="",
        year="", short_text="", long_text="", variant_group="", width_mm="", height_mm="",
        thickness_mm="",
    )  # fmt: skip
    assert response.status_code == 409
    assert check_page(response).all("a", href="#describe-slug")


def test_new_product_leads_to_its_page(keeper: Browser) -> None:
    sku = f"AU-{ids.new().hex[-10:].upper()}"
    added = keeper.submit_form(
        "/admin/products", "add", sku=sku, name="Gold bar", metal="AU", product_form="bar",
        gross="400.025", fineness="0.9950", fine="", is_serialized="yes", tax_class="bullion",
        reorder_below="0",
    )  # fmt: skip
    assert added.location == f"/admin/products/{sku}"
    assert "a weight of its own" in keeper.get_page(added.location).visible_text


def test_reader_sees_details_and_no_forms(app: Flask, people: People, database: Database) -> None:
    auditor = sign_in(app, people.staff(Role.AUDITOR))
    page = auditor.get_page(f"/admin/products/{add(database).sku}")
    assert "Legal-tender coin" in page.visible_text
    assert not page.all("form", id="describe")


def test_unknown_product_is_not_found(keeper: Browser) -> None:
    keeper.get_page("/admin/products/NO-SUCH-SKU", status=404)


def test_location_gets_a_reorder_point_of_its_own_and_loses_it(
    keeper: Browser, people: People
) -> None:
    goods = Goods.at_a_new_location(people)
    path, code = f"/admin/products/{goods.sku}", goods.location.code
    refused = keeper.submit_form(path, "reorder", location=code, reorder_below="few")
    assert refused.status_code == 422
    assert check_page(refused).all("details", open="")
    for below, is_listed in (("12", True), ("", False)):
        saved = keeper.submit_form(path, "reorder", location=code, reorder_below=below)
        assert saved.status_code == 303, check_page(saved).visible_text
        listed = keeper.get_page(path).visible_text
        assert ("but for these" in listed) is is_listed
