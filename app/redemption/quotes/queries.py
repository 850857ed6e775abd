"""Named reads of quotes of redemptions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.catalog.products.models import Product
from app.catalog.products.rules import ProductForm
from app.catalog.rules import TRADABLE, USD
from app.flags.rules import FulfilmentStrategy
from app.kit import ids
from app.kit.db import Session
from app.kit.ids import PublicId
from app.kit.money import Amount, Asset
from app.redemption.quotes.models import RedemptionQuoteItem, RedemptionQuoteRow
from app.redemption.quotes.rules import QUOTE_PREFIX
from app.tax.assessment import Delivery


@dataclass(frozen=True, slots=True)
class QuotedItem:
    """Pieces of one product; one bar of a product with serials."""

    position: int
    sku: str
    name: str
    quantity: int
    #: The accounted ounces of one piece.
    ounces: Amount
    lot_id: UUID | None

    @property
    def total_ounces(self) -> Amount:
        """The accounted ounces of all pieces."""
        return Amount(self.ounces.asset, self.ounces.units * self.quantity)


@dataclass(frozen=True, slots=True)
class RedemptionQuote:
    """Pieces that cover an amount of metal, and what they cost until the quote expires."""

    id: UUID
    user_id: UUID
    asset: Asset
    amount_units: int
    form: ProductForm
    destination: Delivery
    country: str | None
    pickup_branch_id: UUID | None
    bid: Decimal
    ask: Decimal
    mid: Decimal
    goods_ounces_units: int
    value_units: int
    goods_value_units: int
    fee_units: int
    shipping_units: int
    insurance_units: int
    top_up_units: int
    top_up_spread_units: int
    top_up_rounding_units: int
    total_units: int
    metal_units: int
    metal_spread_units: int
    metal_rounding_units: int
    quoted_at: datetime
    expires_at: datetime
    strategy: FulfilmentStrategy
    strategy_reason: str
    items: Sequence[QuotedItem]

    @property
    def public_id(self) -> PublicId:
        """The id as others see it."""
        return ids.encode(QUOTE_PREFIX, self.id)

    @property
    def amount(self) -> Amount:
        """The metal that is redeemed."""
        return Amount(self.asset, self.amount_units)

    @property
    def goods_ounces(self) -> Amount:
        """What the pieces weigh, as they are accounted."""
        return Amount(self.asset, self.goods_ounces_units)

    @property
    def top_up_ounces(self) -> Amount:
        """By how much the pieces weigh more than the amount."""
        return self.goods_ounces - self.amount

    @property
    def value(self) -> Amount:
        """What the redeemed metal is worth at mid."""
        return Amount(USD, self.value_units)

    @property
    def goods_value(self) -> Amount:
        """What the metal of the pieces is worth at mid."""
        return Amount(USD, self.goods_value_units)

    @property
    def fee(self) -> Amount:
        """The fee."""
        return Amount(USD, self.fee_units)

    @property
    def shipping(self) -> Amount:
        """The price of shipping."""
        return Amount(USD, self.shipping_units)

    @property
    def insurance(self) -> Amount:
        """The price of insurance on the way."""
        return Amount(USD, self.insurance_units)

    @property
    def top_up(self) -> Amount:
        """What the further ounces cost, spread and rounding among it."""
        return Amount(USD, self.top_up_units)

    @property
    def total(self) -> Amount:
        """What is paid in dollars beside the metal."""
        return Amount(USD, self.total_units)

    @property
    def total_in_metal(self) -> Amount:
        """The further metal that pays the total if it is sold."""
        return Amount(self.asset, self.metal_units)


_ITEMS = (
    sa.select(
        RedemptionQuoteItem.quote_id,
        RedemptionQuoteItem.position,
        RedemptionQuoteItem.sku,
        Product.name,
        RedemptionQuoteItem.quantity,
        RedemptionQuoteItem.ounces_units,
        RedemptionQuoteItem.lot_id,
    )
    .join(Product, Product.sku == RedemptionQuoteItem.sku)
    .order_by(RedemptionQuoteItem.position)
)
_QUOTES = sa.select(*RedemptionQuoteRow.__table__.columns)


def find_quote(
    session: Session, quote_id: UUID, *, user_id: UUID | None = None, lock: bool = False
) -> RedemptionQuote | None:
    """Return a quote, or None; with `user_id` only if that person owns it. `lock` keeps its row
    locked until the transaction ends."""
    wanted = _QUOTES.where(RedemptionQuoteRow.id == quote_id)
    if user_id is not None:
        wanted = wanted.where(RedemptionQuoteRow.user_id == user_id)
    found: dict[str, Any] | None = session.find(dict, wanted.with_for_update() if lock else wanted)
    if found is None:
        return None
    [quote] = _with_items(session, [found])
    return quote


def list_quotes(session: Session, quote_ids: Sequence[UUID]) -> dict[UUID, RedemptionQuote]:
    """Return those of these quotes that there are, by id."""
    if not quote_ids:
        return {}
    rows: list[dict[str, Any]] = session.select(
        dict, _QUOTES.where(RedemptionQuoteRow.id.in_(quote_ids))
    )
    return {quote.id: quote for quote in _with_items(session, rows)}


def _with_items(session: Session, rows: Sequence[dict[str, Any]]) -> list[RedemptionQuote]:
    assets = {row["id"]: TRADABLE[row["asset"]] for row in rows}
    items: dict[UUID, list[QuotedItem]] = {quote_id: [] for quote_id in assets}
    own = RedemptionQuoteItem.quote_id.in_(list(assets))
    found: list[dict[str, Any]] = session.select(dict, _ITEMS.where(own))
    for item in found:
        quote_id = item.pop("quote_id")
        ounces = Amount(assets[quote_id], item.pop("ounces_units"))
        items[quote_id].append(QuotedItem(ounces=ounces, **item))
    return [
        RedemptionQuote(**{**row, "asset": assets[row["id"]], "items": items[row["id"]]})
        for row in rows
    ]
