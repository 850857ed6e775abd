"""Named reads of price locks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa

from app.catalog.products.models import Product
from app.catalog.rules import SYNTHETIC, USD, Metal
from app.catalog.tax_classes import TaxClass
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import NotFound
from app.kit.money import Amount
from app.kit.pipeline import Statement
from app.kit.statements import CompiledSelect, compile_select
from app.shop.locks.models import PriceLockLine, PriceLockMetal, PriceLockPart, PriceLockRow
from app.shop.locks.rules import LOCK_PREFIX, CancelTerms, LockStatus, VoidReason


@dataclass(frozen=True, slots=True)
class LockedMetal:
    """The market price of a metal that a lock keeps, in US dollars per troy ounce."""

    metal: Metal
    ask: Decimal
    bid: Decimal
    source: str
    observed_at: datetime


@dataclass(frozen=True, slots=True)
class LockedPart:
    """Units of a line at one location, reserved by a hold; the bar, if it is one with a serial."""

    hold_id: UUID
    position: int
    location_id: UUID
    units: int
    lot_id: UUID | None


@dataclass(frozen=True, slots=True)
class LockedLine:
    """Units of a product, all at one price."""

    position: int
    sku: str
    metal: Metal
    fineness: Decimal
    quantity: int
    unit_price: Amount
    #: The ask.
    spot: Decimal
    #: The accounted ounces of one unit.
    ounces: Amount
    rule_id: UUID
    tax_class: TaxClass
    parts: Sequence[LockedPart]

    @property
    def total(self) -> Amount:
        """What all units cost."""
        return Amount(self.unit_price.asset, self.unit_price.units * self.quantity)


@dataclass(frozen=True, slots=True)
class PriceLock:
    """Prices and units that are kept for a person."""

    id: UUID
    user_id: UUID
    #: As stored: one that is open past its time counts as expired (`status_at`).
    status: LockStatus
    locked_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    total: Amount
    pickup_branch_id: UUID | None
    terms_version: int
    #: What an order at these prices costs if it is cancelled once it is paid.
    cancel_terms: CancelTerms
    after_hours_percent: Decimal
    voided_reason: VoidReason | None
    checkout_id: UUID | None
    lines: Sequence[LockedLine]
    metals: Mapping[Metal, LockedMetal]

    @property
    def public_id(self) -> str:
        """The id as others see it."""
        return ids.encode(LOCK_PREFIX, self.id)

    @property
    def hold_ids(self) -> list[UUID]:
        """The holds that reserve its units."""
        return [part.hold_id for line in self.lines for part in line.parts]

    def status_at(self, now: datetime) -> LockStatus:
        """Return its status at an instant."""
        is_over = self.status is LockStatus.OPEN and self.expires_at <= now
        return LockStatus.EXPIRED if is_over else self.status


_LOCK_ID = sa.bindparam("lock_id", type_=sa.Uuid())
_OWN_LOCK = sa.select(
    PriceLockRow.id,
    PriceLockRow.user_id,
    PriceLockRow.status,
    PriceLockRow.locked_at,
    PriceLockRow.expires_at,
    PriceLockRow.ended_at,
    PriceLockRow.total_units,
    PriceLockRow.pickup_branch_id,
    PriceLockRow.terms_version,
    PriceLockRow.cancel_fee_units,
    PriceLockRow.cancel_offset_percent,
    PriceLockRow.cancel_vault_hours,
    PriceLockRow.after_hours_percent,
    PriceLockRow.voided_reason,
    PriceLockRow.checkout_id,
).where(
    PriceLockRow.id == _LOCK_ID, PriceLockRow.user_id == sa.bindparam("user_id", type_=sa.Uuid())
)
_READ, _LOCKED = compile_select(_OWN_LOCK), compile_select(_OWN_LOCK.with_for_update())
_LINES = compile_select(
    sa.select(
        PriceLockLine.position,
        PriceLockLine.sku,
        Product.metal,
        Product.fineness,
        PriceLockLine.quantity,
        PriceLockLine.unit_price_units,
        PriceLockLine.spot,
        PriceLockLine.ounces_units,
        PriceLockLine.rule_id,
        PriceLockLine.tax_class,
        PriceLockMetal.ask,
        PriceLockMetal.bid,
        PriceLockMetal.source,
        PriceLockMetal.observed_at,
    )
    .join(Product, Product.sku == PriceLockLine.sku)
    .join(
        PriceLockMetal,
        sa.and_(
            PriceLockMetal.lock_id == PriceLockLine.lock_id, PriceLockMetal.metal == Product.metal
        ),
    )
    .where(PriceLockLine.lock_id == _LOCK_ID)
    .order_by(PriceLockLine.position)
)
_PARTS = compile_select(
    sa.select(
        PriceLockPart.hold_id,
        PriceLockPart.position,
        PriceLockPart.location_id,
        PriceLockPart.units,
        PriceLockPart.lot_id,
    )
    .where(PriceLockPart.lock_id == _LOCK_ID)
    .order_by(PriceLockPart.position, PriceLockPart.location_id, PriceLockPart.lot_id)
)


def get_lock(session: Session, user_id: UUID, lock_id: UUID) -> PriceLock:
    """Return a person's lock. Raises `NotFound`, also for one of another person."""
    lock = _read_lock(session, _READ, user_id, lock_id)
    if lock is None:
        raise NotFound
    return lock


