"""How payments make up a total, and how long an order waits for them. Pure.

Amounts are US dollars; what is given may be metal, which is sold at the bid that was promised.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from app.catalog.rules import USD
from app.kit.errors import Invalid
from app.kit.formatting import format_amount
from app.kit.money import Amount, Asset
from app.settings.rules import setting, settings_group
from app.shop.orders.rules import DEPOSIT_METHODS, OrderPayment, OrderPaymentMethod
from app.trading.rules import DOLLAR_PRICE, ConversionTerms, PricePair, convert_given
from app.trading.rules import convert_received as convert_to_receive
from app.vault.lots.rules import share_out

_NOTHING = Amount(USD, 0)
_WEEKEND = (5, 6)


def _usd(text: str) -> Amount:
    return Amount.parse(USD, text)


@settings_group("order_payments", "Payment of orders")
@dataclass(frozen=True, slots=True)
class OrderPaymentRules:
    """How long an order waits for a card or a transfer, and how much of that a person may ask."""

    card_minutes: int = setting(
        "An order waits for a card payment",
        30,
        minimum=5,
        maximum=1440,
        unit="minutes",
        about="Goods and prices are kept until then, whatever the market does.",
    )
    transfer_days: int = setting(
        "An order waits for a bank transfer",
        2,
        minimum=1,
        maximum=10,
        unit="days",
        about="Days from Monday to Friday. Goods and prices are kept until then, whatever the"
        " market does.",
    )
    reminder_hours: int = setting(
        "Reminder of a bank transfer, before its time ends",
        20,
        minimum=1,
        maximum=200,
        unit="hours",
        about="Once, to customers whose transfer has not come.",
        needs_approval=False,
    )
    waiting_max: int = setting(
        "Orders of a person that wait for payment at a time",
        3,
        minimum=1,
        maximum=100,
        unit="orders",
    )
    unpaid_per_day: int = setting(
        "Orders of a person that end unpaid, in 24 hours",
        10,
        minimum=1,
        maximum=1000,
        unit="orders",
        about="Goods cannot be kept from others by ordering them again and again. Orders that still"
        " wait count.",
    )
    card_leaving_max: Amount = setting(
        "Most that a person pays by card for goods that leave",
        _usd("500"),
        minimum=_NOTHING,
        maximum=_usd("100000"),
        about="Shipped or picked up, in the days for which card money is withheld: a card payment"
        " can be taken back when the goods are gone. Goods for the vault have no such limit.",
    )

    def __post_init__(self) -> None:
        """Check that a reminder comes after its order."""
        if self.transfer_days * 24 <= self.reminder_hours:
            raise ValueError("The reminder must come after the order was placed.")

    def due_at(self, method: OrderPaymentMethod, placed_at: datetime) -> datetime:
        """Return until when an order waits for its payment."""
        if method is OrderPaymentMethod.CARD:
            return placed_at + timedelta(minutes=self.card_minutes)
        due, days = placed_at, self.transfer_days
        while days:
            due += timedelta(days=1)
            days -= due.weekday() not in _WEEKEND
        return due


@settings_group("order_review", "Review of orders")
@dataclass(frozen=True, slots=True)
class OrderReviewRules:
    """Which orders of goods that leave our staff look at before the goods are sold."""

    orders_per_day: int = setting(
        "Orders of a person in 24 hours without a review",
        20,
        minimum=1,
        maximum=1000,
        unit="orders",
        about="Of goods that are shipped or picked up. The order after them is put on hold.",
    )
    first_order_from: Amount = setting(
        "Review of a new customer's order, from",
        _usd("25000"),
        minimum=_NOTHING,
        maximum=_usd("10000000"),
        about="A customer is new until an order was paid so many days ago.",
    )
    new_days: int = setting(
        "A customer is new for",
        7,
        minimum=1,
        maximum=365,
        unit="days",
        about="From the payment of their first order.",
    )
    addresses_differ_from: Amount = setting(
        "Review of an invoice to another place, from",
        _usd("5000"),
        minimum=_NOTHING,
        maximum=_usd("10000000"),
        about="The invoice goes to another country or postal code than the goods.",
    )
    hold_days: int = setting(
        "An order on hold is cancelled after",
        7,
        minimum=2,
        maximum=60,
        unit="days",
        about="Its customer has everything back. Those who review orders are reminded a day before."
        " One that waits for a decision about the sanctions list is not cancelled.",
    )
    approval_from: Amount = setting(
        "Second person to release an order, from",
        _usd("50000"),
        minimum=_usd("1"),
        maximum=_usd("10000000"),
        about="An order on hold of this total, or above, is released by two members of staff.",
    )


@dataclass(frozen=True, slots=True)
class Charges:
    """What an invoice has beside the price of the goods, or a branch's part of it."""

    tax: Amount = _NOTHING
    shipping: Amount = _NOTHING
    insurance: Amount = _NOTHING

    @property
    def total(self) -> Amount:
        """All of it."""
        return self.tax + self.shipping + self.insurance


