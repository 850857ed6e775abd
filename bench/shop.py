"""Load of the shop over HTTP: searches of visitors, and goods locked and bought by customers."""

import json
from collections.abc import Callable, Sequence
from random import Random
from urllib.parse import urlencode
from uuid import uuid4

import psycopg

from app.branches import service as branches
from app.branches.entities.rules import FIRST_ENTITY
from app.branches.service import BranchDetails
from app.catalog.products import service as products
from app.catalog.products.rules import ProductForm
from app.catalog.products.service import NewProduct
from app.catalog.rules import Metal
from app.catalog.tax_classes import TaxClass
from app.kit.db import Database
from app.kit.postal_addresses import PostalAddress
from app.shop.prices import service as prices
from app.shop.prices.rules import PriceScope, PriceTier
from app.shop.prices.versions import NewPriceRule
from app.vault.deliveries import service as deliveries
from app.vault.deliveries.service import NewReceipt
from app.vault.locations import service as locations
from app.vault.locations.rules import LocationKind
from bench import catalogue
from bench.load import Conversation
from bench.market_setup import SignedInCustomer
from bench.server import BenchServer

#: What visitors type: names, sizes, years, the beginnings of words, mistyped words and synonyms.
TEXTS = (
    "maple", "gold eagle", "silver eagle 2021", "krug", "2019 britannia", "mapel leaf",
    "1/10 oz gold", "tenth maple", "silver panda proof", "kookaburra 1oz", "philharmonc",
    "platinum lunar", "ms70 eagle", "brit 2 oz", "palladium", "silver", "gold coin", "libertad",
    "2024 queen's beasts", "wolf reverse proof", "quarter ounce gold", "elefant", "sovereign gold",
    "kangaroo 2015 silver", "buffalo 1/2", "noahs ark", "koala", "spade guinea 5 oz",
)  # fmt: skip
#: How they narrow and sort what they find; most do neither.
CHOICES: Sequence[dict[str, str]] = (
    {}, {}, {}, {}, {}, {"metal": "AG"}, {"inStock": "true"}, {"sort": "newest"},
    {"sort": "weight"}, {"weight": "under_1"},
)  # fmt: skip
_PAGE = "24"
#: Customers buy one of so many products, of which there are more units than are sold.
GOODS = 500
_UNITS = 100_000
_CONCORD = PostalAddress(
    "US", "1 Main Street", city="Concord", state="NH", zip_code="03301", state_code="NH"
)


def fill_catalogue(bench: BenchServer, count: int) -> None:
    """Add so many products to the shop."""
    with psycopg.connect(bench.superuser("pbcex")) as connection:
        catalogue.add_products(connection, count)
    with psycopg.connect(bench.superuser("pbcex"), autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def searches(*, facets: bool) -> Callable[[int], bytes]:
    """Return a function that returns the n-th request of visitors, who type every text and narrow
    and sort what they find, in a fixed random order."""
    queries = [{"search": text, "limit": _PAGE, **choice} for text in TEXTS for choice in CHOICES]
    Random(1).shuffle(queries)
    requests = [_get(query | ({"facets": "true"} if facets else {})) for query in queries]
    return lambda number: requests[number % len(requests)]


def _get(query: dict[str, str]) -> bytes:
    return f"GET /api/shop/products?{urlencode(query)} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


def stock_goods(database: Database) -> list[str]:
    """Add products for sale, with many units of each in a vault where no sales tax is due; return
    their SKUs."""
    with database.transaction() as session:
        branch_id = branches.open_branch(
            session, None, code="BENCH", name="A branch of the benchmark", entity_id=FIRST_ENTITY
        )
        details = BranchDetails("A branch", _CONCORD, "", "America/New_York", offers_pickup=False)
        branches.change_details(session, None, branch_id, details)
        locations.open_location(
            session,
            None,
            branch_id=branch_id,
            code="BENCH-SALES",
            name="A vault of the benchmark",
            kind=LocationKind.VAULT,
        )
    return [_stock(database, f"BENCH-SALE-{number:03}") for number in range(GOODS)]


def _stock(database: Database, sku: str) -> str:
    with database.transaction() as session:
        products.add_product(
            session,
            None,
            NewProduct(
                sku, f"Silver coin {sku}", Metal.AG, ProductForm.COIN, "1", "0.999",
                tax_class=TaxClass.BULLION,
            ),
        )  # fmt: skip
        products.change_product(session, None, sku, {"published_from": "2026-01-01"})
        rule = NewPriceRule(PriceScope(sku=sku), [PriceTier(1, per_unit_units=150)])
        prices.set_by_operator(session, rule, reason="Prices of the benchmark")
        deliveries.receive_goods(
            session,
            None,
            NewReceipt(
                sku, "BENCH-SALES", str(_UNITS), f"{_UNITS * 51}.00", "50", "Bench", sku,
            ),
        )  # fmt: skip
    return sku


def buyers(
    count: int, customers: Sequence[SignedInCustomer], skus: Sequence[str]
) -> list[Conversation]:
    """Return so many conversations that lock one unit after the other and buy it, each by another
    customer, into the vault."""
    return [_buy(customers, skus, Random(number)) for number in range(count)]


def _buy(
    customers: Sequence[SignedInCustomer], skus: Sequence[str], random: Random
) -> Conversation:
    while True:
        customer = random.choice(customers)
        items = [{"sku": random.choice(skus), "quantity": 1}]
        locked = yield _post("/api/shop/lock-quote", customer, {"items": items})
        quote_id = json.loads(locked)["quoteId"]
        yield _post(
            "/api/shop/checkout",
            customer,
            {"quoteId": quote_id, "destination": "vault", "payment": {"method": "balance"}},
        )


def _post(path: str, customer: SignedInCustomer, fields: dict[str, object]) -> bytes:
    body = json.dumps(fields)
    return (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {customer.token}\r\n"
        f"Idempotency-Key: {uuid4().hex}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()