def lock_row(session: Session, user_id: UUID, lock_id: UUID) -> PriceLock | None:
    """Return a person's lock, its row locked until the transaction ends, or None."""
    return _read_lock(session, _LOCKED, user_id, lock_id)


def reads_of_lock_row(user_id: UUID, lock_id: UUID) -> Sequence[Statement]:
    """Return the statements of `lock_row`, to be read ahead."""
    values = {"user_id": user_id, "lock_id": lock_id}
    return [
        compiled.with_values({name: values[name] for name in compiled.parameters})
        for compiled in (_LOCKED, _PARTS, _LINES)
    ]


def _read_lock(
    session: Session, select: CompiledSelect, user_id: UUID, lock_id: UUID
) -> PriceLock | None:
    """Return the lock that one of the selects above finds, or None."""
    found, parts, lines = session.select_together(
        (dict, select),
        (LockedPart, _PARTS),
        (dict, _LINES),
        user_id=user_id,
        lock_id=lock_id,
    )
    if not found:
        return None
    [row] = found
    metals = {
        line["metal"]: LockedMetal(
            line["metal"], *(line.pop(name) for name in ("ask", "bid", "source", "observed_at"))
        )
        for line in lines
    }
    return PriceLock(
        total=Amount(USD, row.pop("total_units")),
        cancel_terms=CancelTerms(
            Amount(USD, row.pop("cancel_fee_units")),
            row.pop("cancel_offset_percent"),
            row.pop("cancel_vault_hours"),
        ),
        lines=[
            LockedLine(
                unit_price=Amount(USD, line.pop("unit_price_units")),
                ounces=Amount(SYNTHETIC[line["metal"]], line.pop("ounces_units")),
                parts=[part for part in parts if part.position == line["position"]],
                **line,
            )
            for line in lines
        ],
        metals=metals,
        **row,
    )


def open_lock_units(session: Session, now: datetime) -> dict[str, int]:
    """Return, by the asset of the metal, the ounces (10^-8) that using every open lock would add to
    what we owe."""
    ounces = sa.func.sum(PriceLockLine.ounces_units * PriceLockLine.quantity)
    found = (
        sa.select(Product.metal, sa.cast(ounces, sa.BigInteger).label("units"))
        .select_from(PriceLockLine)
        .join(PriceLockRow, PriceLockRow.id == PriceLockLine.lock_id)
        .join(Product, Product.sku == PriceLockLine.sku)
        .where(PriceLockRow.status == LockStatus.OPEN, PriceLockRow.expires_at > now)
        .group_by(Product.metal)
    )
    return dict(session.select(lambda metal, units: (SYNTHETIC[Metal(metal)].code, units), found))