def share_charges(
    goods: Mapping[UUID, Amount], taxes: Mapping[UUID, Amount], charges: Charges
) -> dict[UUID, Charges]:
    """Return each branch's part of what was charged: the tax of what it sold, and of shipping and
    insurance its share by the price of what it sold. The parts are the whole."""
    branch_ids = sorted(goods)
    weights = [goods[branch_id].units for branch_id in branch_ids]
    shipping = share_out(charges.shipping.units, weights)
    insurance = share_out(charges.insurance.units, weights)
    return {
        branch_id: Charges(
            taxes.get(branch_id, _NOTHING), Amount(USD, shipping_part), Amount(USD, insurance_part)
        )
        for branch_id, shipping_part, insurance_part in zip(
            branch_ids, shipping, insurance, strict=True
        )
    }


@dataclass(frozen=True, slots=True)
class RequestedPayment:
    """A payment as the customer requests it; without an amount it pays the rest.

    `field` is its name in the request. `amount` is in `asset`. `source` is the processor's token of
    a card, and `fee_max` the fee of a card payment or transfer that the customer agreed to.
    """

    field: str
    method: OrderPaymentMethod
    asset: Asset
    amount: Amount | None = None
    source: str = ""
    fee_max: Amount | None = None


def find_later(requested: Sequence[RequestedPayment]) -> int | None:
    """Return the position of the payment that a deposit pays; None if all is paid at once."""
    return next((at for at, each in enumerate(requested) if each.method in DEPOSIT_METHODS), None)


def split_total(
    total: Amount, requested: Sequence[RequestedPayment], prices: Mapping[str, PricePair]
) -> list[OrderPayment]:
    """Return the payments that make up the total, in the order of the request.

    `prices` are those promised, by the asset of the metal. Raises `Invalid` naming the field.
    """
    _check_kinds(requested, prices)
    given = {each.field: _pay(each, each.amount, prices) for each in requested if each.amount}
    left = total
    for field, payment in given.items():
        if left < payment.dollars:
            raise Invalid(
                f"{field}.amount",
                f"It pays {format_amount(payment.dollars)}, and {format_amount(left)} of the total"
                " is left. Leave the amount out to pay just that.",
            )
        left -= payment.dollars
    open_ended = [each for each in requested if each.amount is None]
    if left and not open_ended:
        raise Invalid(
            f"{requested[-1].field}.amount",
            f"The payments are {format_amount(left)} less than the total of"
            f" {format_amount(total)}. Leave one amount out: it pays the rest.",
        )
    for each in open_ended:
        if not left:
            raise Invalid(each.field, "The other payments pay everything. Remove this one.")
        given[each.field] = _pay_rest(each, left, prices)
    return [given[each.field] for each in requested]


def _check_kinds(requested: Sequence[RequestedPayment], prices: Mapping[str, PricePair]) -> None:
    seen: set[tuple[OrderPaymentMethod, str]] = set()
    is_open_ended = is_later = False
    for each in requested:
        kind = each.method, each.asset.code
        if kind in seen:
            raise Invalid(each.field, "Pay with each method and asset once. Add the two up.")
        if each.amount is None and is_open_ended:
            raise Invalid(f"{each.field}.amount", "Enter an amount. Only one payment has none.")
        if each.method is OrderPaymentMethod.METAL and each.asset.code not in prices:
            options = " or ".join(sorted(prices))
            raise Invalid(f"{each.field}.asset", f"Pay with {options}: its price was promised.")
        if each.method in DEPOSIT_METHODS and is_later:
            raise Invalid(f"{each.field}.method", "Pay one part by card or bank transfer, not two.")
        is_later |= each.method in DEPOSIT_METHODS
        seen.add(kind)
        is_open_ended |= each.amount is None


def _pay(
    request: RequestedPayment, amount: Amount | None, prices: Mapping[str, PricePair]
) -> OrderPayment:
    assert amount is not None
    if request.method is not OrderPaymentMethod.METAL:
        return OrderPayment(request.method, amount, amount)
    conversion = convert_given(_sale(request.asset, prices), amount)
    if conversion is None:
        raise Invalid(f"{request.field}.amount", "Enter a larger amount. This one pays nothing.")
    return OrderPayment(
        request.method,
        amount,
        conversion.received,
        conversion.price,
        conversion.spread,
        conversion.rounding,
    )


def _pay_rest(
    request: RequestedPayment, left: Amount, prices: Mapping[str, PricePair]
) -> OrderPayment:
    if request.method is not OrderPaymentMethod.METAL:
        return OrderPayment(request.method, left, left)
    conversion = convert_to_receive(_sale(request.asset, prices), left)
    assert conversion is not None  # a price that was promised is above zero
    return OrderPayment(
        request.method,
        conversion.given,
        left,
        conversion.price,
        conversion.spread,
        conversion.rounding,
    )


def _sale(asset: Asset, prices: Mapping[str, PricePair]) -> ConversionTerms:
    """Return the terms of selling metal for dollars, without a fee."""
    return ConversionTerms(asset, USD, prices[asset.code], DOLLAR_PRICE, 0)
