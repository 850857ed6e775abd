"""The verbs of lots: put units into them, and take units out, the first in first.

Each is part of an act whose postings the caller makes in the same transaction. Lots are locked
before the ledger's entry is posted, in the order of location and SKU.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import product
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from app.catalog.products.queries import ProductSummary
from app.catalog.rules import USD
from app.kit.db import Session
from app.kit.errors import Invalid
from app.kit.money import Amount
from app.kit.statements import compile_select
from app.ledger.chart import AccountClass
from app.vault.bars import queries as bars_queries
from app.vault.bars import service as bars
from app.vault.bars.rules import BarChoice, BarState, NamedBar
from app.vault.locations.queries import LocationSummary
from app.vault.lots.errors import InsufficientStock
from app.vault.lots.models import Lot, LotMovement, LotStock
from app.vault.lots.rules import LotPart, take_first_in

_TAKE = """
WITH part AS (
    SELECT * FROM unnest(%(lot_ids)s::uuid[], %(units)s::bigint[], %(premiums)s::bigint[])
        AS part (lot_id, units, premium_usd)
), taken AS (
    UPDATE lot_stock SET units = lot_stock.units - part.units,
        premium_usd = lot_stock.premium_usd - part.premium_usd
    FROM part
    WHERE location_id = %(location_id)s AND sku = %(sku)s AND lot_stock.lot_id = part.lot_id
)
INSERT INTO lot_movements (reference, lot_id, location_id, units, premium_usd, moved_at)
SELECT %(reference)s, lot_id, %(location_id)s, -units, -premium_usd, %(at)s FROM part
"""
_lot_ids = sa.bindparam("lot_ids", type_=sa.ARRAY(sa.Uuid))
_LEFT = compile_select(
    sa.select(
        LotStock.lot_id,
        LotStock.units,
        (Lot.ounces_units // Lot.units * LotStock.units).label("ounces_units"),
        LotStock.premium_usd,
    )
    .join(Lot, Lot.id == LotStock.lot_id)
    .where(
        LotStock.location_id == sa.bindparam("location_id", type_=sa.Uuid()),
        LotStock.sku == sa.bindparam("sku", type_=sa.Text()),
        LotStock.units > 0,
        sa.or_(_lot_ids.is_(None), LotStock.lot_id == sa.any_(_lot_ids)),
    )
    .order_by(LotStock.lot_id)
    .with_for_update(of=LotStock)
)


@dataclass(frozen=True, slots=True)
class Goods:
    """Units of a product at a location. `lot_ids` names the lots where it matters: of a product
    with serials, each bar by its lot. Otherwise the first in are the first out."""

    product: ProductSummary
    location: LocationSummary
    units: int
    lot_ids: tuple[UUID, ...] = ()

    @property
    def amount(self) -> Amount:
        """The units, as an amount of the ledger."""
        return Amount(self.product.asset, self.units)

    @property
    def bars(self) -> list[BarChoice]:
        """The bars with serials among them: one choice, or none."""
        if not self.product.is_serialized:
            return []
        return [BarChoice(self.product.sku, self.location.id, self.units, self.lot_ids)]


@dataclass(frozen=True, slots=True)
class TakenGoods:
    """Goods that were taken from lots, by lot."""

    goods: Goods
    parts: tuple[LotPart, ...]

    @property
    def ounces(self) -> Amount:
        """Their accounted ounces."""
        metal = self.goods.product.accounted.asset
        return Amount(metal, sum(part.ounces_units for part in self.parts))

    @property
    def premium(self) -> Amount:
        """What they cost above their metal."""
        return Amount(USD, sum(part.premium_usd for part in self.parts))


def name_bars(
    session: Session,
    goods: Goods,
    named: Sequence[NamedBar],
    state: BarState,
    *,
    field: str,
    came_with: str | None = None,
) -> Goods:
    """Return the goods with the lots of the bars that are named, as `find_bars` finds them. Goods
    without serials are as they were.

    Raises `Invalid` naming the field, also unless as many bars as units are named of a product with
    serials, and none of another one.
    """
    sku = goods.product.sku
    if not goods.product.is_serialized and named:
        raise Invalid(field, f"{sku} has no serials. Enter none.")
    if not goods.product.is_serialized:
        return goods
    if len(named) != goods.units:
        raise Invalid(
            field,
            f"Bars of {sku} have serials. Enter one for each unit: there are {goods.units} units,"
            f" and {len(named)} serials.",
        )
    lot_ids = bars_queries.find_bars(
        session, sku, goods.location.id, state, named, field=field, came_with=came_with
    )
    return replace(goods, lot_ids=lot_ids)


def take_from_lots(
    session: Session,
    goods: Sequence[Goods],
    state: AccountClass,
    *,
    reference: str,
    at: datetime,
    hold_ids: Sequence[UUID] = (),
) -> list[TakenGoods]:
    """Take units that are in this state out of their lots for the entry with this reference; return
    them in the given order. `hold_ids` reserve those of them that are reserved.

    Raises `InsufficientStock` where fewer are left at the location, and `SerialMismatch`.
    """
    taken: dict[int, TakenGoods] = {}
    for index, wanted in sorted(
        enumerate(goods), key=lambda pair: (pair[1].location.id, pair[1].product.sku)
    ):
        parts = take_first_in(_lock_parts(session, wanted), wanted.units)
        values = {
            "lot_ids": [part.lot_id for part in parts],
            "units": [part.units for part in parts],
            "premiums": [part.premium_usd for part in parts],
            "location_id": wanted.location.id,
            "sku": wanted.product.sku,
            "reference": reference,
            "at": at,
        }
        session.send(_TAKE, values)
        taken[index] = TakenGoods(wanted, tuple(parts))
    choices = [choice for wanted in goods for choice in wanted.bars]
    bars.claim(session, choices, BarState.of(state), hold_ids=hold_ids)
    bars.remove(session, choices)
    return [taken[index] for index in range(len(goods))]


def move_lots(
    session: Session,
    goods: Sequence[Goods],
    destination: LocationSummary,
    *,
    reference: str,
    at: datetime,
) -> list[TakenGoods]:
    """Take units in transit out of their lots, and put them into the same lots at another location,
    for sale, for the entry with this reference; return them in the given order.

    Raises `InsufficientStock` where fewer are left at their location, and `SerialMismatch`.
    """
    # Both locations before any change: goods may go the other way at the same moment.
    _lock_lots(session, goods, destination)
    before, after = AccountClass.STOCK_IN_TRANSIT, AccountClass.STOCK_AVAILABLE
    moved = take_from_lots(session, goods, before, reference=reference, at=at)
    for taken in sorted(moved, key=lambda taken: taken.goods.product.sku):
        arrived = replace(taken.goods, location=destination)
        put_into_lots(session, arrived, taken.parts, after, reference=reference, at=at)
    return moved


def _lock_lots(session: Session, goods: Sequence[Goods], destination: LocationSummary) -> None:
    """Lock what is left of the lots of these products where they are and where they go, in the
    order of location and SKU."""
    location_ids = {destination.id, *(each.location.id for each in goods)}
    skus = {each.product.sku for each in goods}
    for location_id, sku in product(sorted(location_ids), sorted(skus)):
        lots_there = (LotStock.location_id == location_id, LotStock.sku == sku)
        statement = sa.select(LotStock.lot_id).where(*lots_there).order_by(LotStock.lot_id)
        session.select(lambda lot_id: lot_id, statement.with_for_update())


def put_into_lots(
    session: Session,
    goods: Goods,
    parts: Sequence[LotPart],
    state: AccountClass,
    *,
    reference: str,
    at: datetime,
) -> None:
    """Put units of these lots on the location of `goods`, in this state, for the entry with this
    reference.

    Raises `SerialMismatch` for a lot of a product with serials that is no bar.
    """
    assert sum(part.units for part in parts) == goods.units, (goods, parts)
    if goods.product.is_serialized:
        arrived = replace(goods, lot_ids=tuple(part.lot_id for part in parts))
        for choice in arrived.bars:
            bars.move(session, choice, BarState.of(state), reference=reference, at=at)
    for part in parts:
        new = insert(LotStock).values(
            location_id=goods.location.id,
            sku=goods.product.sku,
            lot_id=part.lot_id,
            units=part.units,
            premium_usd=part.premium_usd,
        )
        session.write(
            new.on_conflict_do_update(
                index_elements=["location_id", "sku", "lot_id"],
                set_={
                    "units": LotStock.units + new.excluded.units,
                    "premium_usd": LotStock.premium_usd + new.excluded.premium_usd,
                },
            )
        )
        columns = {
            "reference": reference,
            "lot_id": part.lot_id,
            "location_id": goods.location.id,
            "units": part.units,
            "premium_usd": part.premium_usd,
            "moved_at": at,
        }
        session.insert((LotMovement, [columns]))


def _lock_parts(session: Session, goods: Goods) -> list[LotPart]:
    """Return what is left of the lots, locked. Waiting for a lock reads what was there before, and
    a delivery may have come meanwhile: a shortage is believed when it was seen twice."""
    for _ in range(2):
        parts = session.select(
            LotPart,
            _LEFT,
            location_id=goods.location.id,
            sku=goods.product.sku,
            lot_ids=list(goods.lot_ids) or None,
        )
        if sum(part.units for part in parts) >= goods.units:
            return parts
    raise InsufficientStock
