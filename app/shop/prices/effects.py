"""What a change of price rules does to the price of each product.

The change is made and undone: what is shown is what the same change does when it is kept.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.catalog.categories.models import CategoryRow
from app.catalog.products.models import Product
from app.catalog.rules import PRICED_NAMES, Metal
from app.kit.db import Session
from app.pricing.errors import PriceStale
from app.shop.prices import listed_prices
from app.shop.prices.rules import PriceScope

_DAY = timedelta(days=1)
_HUNDRED = 100
#: The unit price in cents from each quantity on, by SKU; empty for a product without a price.
Prices = Mapping[str, Mapping[int, int]]


@dataclass(frozen=True, slots=True)
class PriceEffect:
    """What one unit of a product costs from a quantity on, before a change and after it, in cents;
    None for a product without a price."""

    sku: str
    from_quantity: int
    before_units: int | None
    after_units: int | None
    #: What it cost a day before the change.
    day_before_units: int | None

    @property
    def percent(self) -> Decimal | None:
        """By how much the price moves; None where there is no price before or after."""
        return self._moved(self.before_units)

    def moves_more_than(self, limit: Decimal) -> bool:
        """Return whether the price moves by more than so many percent, from what it is or from what
        it was a day before. A first price, and the end of the sale, are no moves."""
        moves = (self._moved(self.before_units), self._moved(self.day_before_units))
        return any(move is not None and abs(move) > limit for move in moves)

    def _moved(self, base: int | None) -> Decimal | None:
        if not base or self.after_units is None:
            return None
        return Decimal(self.after_units - base) * _HUNDRED / base


@dataclass(frozen=True, slots=True)
class Trial:
    """What a change did before it was undone: which versions it replaced, its effects, and the
    metals of the products that its rules may concern."""

    replaced: Sequence[UUID | None]
    effects: Sequence[PriceEffect]
    metals: frozenset[Metal]

    def digest(self, plan: Mapping[str, Any], asks: Mapping[Metal, Decimal]) -> str:
        """Return the SHA-256 of the change and of its effects, in hexadecimal digits. What prices
        were a day before is no part of it: it changes without the rules."""
        shown = {
            "plan": plan,
            "asks": {metal: str(ask) for metal, ask in sorted(asks.items())},
            "replaced": [str(rule_id) if rule_id else "" for rule_id in self.replaced],
            "effects": [
                [each.sku, each.from_quantity, each.before_units, each.after_units]
                for each in self.effects
            ],
        }
        return sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()


class _Undone(Exception):
    """Ends a savepoint whose changes are not kept."""


def try_change(
    session: Session,
    change: Callable[[], Sequence[UUID | None]],
    scopes: Sequence[PriceScope],
    begins: Callable[[], datetime],
    asks: Mapping[Metal, Decimal],
) -> Trial:
    """Make a change of the rules of these scopes, undo it, and return what it does to prices, by
    these asks. `change` returns the versions that it replaced, `begins` from when on it counts.

    Raises `PriceStale` for a metal that never had a price, and the refusals of the change.
    """
    at = begins()
    metals = _read_metals(session, scopes)
    for metal in sorted(metals - asks.keys()):
        name = PRICED_NAMES[metal]
        raise PriceStale(f"There is no price of {name} yet, so the effect is not known.")
    before, day_before = read_lately(session, scopes, at, asks)
    replaced: Sequence[UUID | None] = ()
    after: Prices = {}
    with suppress(_Undone), session.savepoint():
        replaced = change()
        after = read_prices(session, scopes, begins(), asks)
        raise _Undone
    return Trial(replaced, compare(before, after, day_before), metals)


def read_lately(
    session: Session, scopes: Sequence[PriceScope], at: datetime, asks: Mapping[Metal, Decimal]
) -> tuple[Prices, Prices]:
    """Return the prices of products of these scopes at an instant and a day before, by these asks;
    products of other metals have none."""
    now, earlier = (read_prices(session, scopes, each, asks) for each in (at, at - _DAY))
    return now, earlier


def compare(before: Prices, after: Prices, day_before: Prices) -> Sequence[PriceEffect]:
    """Return the prices that differ, of the products that were there before, by SKU."""
    effects = []
    for sku in sorted(before):
        old, new = before[sku], after.get(sku, {})
        if old == new:
            continue
        for quantity in sorted({*old, *new}):
            effect = PriceEffect(
                sku,
                quantity,
                _price_of(old, quantity),
                _price_of(new, quantity),
                _price_of(day_before[sku], quantity),
            )
            if effect.before_units != effect.after_units:
                effects.append(effect)
    return effects


def _price_of(tiers: Mapping[int, int], quantity: int) -> int | None:
    begun = [each for each in tiers if each <= quantity]
    return tiers[max(begun)] if begun else None


def _read_metals(session: Session, scopes: Sequence[PriceScope]) -> frozenset[Metal]:
    select = sa.select(Product.metal).where(_is_in_one_of(scopes)).distinct()
    rows: list[dict[str, Any]] = session.select(dict, select)
    return frozenset(row["metal"] for row in rows)


def read_prices(
    session: Session, scopes: Sequence[PriceScope], at: datetime, asks: Mapping[Metal, Decimal]
) -> Prices:
    """Return the prices of products of these scopes at an instant, by these asks."""
    joined, tiers = listed_prices.tiers_at_asks(sa.inspect(Product).local_table, at, asks)
    select = (
        sa.select(Product.sku, tiers.label("tiers"))
        .select_from(joined)
        .where(_is_in_one_of(scopes))
    )
    rows: list[dict[str, Any]] = session.select(dict, select)
    return {
        row["sku"]: {quantity: cents for quantity, cents in row["tiers"] or () if cents is not None}
        for row in rows
    }


def _is_in_one_of(scopes: Sequence[PriceScope]) -> sa.ColumnElement[bool]:
    categories = [scope.category_id for scope in scopes if scope.category_id is not None]
    metals = [scope.metal for scope in scopes if scope.metal is not None and scope.form is None]
    forms = [(scope.metal, scope.form) for scope in scopes if scope.form is not None]
    conditions = [
        Product.sku.in_([scope.sku for scope in scopes if scope.sku is not None]),
        Product.metal.in_(metals),
        *(sa.and_(Product.metal == metal, Product.form == form) for metal, form in forms),
    ]
    if categories:
        top = sa.select(CategoryRow.id).where(CategoryRow.id.in_(categories))
        above = top.cte("in_scope", recursive=True)
        below = sa.select(CategoryRow.id).join(above, CategoryRow.parent_id == above.c.id)
        conditions.append(Product.category_id.in_(sa.select(above.union(below).c.id)))
    return sa.or_(*conditions)
