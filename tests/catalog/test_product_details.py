"""The details of products: what is refused, what is recorded, and what can never change."""

import psycopg
import pytest

from app.access import Role
from app.audit.actions import AuditAction
from app.catalog.categories import service as categories
from app.catalog.categories.service import CategoryEntry
from app.catalog.products import details
from app.catalog.products import queries as products_queries
from app.catalog.products import service as products
from app.catalog.products.errors import GtinTaken, SlugTaken
from app.catalog.products.gtins import check_digit, clean_gtin
from app.catalog.products.queries import ProductDetails
from app.kit import ids
from app.kit.db import Database
from app.kit.errors import Invalid, NotFound, PermissionDenied
from tests.catalog.test_products import add
from tests.people import People
from tests.unchanged_database import database_unchanged

EAGLE = {
    "name": "American Gold Eagle, 1 oz, 2026",
    "short_text": "The coin of the United States",
    "long_text": "First line.\nSecond line.",
    "mint": "United States Mint",
    "year": "2026",
    "variant_group": "gold-eagle",
    "face_value": "50.00",
    "face_currency": "USD",
    "is_legal_tender": "yes",
    "tax_class": "legal_tender",
    "width_mm": "32.70",
    "height_mm": "32.70",
    "thickness_mm": "2.87",
    "age_min": "18",
    "restricted_states": "CA, TX",
    "display_order": "20",
    "reorder_below": "7",
    "published_from": "2026-01-05",
    "published_until": "2026-12-31",
}


def new_gtin() -> str:
    """Return a GTIN that no other product of a test has."""
    digits = f"{ids.new().int % 10**13:013}"
    return f"{digits}{check_digit(digits)}"


def change(database: Database, sku: str, texts: dict[str, str]) -> ProductDetails:
    with database.transaction() as session:
        products.change_product(session, None, sku, texts)
        return products_queries.get_product(session, sku)


def test_details_are_read_back_as_they_were_entered(database: Database) -> None:
    sku = add(database).sku
    with database.transaction() as session:
        entry = CategoryEntry(f"coins-{sku.lower()}", "Coins")
        categories.add_category(session, None, entry)
    texts = EAGLE | {"slug": f"gold-eagle-{sku.lower()}", "gtin": new_gtin()}
    texts |= {"category": entry.slug}
    assert set(texts) == set(details.NAMES)
    assert change(database, sku, texts).texts == texts
    emptied = {name: "" for name, text in texts.items() if name not in details.REQUIRED}
    kept = {name: text for name, text in texts.items() if name in details.REQUIRED}
    assert change(database, sku, emptied).texts == kept | emptied


def test_change_is_recorded_with_what_differs(database: Database) -> None:
    sku = add(database).sku
    with database.transaction() as session:
        changed = products.change_product(session, None, sku, {"mint": "Mint", "year": ""})
        again = products.change_product(session, None, sku, {"mint": " Mint "})
        records = session.rows(
            "SELECT before, after FROM audit_records WHERE subject = %s AND action = %s",
            (sku, AuditAction.PRODUCT_CHANGED),
        )
    assert (list(changed), list(again)) == (["mint"], [])
    assert records == [({"mint": ""}, {"mint": "Mint"})]


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("slug", "gold--eagle"),
        ("slug", ""),
        ("category", "no-such-category"),
        ("short_text", "x" * 301),
        ("long_text", "x" * 5001),
        ("long_text", "a\x07b"),
        ("mint", "x" * 61),
        ("year", "0"),
        ("year", "2101"),
        ("year", "MMXX"),
        ("variant_group", "Gold Eagles"),
        ("face_value", "50.005"),
        ("face_value", "0"),
        ("face_value", "50"),
        ("face_currency", "XYZ"),
        ("face_currency", "USD"),
        ("is_legal_tender", "maybe"),
        ("tax_class", "art"),
        ("tax_class", ""),
        ("gtin", "12345"),
        ("gtin", "012345600013"),
        ("width_mm", "-1"),
        ("thickness_mm", "10001"),
        ("age_min", "0"),
        ("restricted_states", "CA, ZZ"),
        ("display_order", "1.5"),
        ("reorder_below", "-1"),
        ("published_from", "5 May"),
        ("published_until", "2026-05-05"),
    ],
)
def test_detail_names_the_field_that_is_wrong(database: Database, field: str, text: str) -> None:
    sku = add(database).sku
    other = {"face_value": "face_currency", "face_currency": "face_value"}.get(field, field)
    with database_unchanged(database), pytest.raises(Invalid) as refused:
        change(database, sku, {field: text})
    assert refused.value.field in {field, other}


def test_last_day_is_not_before_the_first(database: Database) -> None:
    sku = add(database).sku
    one_day = {"published_from": "2026-05-05", "published_until": "2026-05-05"}
    change(database, sku, one_day)
    with pytest.raises(Invalid, match="published_until"):
        change(database, sku, one_day | {"published_until": "2026-05-04"})


@pytest.mark.parametrize(
    ("text", "gtin"),
    [
        ("0 12345 60001 2", "00012345600012"),
        ("4006381333931", "04006381333931"),
        ("96385074", "00000096385074"),
    ],
    ids=["UPC", "EAN-13", "EAN-8"],
)
def test_gtin_is_kept_in_14_digits(text: str, gtin: str) -> None:
    assert clean_gtin(text) == gtin


def test_slug_and_gtin_are_used_once(database: Database) -> None:
    first, second, gtin = add(database).sku, add(database).sku, new_gtin()
    change(database, first, {"slug": f"{first.lower()}-x", "gtin": gtin})
    with database_unchanged(database):
        with pytest.raises(SlugTaken):
            change(database, second, {"slug": f"{first.lower()}-x"})
        with pytest.raises(GtinTaken):
            change(database, second, {"gtin": gtin})


def test_only_bars_have_serials(database: Database) -> None:
    with database_unchanged(database), pytest.raises(Invalid, match="is_serialized"):
        add(database, is_serialized=True)


@pytest.mark.parametrize("column", ["metal", "form", "gross_units", "fineness", "is_serialized"])
def test_weights_cannot_be_changed_by_the_application(database: Database, column: str) -> None:
    with (
        pytest.raises(psycopg.errors.InsufficientPrivilege),
        database.transaction() as session,
    ):
        session.send(f"UPDATE products SET {column} = {column}")


def test_change_needs_its_permission(database: Database, people: People) -> None:
    sku, teller = add(database).sku, people.staff(Role.TELLER)
    with (
        database_unchanged(database),
        pytest.raises(PermissionDenied),
        database.transaction() as session,
    ):
        products.change_product(session, teller, sku, {"mint": "Mint"})
    with pytest.raises(NotFound), database.transaction() as session:
        products.change_product(session, None, "NO-SUCH-SKU", {})
