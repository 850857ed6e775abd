"""How payments make up a total, and what an order posts, to the cent."""

from collections import Counter
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog.products.rules import OUNCE
from app.catalog.rules import USD, XAG, XAU
from app.kit.errors import Invalid
from app.kit.money import Amount, Asset
from app.ledger import chart
from app.ledger.service import NewPosting
from app.shop.checkout.postings import post_charges, post_payments
from app.shop.checkout.rules import (
    Charges,
    OrderPaymentRules,
    RequestedPayment,
    share_charges,
    split_total,
)
from app.shop.orders.rules import OrderPayment, OrderPaymentMethod
from app.trading.rules import PricePair

BUYER, NEW_YORK, KINGSTON = UUID(int=1), UUID(int=2), UUID(int=3)
#: A bid of 3,992 and an ask of 4,008 around 4,000 dollars.
GOLD = PricePair(Decimal(3992), Decimal(4008), Decimal(4000))
PROMISED = {"XAU-s": GOLD}
BALANCE, METAL = OrderPaymentMethod.BALANCE, OrderPaymentMethod.METAL
CARD, TRANSFER = OrderPaymentMethod.CARD, OrderPaymentMethod.BANK_TRANSFER


def usd(text: str) -> Amount:
    return Amount(USD, int(Decimal(text) * 100))


def request(
    method: OrderPaymentMethod, amount: str | None = None, asset: Asset = USD, number: int = 0
) -> RequestedPayment:
    wanted = None if amount is None else Amount.parse(asset, amount)
    return RequestedPayment(f"payments.{number}", method, asset, wanted)


def test_metal_and_dollars_together_post_what_a_hand_calculation_says() -> None:
    """Three coins for 12,465.00, two of them from New York: 0.62 of tax there, shipping 9.95,
    insurance 31.16. One ounce pays 3,992.00, dollars the rest."""
    goods = {NEW_YORK: usd("8310.00"), KINGSTON: usd("4155.00")}
    charges = Charges(usd("0.62"), usd("9.95"), usd("31.16"))
    total = usd("12465.00") + charges.total
    payments = split_total(total, [request(METAL, "1", XAU), request(BALANCE, number=1)], PROMISED)
    moved = Counter[tuple[str, str, UUID]]()
    shares = share_charges(goods, {NEW_YORK: usd("0.62")}, charges)
    for posting in [*post_payments(BUYER, payments), *post_charges(shares)]:
        account = posting.account
        moved[account.asset.code, account.account_class, account.owner_id] += posting.units
    assert {key: units for key, units in moved.items() if units} == {
        ("XAU-s", "customer.trading", BUYER): 1_00000000,
        ("XAU-s", "position", chart.HOUSE): -1_00000000,
        ("USD", "customer.funding", BUYER): 8_514_73,
        ("USD", "position", chart.HOUSE): 4_000_00,
        ("USD", "spread", chart.HOUSE): -8_00,
        ("USD", "sales_tax", NEW_YORK): -62,
        ("USD", "sales.shipping", NEW_YORK): -6_63,
        ("USD", "sales.shipping", KINGSTON): -3_32,
        ("USD", "sales.insurance", NEW_YORK): -20_77,
        ("USD", "sales.insurance", KINGSTON): -10_39,
    }
    assert sum(units for (asset, *_), units in moved.items() if asset == "USD") == 12_465_00


@pytest.mark.parametrize(
    ("requested", "paid"),
    [
        ([request(BALANCE)], [("100.00", "100.00")]),
        ([request(BALANCE, "100")], [("100.00", "100.00")]),
        # 0.02505010 ounces pay 99.99 dollars, and 0.02505011 pay 100.00.
        ([request(METAL, asset=XAU)], [("0.02505011", "100.00")]),
        (
            [request(METAL, "0.01", XAU), request(BALANCE, number=1)],
            [("0.01000000", "39.92"), ("60.08", "60.08")],
        ),
        (
            [request(BALANCE, "60.08"), request(METAL, "0.01", XAU, number=1)],
            [("60.08", "60.08"), ("0.01000000", "39.92")],
        ),
    ],
)
def test_payments_make_up_the_total(
    requested: list[RequestedPayment], paid: list[tuple[str, str]]
) -> None:
    payments = split_total(usd("100"), requested, PROMISED)
    assert [(str(each.given), str(each.dollars)) for each in payments] == paid


