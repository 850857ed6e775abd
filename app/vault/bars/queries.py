"""Named reads of bars."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa

from app.catalog.products.models import Product
from app.catalog.rules import SYNTHETIC, Metal
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import Invalid
from app.kit.list_query import ListSource
from app.kit.money import Amount
from app.ledger import queries as ledger_queries
from app.vault.bars.models import Bar, BarStateChange
from app.vault.bars.rules import GONE, BarState, MeasuredBar, NamedBar
from app.vault.locations.models import Location

#: Prefix of the public id of a bar.
PREFIX = "bar"


@dataclass(frozen=True, slots=True)
class BarRow:
    """A bar: what is stamped on it, what it weighs, where it is, and whose it is."""

    lot_id: UUID
    sku: str
    metal: Metal
    refiner: str
    serial: str
    year: int | None
    gross_units: int
    fineness: Decimal
    fine_units: int
    assay_reference: str | None
    location_code: str
    state: BarState
    #: Whether a pending hold reserves it.
    is_reserved: bool
    owner_id: UUID | None

    @property
    def public_id(self) -> str:
        """The id as others see it."""
        return ids.encode(PREFIX, self.lot_id)

    @property
    def named(self) -> NamedBar:
        """The bar as staff name it."""
        return NamedBar(self.serial, self.refiner)

    @property
    def gross_weight(self) -> Amount:
        """The gross weight."""
        return Amount(SYNTHETIC[self.metal], self.gross_units)

    @property
    def fine_weight(self) -> Amount:
        """The fine weight."""
        return Amount(SYNTHETIC[self.metal], self.fine_units)


@dataclass(frozen=True, slots=True)
class BarTotals:
    """The bars of a metal in the vaults."""

    metal: Metal
    count: int
    gross: Amount
    fine: Amount


_IS_RESERVED = sa.exists().where(ledger_queries.PENDING_HOLDS.c.hold_id == Bar.hold_id)
_BARS = (
    sa.select(
        Bar.lot_id,
        Bar.sku,
        Product.metal,
        Bar.refiner,
        Bar.serial,
        Bar.year,
        Bar.gross_units,
        Bar.fineness,
        Bar.fine_units,
        Bar.assay_reference,
        Location.code.label("location_code"),
        Bar.state,
        _IS_RESERVED.label("is_reserved"),
        Bar.owner_id,
    )
    .join(Product, Product.sku == Bar.sku)
    .join(Location, Location.id == Bar.location_id)
)
BARS = ListSource(
    BarRow,
    _BARS,
    key=Bar.lot_id,
    sorts={"received": Bar.lot_id, "serial": Bar.serial},
    filters={
        "sku": lambda text: Bar.sku == text.upper(),
        "location": lambda text: Location.code == text.upper(),
        "state": lambda state: Bar.state == state,
        "refiner": lambda text: sa.func.lower(Bar.refiner) == text.lower(),
        "serial": lambda text: Bar.serial.startswith(text.upper(), autoescape=True),
    },
)


def get_bar(session: Session, lot_id: UUID) -> BarRow:
    """Return the bar that this lot is. Raises `NotFound`."""
    return session.get(BarRow, _BARS.where(Bar.lot_id == lot_id))


@dataclass(frozen=True, slots=True)
class FreeBar:
    """A bar for sale that nothing reserves."""

    lot_id: UUID
    sku: str
    location_id: UUID
    gross_units: int
    fine_units: int


def list_free_bars(
    session: Session, skus: Collection[str], location_ids: Collection[UUID]
) -> list[FreeBar]:
    """Return the bars of these products for sale at these locations that nothing reserves, the
    first in first."""
    columns = (Bar.lot_id, Bar.sku, Bar.location_id, Bar.gross_units, Bar.fine_units)
    return session.select(
        FreeBar,
        sa.select(*columns)
        .where(
            Bar.sku.in_(skus),
            Bar.location_id.in_(location_ids),
            Bar.state == BarState.AVAILABLE,
            sa.not_(_IS_RESERVED),
        )
        .order_by(Bar.lot_id),
    )


def total_bars(session: Session) -> list[BarTotals]:
    """Return the totals of the bars in the vaults, by metal."""

    def total(column: sa.ColumnElement[int]) -> sa.ColumnElement[int]:
        return sa.cast(sa.func.sum(column), sa.BigInteger)

    return session.select(
        lambda metal, count, gross, fine: BarTotals(
            metal, count, Amount(SYNTHETIC[metal], gross), Amount(SYNTHETIC[metal], fine)
        ),
        sa.select(
            Product.metal,
            sa.func.count().label("count"),
            total(Bar.gross_units.expression).label("gross"),
            total(Bar.fine_units.expression).label("fine"),
        )
        .join(Product, Product.sku == Bar.sku)
        .where(Bar.state.not_in((*GONE, BarState.SHIPPED)))
        .group_by(Product.metal)
        .order_by(Product.metal),
    )


def find_pending_holds(session: Session, hold_ids: Sequence[UUID]) -> set[UUID]:
    """Return those of the holds that reserve bars now."""
    pending = ledger_queries.PENDING_HOLDS.c.hold_id
    statement = sa.select(pending).where(pending.in_(hold_ids))
    return set(session.select(lambda hold_id: hold_id, statement)) if hold_ids else set()


def list_serials_in_vault(session: Session, bars: Sequence[MeasuredBar]) -> list[str]:
    """Return the serials of those of these bars that are in a vault already."""
    key = sa.tuple_(sa.func.lower(Bar.refiner), Bar.serial)
    return session.select(
        lambda serial: serial,
        sa.select(Bar.serial)
        .where(key.in_([bar.key for bar in bars]), Bar.state.not_in(GONE))
        .order_by(Bar.serial),
    )


def find_bars(
    session: Session,
    sku: str,
    location_id: UUID,
    state: BarState,
    named: Sequence[NamedBar],
    *,
    field: str,
    came_with: str | None = None,
) -> tuple[UUID, ...]:
    """Return the lots of the bars that are named, in their order: of a product, at a location, in
    a state, not reserved, and waiting in the act `came_with` if one is given.

    Raises `Invalid` naming the field for a bar that is not among them or is named twice, and for a
    serial of several refiners.
    """
    is_meant = [
        Bar.sku == sku,
        Bar.location_id == location_id,
        Bar.state == state,
        Bar.serial.in_([bar.serial for bar in named]),
        sa.not_(_IS_RESERVED),
    ]
    if came_with is not None:
        is_meant.append(_is_waiting(came_with))
    found = session.select(BarRow, _BARS.where(*is_meant).order_by(Bar.lot_id))
    lot_ids: list[UUID] = []
    for bar in named:
        # Of bars that were written off, one may have come back as another lot: the last one counts.
        those = {
            each.refiner.lower(): each
            for each in found
            if each.serial == bar.serial
            and (bar.refiner is None or each.refiner.lower() == bar.refiner.lower())
        }
        match list(those.values()):
            case [one] if one.lot_id not in lot_ids:
                lot_ids.append(one.lot_id)
            case [_]:
                raise Invalid(field, f"{bar} is named twice. Name each bar once.")
            case []:
                raise Invalid(
                    field,
                    f"No bar {bar} of {sku} is there with the state {state.label}, and not"
                    " reserved. Check the serial.",
                )
            case [first, *_] as several:
                refiners = ", ".join(sorted(each.refiner for each in several))
                raise Invalid(
                    field,
                    f"{bar} is a serial of several refiners: {refiners}. Enter the refiner, too,"
                    f" like {first.named}.",
                )
    return tuple(lot_ids)


def list_waiting_bars(session: Session, reference: str, state: BarState) -> list[BarRow]:
    """Return the bars that came to this state with the act of this reference, such as a transfer,
    and wait for its next step: nothing was noted about them with a reference that begins with it.
    """
    return session.select(
        BarRow,
        _BARS.where(Bar.state == state, _is_waiting(reference)).order_by(
            Bar.sku, Bar.serial, Bar.lot_id
        ),
    )


def _is_waiting(reference: str) -> sa.ColumnElement[bool]:
    of_bar = sa.select(BarStateChange.lot_id).where(BarStateChange.lot_id == Bar.lot_id)
    came = of_bar.where(BarStateChange.reference == reference)
    went = of_bar.where(BarStateChange.reference.startswith(f"{reference}:", autoescape=True))
    return sa.and_(came.exists(), sa.not_(went.exists()))
