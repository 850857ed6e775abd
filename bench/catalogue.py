"""A catalogue of many products with names, prices and stock as a shop has them."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import NamedTuple
from uuid import UUID

import psycopg

from app.branches.rules import HEAD_OFFICE
from app.catalog.rules import Metal
from app.ledger.chart import AccountClass

#: Units on the shelves of three places, more or fewer, and of every fifth product none.
PLACES = 3
_PUBLISHED = date(2026, 1, 1)
_OUNCE = 10**8
_COINS = {
    "Eagle": "United States Mint",
    "Buffalo": "United States Mint",
    "Maple Leaf": "Royal Canadian Mint",
    "Wildlife Wolf": "Royal Canadian Mint",
    "Krugerrand": "South African Mint",
    "Big Five Elephant": "South African Mint",
    "Britannia": "The Royal Mint",
    "Sovereign": "The Royal Mint",
    "Queen's Beasts Lion": "The Royal Mint",
    "Philharmonic": "Austrian Mint",
    "Kangaroo": "The Perth Mint",
    "Kookaburra": "The Perth Mint",
    "Koala": "The Perth Mint",
    "Lunar Dragon": "The Perth Mint",
    "Emu": "The Perth Mint",
    "Panda": "China Mint",
    "Libertad": "Casa de Moneda de México",
    "Noah's Ark": "Geiger Edelmetalle",
    "Somalia Leopard": "Bavarian State Mint",
    "Fiji Dolphin": "Scottsdale Mint",
    "Saint Helena Spade Guinea": "East India Company",
}
_METALS = {Metal.AU: "Gold", Metal.AG: "Silver", Metal.PT: "Platinum", Metal.PD: "Palladium"}
_SIZES = {
    "1 oz": _OUNCE,
    "1/2 oz": _OUNCE // 2,
    "1/4 oz": _OUNCE // 4,
    "1/10 oz": _OUNCE // 10,
    "2 oz": 2 * _OUNCE,
    "5 oz": 5 * _OUNCE,
}
_FINISHES = ("", "Proof", "BU", "Reverse Proof", "PCGS MS70", "NGC MS69", "Antique", "Colorized")
_YEARS = range(1998, 2026)
_COUNT = len(_COINS) * len(_METALS) * len(_SIZES) * len(_FINISHES) * len(_YEARS)
#: Prime to the number of products, so that the first of them are of every kind.
_STRIDE = 7_919

_PRODUCT_COLUMNS = (
    "sku", "name", "metal", "form", "gross_units", "fineness", "fine_units", "weight_basis",
    "is_serialized", "slug", "tax_class", "short_text", "long_text", "mint", "year",
    "is_legal_tender", "restricted_states", "display_order", "published_from", "reorder_below",
    "added_at",
)  # fmt: skip
# A rule for the coins of each metal, and one of its own for every tenth product.
_PRICES = """
INSERT INTO price_rules (id, metal, form, valid_from, recorded_at)
SELECT gen_random_uuid(), metal, 'coin', now(), now() FROM unnest(%(metals)s::text[]) AS metal;
INSERT INTO price_rules (id, sku, valid_from, recorded_at)
SELECT gen_random_uuid(), sku, now(), now() FROM products WHERE sku LIKE 'C%%0';
INSERT INTO price_rule_tiers (rule_id, from_quantity, percent, per_ounce, per_unit_units)
SELECT id, quantity, 6 - quantity / 10.0, 2, 150 FROM price_rules, unnest(ARRAY[1, 10]) quantity;
"""
_STOCK = """
INSERT INTO locations (id, branch_id, code, name, kind, opened_at)
SELECT place, %(branch)s, 'BENCH-' || number, 'A vault of the benchmark', 'vault', now()
FROM unnest(%(places)s::uuid[]) WITH ORDINALITY AS vault (place, number);
INSERT INTO accounts (class, owner_id, asset, guarded, normal)
SELECT %(available)s, place, sku, true, 1 FROM products, unnest(%(places)s::uuid[]) place;
INSERT INTO balances (account_id, posted)
SELECT id, CASE WHEN right(asset, 1) IN ('3', '7') THEN 0 ELSE id %% 40 END
FROM accounts WHERE class = %(available)s;
"""


class _Product(NamedTuple):
    number: int
    name: str
    metal: Metal
    size: str
    finish: str
    mint: str
    year: int


def list_names() -> Iterator[_Product]:
    """Yield products in an order in which all kinds of them come early."""
    coins, metals = list(_COINS.items()), list(_METALS)
    for number in range(_COUNT):
        rest, year = divmod(number * _STRIDE % _COUNT, len(_YEARS))
        rest, finish = divmod(rest, len(_FINISHES))
        rest, size = divmod(rest, len(_SIZES))
        coin, metal = divmod(rest, len(metals))
        name, mint = coins[coin]
        yield _Product(
            number,
            f"{_YEARS[year]} {_METALS[metals[metal]]} {name}, {list(_SIZES)[size]}",
            metals[metal],
            list(_SIZES)[size],
            _FINISHES[finish],
            mint,
            _YEARS[year],
        )


def add_products(connection: psycopg.Connection, count: int) -> None:
    """Add so many products, each priced and at three places. Raises `ValueError` for more than
    there are names."""
    if count > _COUNT:
        raise ValueError(f"There are names for {_COUNT:,} products.")
    products = list(islice(list_names(), count))
    with connection.cursor() as cursor:
        with cursor.copy("COPY assets (code, scale, name) FROM STDIN") as rows:
            for product in products:
                rows.write_row((_sku(product), 0, product.name))
        columns = ", ".join(_PRODUCT_COLUMNS)
        with cursor.copy(f"COPY products ({columns}) FROM STDIN") as rows:
            for product in products:
                rows.write_row(_product_row(product))
    values = {
        "metals": list(_METALS),
        "branch": HEAD_OFFICE,
        "places": [UUID(int=(7 << 76) + place) for place in range(1, PLACES + 1)],
        "available": AccountClass.STOCK_AVAILABLE,
    }
    for statement in f"{_PRICES}{_STOCK}".split(";\n"):
        if statement.strip():
            connection.execute(statement, values)


def _sku(product: _Product) -> str:
    return f"C{product.metal}-{product.number:06}"


def _product_row(product: _Product) -> tuple[object, ...]:
    name = " ".join(filter(None, (product.name, product.finish)))
    fine = _SIZES[product.size]
    published = _PUBLISHED - timedelta(days=product.number % 700)
    return (
        _sku(product),
        name,
        product.metal,
        "coin",
        fine * 10_000 // 9_999,
        "0.9999",
        fine,
        "declared",
        False,
        _sku(product).lower(),
        "legal_tender",
        f"{_METALS[product.metal]} coin of the year {product.year} from {product.mint}.",
        "",
        product.mint,
        product.year,
        True,
        "{}",
        product.number % 5_000,
        published,
        5,
        datetime.now(UTC),
    )
