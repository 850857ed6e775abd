"""Deliveries: what is on the shelf afterwards, what it cost, and what is refused."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.access import Role
from app.catalog.products.rules import ProductForm
from app.catalog.products.service import NewProduct
from app.catalog.rules import USD, XAG, XAU, Metal
from app.catalog.tax_classes import TaxClass
from app.hedging import queries as hedging_queries
from app.kit import ids
from app.kit.db import SNAPSHOT, Database
from app.kit.errors import Invalid, PermissionDenied
from app.kit.money import Amount
from app.vault.deliveries import service as deliveries
from app.vault.deliveries.errors import DeliveryReceived
from app.vault.deliveries.rules import divide_cost
from tests.people import People, set_prices
from tests.unchanged_database import database_unchanged
from tests.vault.goods import Goods, postings_of

SILVER_ROUND = NewProduct(
    "", "Silver round, 1 oz", Metal.AG, ProductForm.ROUND, "1.001", "0.999",
    tax_class=TaxClass.BULLION,
)  # fmt: skip


@pytest.fixture
def goods(people: People) -> Goods:
    return Goods.at_a_new_location(people)


def test_receipt_counts_units_ounces_and_cost_once_each(database: Database, goods: Goods) -> None:
    lot = goods.receive()
    assert goods.available() == 10
    assert postings_of(database, ids.encode("lot", lot)) == {
        ("stock.available", goods.sku): "10",
        ("stock.position", goods.sku): "-10",
        ("inventory.metal", "XAU-s"): "10.00000000",
        ("position", "XAU-s"): "-10.00000000",
        ("position", "USD"): "39000.00",
        ("inventory.premium", "USD"): "900.00",
        ("payables", "USD"): "-39900.00",
    }


def test_silver_is_accounted_by_its_gross_weight(database: Database, people: People) -> None:
    """As the market does it: a round of 1.001 ounces counts 1.001, though .999 of it are fine."""
    goods = Goods.at_a_new_location(people, SILVER_ROUND)
    lot = goods.receive(units="1000", cost="52052.00", spot="50")
    postings = postings_of(database, ids.encode("lot", lot))
    assert postings["inventory.metal", "XAG-s"] == "1001.00000000"
    assert postings["inventory.premium", "USD"] == "2002.00"


def test_goods_on_the_shelf_are_in_the_exposure(database: Database, goods: Goods) -> None:
    set_prices(database, AU="4000", AG="50", PT="1000", PD="1200", CU="0.3", PAXG="4001")
    before = hedged_gold(database)
    goods.receive(units="3")
    after = hedged_gold(database)
    assert [later - earlier for earlier, later in zip(before, after, strict=True)] == [
        Amount(before[0].asset, 3 * XAU.unit)
    ] * 2


def hedged_gold(database: Database) -> tuple[Amount, Amount]:
    """Return the gold in the vault, and its net exposure."""
    with database.transaction(SNAPSHOT) as session:
        exposure = hedging_queries.current_exposure(session)
    [gold] = [metal for metal in exposure.metals if metal.metal is Metal.AU]
    return gold.vault, gold.net


@given(cost=st.integers(1, 10**12), ounces=st.integers(1, 10**14), spot=st.integers(1, 10**11))
def test_parts_of_a_cost_are_the_whole(cost: int, ounces: int, spot: int) -> None:
    whole, price = Amount(USD, cost), Decimal(spot).scaleb(-6)
    if ounces * spot * 2 < 10**12:
        with pytest.raises(Invalid, match="less than a cent"):
            divide_cost(whole, Amount(XAG, ounces), price)
        return
    parts = divide_cost(whole, Amount(XAG, ounces), price)
    assert parts.metal + parts.premium == whole
    assert abs(parts.metal.units * 10**12 - ounces * spot) * 2 <= 10**12


def test_premium_is_negative_where_less_was_paid_than_the_metal_is_worth(
    database: Database, goods: Goods
) -> None:
    lot = goods.receive(cost="38000.00")
    postings = postings_of(database, ids.encode("lot", lot))
    assert postings["inventory.premium", "USD"] == "-1000.00"


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("units", "0"),
        ("units", "1.5"),
        ("units", "1000001"),
        ("units", "٣"),
        ("cost", "-1.00"),
        ("cost", "1.001"),
        ("spot", "0"),
        ("spot", "3,900"),
        ("spot", "0.000001"),
        ("sku", "NO-SUCH-COIN"),
        ("location", "NOWHERE"),
        ("supplier", " "),
        ("supplier_reference", "x" * 101),
    ],
)
def test_receipt_names_the_field_that_is_wrong(
    database: Database, goods: Goods, field: str, text: str
) -> None:
    with database_unchanged(database), pytest.raises(Invalid) as refused:
        goods.receive(**{field: text})
    assert refused.value.field == field


def test_delivery_is_received_once(database: Database, goods: Goods) -> None:
    goods.receive(supplier_reference="INV-7" + goods.sku)
    with database_unchanged(database), pytest.raises(DeliveryReceived):
        goods.receive(supplier_reference="INV-7" + goods.sku)


def test_receipt_needs_its_permission(database: Database, people: People, goods: Goods) -> None:
    auditor, receipt = people.staff(Role.AUDITOR), goods.receipt()
    with (
        database_unchanged(database),
        pytest.raises(PermissionDenied),
        database.transaction() as session,
    ):
        deliveries.receive_goods(session, auditor, receipt)
