"""Products: what one weighs, and which descriptions are refused."""

from dataclasses import replace
from decimal import Decimal

import pytest

from app.access import Role
from app.catalog.products import queries as products_queries
from app.catalog.products import service as products
from app.catalog.products.errors import SkuTaken
from app.catalog.products.queries import ProductSummary
from app.catalog.products.rules import ProductForm
from app.catalog.products.service import NewProduct
from app.catalog.rules import Metal
from app.catalog.tax_classes import TaxClass
from app.kit import ids
from app.kit.db import Database
from app.kit.errors import Invalid, PermissionDenied
from tests.people import People
from tests.unchanged_database import database_unchanged

EAGLE = NewProduct(
    "AU-EAGLE-1OZ", "American Gold Eagle, 1 oz", Metal.AU, ProductForm.COIN, "1.0909", "0.9167",
    "1", 5, tax_class=TaxClass.LEGAL_TENDER,
)  # fmt: skip


def add(database: Database, **changes: object) -> ProductSummary:
    sku = f"AU-{ids.new().hex[-12:]}"
    with database.transaction() as session:
        sku = products.add_product(session, None, replace(EAGLE, **{"sku": sku} | changes))
        product = products_queries.find_product(session, sku)
    assert product is not None
    return product


@pytest.mark.parametrize(
    ("changes", "fine", "accounted"),
    [
        # Gross weight by fineness would be 1.00002803.
        ({}, "1.00000000", "1.00000000"),
        ({"gross": "400.025", "fineness": "0.9950", "fine": None}, "398.02487500", "398.02487500"),
        (
            {"metal": Metal.AG, "gross": "1000.10", "fineness": "0.999", "fine": None},
            "999.09990000", "1000.10000000",
        ),
        (
            {"metal": Metal.PT, "gross": "1.0005", "fineness": "0.9995", "fine": "1"},
            "1.00000000", "1.00050000",
        ),
        (
            {"metal": Metal.CU, "gross": "32.15", "fineness": "0.999", "fine": None},
            "32.11785000", "32.11785000",
        ),
    ],
    ids=["Gold Eagle", "400-ounce bar", "1,000-ounce silver bar", "platinum coin", "copper bar"],
)  # fmt: skip
def test_product_weighs_what_its_mint_declares(
    database: Database, changes: dict[str, object], fine: str, accounted: str
) -> None:
    product = add(database, **changes)
    assert (str(product.fine_weight), str(product.accounted)) == (fine, accounted)


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("sku", "A"),
        ("sku", "AU EAGLE"),
        ("sku", "AU-EAGLE-"),
        ("sku", "1OZ-EAGLE"),
        ("sku", "X" * 25),
        ("name", " "),
        ("name", "x" * 101),
        ("gross", "0"),
        ("gross", "1.0000000001"),
        ("gross", "31.1 g"),
        ("fineness", "916.7"),
        ("fineness", "0.000"),
        ("fineness", "1"),
        ("fine", "1.01"),
        ("fine", "0.99"),
    ],
)
def test_product_names_the_field_that_is_wrong(database: Database, field: str, text: str) -> None:
    with database_unchanged(database), pytest.raises(Invalid) as refused:
        add(database, **{field: text})
    assert refused.value.field == field


@pytest.mark.parametrize("sku", ["au-eagle-1oz", "USDC"])
def test_sku_is_used_once(database: Database, sku: str) -> None:
    code = sku if sku == "USDC" else add(database).sku
    with database_unchanged(database), pytest.raises(SkuTaken):
        add(database, sku=code.lower())


def test_fineness_is_kept_to_five_decimals(database: Database) -> None:
    assert add(database, gross="1", fineness="0.99999", fine=None).fineness == Decimal("0.99999")


def test_product_needs_its_permission(database: Database, people: People) -> None:
    teller, product = people.staff(Role.TELLER), replace(EAGLE, sku="AU-OTHER")
    with (
        database_unchanged(database),
        pytest.raises(PermissionDenied),
        database.transaction() as session,
    ):
        products.add_product(session, teller, product)