@pytest.mark.parametrize(
    ("requested", "field"),
    [
        ([request(BALANCE, "100.01")], "payments.0.amount"),
        ([request(BALANCE, "99.99")], "payments.0.amount"),
        ([request(BALANCE, "100"), request(METAL, asset=XAU, number=1)], "payments.1"),
        ([request(BALANCE), request(METAL, asset=XAU, number=1)], "payments.1.amount"),
        ([request(BALANCE, "50"), request(BALANCE, "50", number=1)], "payments.1"),
        ([request(METAL, asset=XAG)], "payments.0.asset"),
        ([request(METAL, "0.00000001", XAU), request(BALANCE, number=1)], "payments.0.amount"),
        ([request(METAL, "0.026", XAU), request(BALANCE, number=1)], "payments.0.amount"),
        ([request(CARD, "50"), request(TRANSFER, number=1)], "payments.1.method"),
    ],
)
def test_payments_that_are_not_the_total_are_refused_by_field(
    requested: list[RequestedPayment], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        split_total(usd("100"), requested, PROMISED)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("method", "placed", "due"),
    [
        (CARD, "2026-11-27 23:59", "2026-11-28 00:29"),
        # From Monday to Wednesday, from Thursday to Monday, from Friday and Sunday to Tuesday.
        (TRANSFER, "2026-11-30 10:00", "2026-12-02 10:00"),
        (TRANSFER, "2026-11-26 10:00", "2026-11-30 10:00"),
        (TRANSFER, "2026-11-27 10:00", "2026-12-01 10:00"),
        (TRANSFER, "2026-11-29 10:00", "2026-12-01 10:00"),
    ],
)
def test_order_waits_minutes_for_a_card_and_working_days_for_a_transfer(
    method: OrderPaymentMethod, placed: str, due: str
) -> None:
    placed_at = datetime.fromisoformat(f"{placed}+00:00")
    due_at = OrderPaymentRules().due_at(method, placed_at)
    assert due_at == datetime.fromisoformat(f"{due}+00:00")


@given(
    total=st.integers(1, 10**9),
    bid=st.decimals("0.0001", "99999", places=4),
    spread=st.decimals("0", "500", places=4),
)
def test_metal_pays_any_total_with_the_least_ounces(
    total: int, bid: Decimal, spread: Decimal
) -> None:
    prices = {"XAU-s": PricePair(bid, bid + 2 * spread, bid + spread)}
    wanted = Amount(USD, total)
    [payment] = split_total(wanted, [request(METAL, asset=XAU)], prices)
    worth = payment.given.units * bid * 100 / OUNCE
    assert payment.dollars == wanted
    assert int(worth) >= total > int((payment.given.units - 1) * bid * 100 / OUNCE)
    assert sum(posting.units for posting in _dollars([payment])) == total


def _dollars(payments: list[OrderPayment]) -> list[NewPosting]:
    return [posting for posting in post_payments(BUYER, payments) if posting.account.asset == USD]


@given(
    st.dictionaries(st.uuids(), st.integers(1, 10**9), min_size=1, max_size=4),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
)
def test_what_branches_get_of_charges_is_all_of_them(
    goods: dict[UUID, int], shipping: int, insurance: int
) -> None:
    charges = Charges(usd("0"), Amount(USD, shipping), Amount(USD, insurance))
    shares = share_charges({key: Amount(USD, units) for key, units in goods.items()}, {}, charges)
    assert sum(each.shipping.units for each in shares.values()) == shipping
    assert sum(each.insurance.units for each in shares.values()) == insurance
