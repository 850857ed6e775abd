"""Named reads of changes of price rules, and of what they do to the prices of products."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.catalog.products.models import Product
from app.catalog.rules import USD, Metal
from app.kit import ids
from app.kit.db import Session
from app.kit.list_query import ListSource
from app.kit.money import Amount
from app.shop.prices import plans
from app.shop.prices.models import PriceChangeRow, PriceEffectRow
from app.shop.prices.plans import PricePlan

PREFIX = "prc"
#: How long an effect that was shown can be confirmed.
PREVIEW_LIFETIME = timedelta(hours=1)
#: How many ten-thousandths a percent has.
_FRACTIONS = 10_000


@dataclass(frozen=True, slots=True)
class PriceChange:
    """A change of rules. Its plan is None until a person says what changes."""

    id: UUID
    maker_id: UUID
    chosen: Sequence[UUID]
    plan: PricePlan | None
    asks: Mapping[Metal, Decimal]
    digest: str
    previewed_at: datetime | None
    approval_id: UUID | None
    made_at: datetime | None
    created_at: datetime

    @property
    def public_id(self) -> str:
        """The id as staff see it."""
        return ids.encode(PREFIX, self.id)

    @property
    def is_settled(self) -> bool:
        """Whether it was made, or waits for a second person."""
        return self.made_at is not None or self.approval_id is not None


@dataclass(frozen=True, slots=True)
class ListedEffect:
    """What a change does to the price of a product, from a quantity on."""

    id: UUID
    change_id: UUID
    sku: str
    name: str
    from_quantity: int
    before_units: int | None
    after_units: int | None
    moved: int | None
    maker_id: UUID
    made_at: datetime | None

    @property
    def change_public_id(self) -> str:
        """The id of the change as staff see it."""
        return ids.encode(PREFIX, self.change_id)

    @property
    def before(self) -> Amount | None:
        """What one unit costs before; None without a price."""
        return _dollars(self.before_units)

    @property
    def after(self) -> Amount | None:
        """What one unit costs afterwards; None without a price."""
        return _dollars(self.after_units)

    @property
    def difference(self) -> str:
        """By how much the price moves, for people: `+2.18 %`."""
        return write_percent(self.moved)


@dataclass(frozen=True, slots=True)
class EffectTotals:
    """How many products a change moves, and prices of them by quantity, and by how much at most, up
    and down."""

    product_count: int
    price_count: int
    highest: int | None
    lowest: int | None

    @property
    def range(self) -> str:
        """From the largest fall to the largest rise, for people."""
        return write_range([each for each in (self.lowest, self.highest) if each is not None])


def _dollars(cents: int | None) -> Amount | None:
    return None if cents is None else Amount(USD, cents)


def to_moved(percent: Decimal | None) -> int | None:
    """Return percent as whole ten-thousandths of one, towards zero."""
    return None if percent is None else int(percent * _FRACTIONS)


def write_range(moved: Sequence[int]) -> str:
    """Return the least and the most of these ten-thousandths of a percent, for people."""
    if not moved:
        return "–"
    return " to ".join(dict.fromkeys(map(write_percent, (min(moved), max(moved)))))


def write_percent(moved: int | None) -> str:
    """Return ten-thousandths of a percent for people, to the hundredth."""
    return "–" if moved is None else f"{Decimal(moved) / _FRACTIONS:+.2f} %"


_CHANGES = sa.select(
    PriceChangeRow.id,
    PriceChangeRow.maker_id,
    PriceChangeRow.chosen,
    PriceChangeRow.plan,
    PriceChangeRow.asks,
    PriceChangeRow.digest,
    PriceChangeRow.previewed_at,
    PriceChangeRow.approval_id,
    PriceChangeRow.made_at,
    PriceChangeRow.created_at,
)


def _to_change(
    *, plan: Mapping[str, Any] | None, asks: Any, digest: str | None, **columns: Any
) -> PriceChange:
    return PriceChange(
        plan=plans.read_plan(plan) if plan else None,
        asks={Metal(metal): Decimal(ask) for metal, ask in (asks or {}).items()},
        digest=digest or "",
        **columns,
    )


def get_change(session: Session, change_id: UUID) -> PriceChange:
    """Return a change. Raises `NotFound`."""
    return session.get(_to_change, _CHANGES.where(PriceChangeRow.id == change_id))


def lock_change(session: Session, change_id: UUID) -> PriceChange:
    """Return a change with its row locked. Raises `NotFound`."""
    found = _CHANGES.where(PriceChangeRow.id == change_id)
    return session.get(_to_change, found.with_for_update())


_SIZE = sa.func.coalesce(sa.func.abs(PriceEffectRow.moved), 0, type_=sa.BigInteger())
EFFECTS = ListSource(
    ListedEffect,
    sa.select(
        PriceEffectRow.id,
        PriceEffectRow.change_id,
        PriceEffectRow.sku,
        Product.name,
        PriceEffectRow.from_quantity,
        PriceEffectRow.before_units,
        PriceEffectRow.after_units,
        PriceEffectRow.moved,
        PriceChangeRow.maker_id,
        PriceChangeRow.made_at,
    )
    .join_from(PriceEffectRow, Product, Product.sku == PriceEffectRow.sku)
    .join(PriceChangeRow, PriceChangeRow.id == PriceEffectRow.change_id),
    key=PriceEffectRow.id,
    sorts={
        "newest": PriceEffectRow.change_id,
        "sku": PriceEffectRow.sku,
        "difference": _SIZE,
    },
    filters={
        "sku": lambda text: PriceEffectRow.sku.startswith(text.upper(), autoescape=True),
        "change": lambda text: PriceEffectRow.change_id == ids.try_decode(PREFIX, text),
    },
)


def list_largest(session: Session, change_id: UUID, limit: int) -> Sequence[ListedEffect]:
    """Return the effects of a change that move prices most."""
    largest = EFFECTS.select.where(PriceEffectRow.change_id == change_id)
    order = (_SIZE.desc(), PriceEffectRow.sku, PriceEffectRow.from_quantity)
    return session.select(ListedEffect, largest.order_by(*order).limit(limit))


def count_effects(session: Session, change_id: UUID) -> EffectTotals:
    """Return how many products a change moves, and how far."""
    counts = sa.select(
        sa.func.count(sa.distinct(PriceEffectRow.sku)).label("product_count"),
        sa.func.count().label("price_count"),
        sa.func.max(PriceEffectRow.moved).label("highest"),
        sa.func.min(PriceEffectRow.moved).label("lowest"),
    )
    return session.get(EffectTotals, counts.where(PriceEffectRow.change_id == change_id))
