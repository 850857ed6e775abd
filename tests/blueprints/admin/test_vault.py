"""The pages of products, locations, deliveries and stock."""

import pytest
from flask import Flask

from app.access import Role
from app.kit import ids
from tests.page_client import Browser, check_page
from tests.people import People
from tests.staff import sign_in


@pytest.fixture
def keeper(app: Flask, people: People) -> Browser:
    """A browser in which a person of the role Inventory is signed in."""
    return sign_in(app, people.staff(Role.INVENTORY))


@pytest.mark.parametrize(
    ("path", "root"),
    [
        ("/admin/products", "products"),
        ("/admin/vault", "list"),
        ("/admin/vault/deliveries", "lots"),
        ("/admin/vault/locations", "locations"),
    ],
)
def test_fragment_is_part_of_its_page(keeper: Browser, path: str, root: str) -> None:
    keeper.get_fragment(path, root)


def test_product_that_arrives_at_a_new_location_is_in_stock(
    browser: Browser, keeper: Browser, people: People
) -> None:
    """An administrator opens the location; the person of the vault adds and receives."""
    code, branch = ids.new().hex[-10:].upper(), ids.encode("brn", people.branch())
    sku, location = f"AG-{code}", f"V{code}"
    opened = browser.submit_form(
        "/admin/vault/locations", "open", branch=branch, code=location, name="Vault", kind="vault"
    )
    assert opened.status_code == 303, check_page(opened).visible_text
    added = keeper.submit_form(
        "/admin/products", "add", sku=sku, name="Silver round", metal="AG",
        product_form="round", tax_class="bullion",
        gross="1", fineness="0.999", fine="", reorder_below="5",
    )  # fmt: skip
    assert added.status_code == 303, check_page(added).visible_text
    delivery = {
        "sku": sku, "location": location, "units": "4", "cost": "212.00", "spot": "50.00",
        "supplier": "Mint", "supplier_reference": code,
    }  # fmt: skip
    received = keeper.submit_form("/admin/vault/deliveries", "receive", **delivery)
    assert received.status_code == 303, check_page(received).visible_text
    stock = keeper.get_page(f"/admin/vault?sku={sku}").visible_text
    assert {sku, location, "4", "Low"} <= set(stock.split())
    assert "12.00 USD" in keeper.get_page(f"/admin/vault/deliveries?sku={sku}").visible_text
    again = keeper.submit_form("/admin/vault/deliveries", "receive", **delivery)
    assert again.status_code == 409
    assert check_page(again).all("a", href="#receive-supplier_reference")


def test_all_problems_of_a_delivery_are_shown_at_once(keeper: Browser) -> None:
    response = keeper.submit_form(
        "/admin/vault/deliveries", "receive", sku="?", units="0", cost="x", spot="0",
        supplier=" ", supplier_reference="",
    )  # fmt: skip
    assert response.status_code == 422
    page = check_page(response)
    for field in ("sku", "location", "units", "cost", "spot", "supplier", "supplier_reference"):
        assert page.all("a", href=f"#receive-{field}"), field


def test_delivery_of_an_unknown_product_is_refused_at_its_field(
    browser: Browser, keeper: Browser, people: People
) -> None:
    code, branch = f"V{ids.new().hex[-10:].upper()}", ids.encode("brn", people.branch())
    browser.submit_form(
        "/admin/vault/locations", "open", branch=branch, code=code, name="Vault", kind="vault"
    )
    response = keeper.submit_form(
        "/admin/vault/deliveries", "receive", sku="NO-SUCH-COIN", location=code, units="1",
        cost="1.00", spot="1", supplier="Mint", supplier_reference=code,
    )  # fmt: skip
    assert response.status_code == 422
    assert check_page(response).all("a", href="#receive-sku")


def test_who_may_only_read_sees_no_forms(app: Flask, people: People) -> None:
    auditor = sign_in(app, people.staff(Role.AUDITOR))
    for path in ("/admin/products", "/admin/vault/deliveries", "/admin/vault/locations"):
        page = auditor.get_page(path)
        assert not page.all("form", id="add")
        assert not page.all("form", id="receive")
        assert not page.all("form", id="open")
