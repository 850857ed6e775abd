"""Named reads of drawers, safes and their movements, limited to the actor's branch."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from app.access import Actor, branch_scope, check_branch
from app.branches.models import Branch
from app.branches.tills.models import Till
from app.catalog.rules import USD, CashInstrument
from app.counter.drawers.errors import NoOpenDrawer
from app.counter.drawers.models import CashMovement, Drawer, Safe
from app.counter.drawers.rules import CashMovementKind, CashPieces, DrawerStatus
from app.kit import ids
from app.kit.db import Session
from app.kit.list_query import ListSource
from app.kit.money import Amount

#: Prefix of a drawer's public id.
PREFIX = "drw"


@dataclass(frozen=True, slots=True)
class LockedDrawer:
    """A drawer, its row locked."""

    id: UUID
    branch_id: UUID
    till_id: UUID
    teller_id: UUID
    status: DrawerStatus
    pieces: CashPieces
    counted: CashPieces | None

    @property
    def public_id(self) -> str:
        """The id as others see it."""
        return ids.encode(PREFIX, self.id)


@dataclass(frozen=True, slots=True)
class LockedSafe:
    """The safe of a branch, its row locked."""

    branch_id: UUID
    pieces: CashPieces


@dataclass(frozen=True, slots=True)
class DrawerRow:
    """A drawer as lists and pages show it."""

    id: UUID
    branch_id: UUID
    branch_code: str
    till_id: UUID
    till_code: str
    teller_id: UUID
    status: DrawerStatus
    opened_at: datetime
    counted: CashPieces | None
    number: int | None
    expected: Amount | None
    closed_at: datetime | None

    @property
    def public_id(self) -> str:
        """The id as others see it."""
        return ids.encode(PREFIX, self.id)

    @property
    def variance(self) -> Amount | None:
        """What was counted above what was expected, once it is closed."""
        if self.expected is None or self.counted is None:
            return None
        return self.counted.amount - self.expected


def _to_drawer(expected_units: int | None, counted: list[int] | None, **values: Any) -> DrawerRow:
    expected = None if expected_units is None else Amount(USD, expected_units)
    return DrawerRow(expected=expected, counted=_to_pieces(counted), **values)


def _to_pieces(counts: Sequence[int] | None) -> CashPieces | None:
    return None if counts is None else CashPieces(tuple(counts))


_DRAWERS = (
    sa.select(
        Drawer.id,
        Drawer.branch_id,
        Branch.code.label("branch_code"),
        Drawer.till_id,
        Till.code.label("till_code"),
        Drawer.teller_id,
        Drawer.status,
        Drawer.opened_at,
        Drawer.counted,
        Drawer.number,
        Drawer.expected_units,
        Drawer.closed_at,
    )
    .join(Till, Till.id == Drawer.till_id)
    .join(Branch, Branch.id == Drawer.branch_id)
)
_ACTIVE = Drawer.status != DrawerStatus.CLOSED
_LOCKED = sa.select(
    Drawer.id,
    Drawer.branch_id,
    Drawer.till_id,
    Drawer.teller_id,
    Drawer.status,
    Drawer.pieces,
    Drawer.counted,
).with_for_update(key_share=True)


def visible_drawers(actor: Actor) -> ListSource[DrawerRow]:
    """Return the drawers of the branches that the actor sees."""
    source = ListSource(
        _to_drawer,
        _DRAWERS,
        key=Drawer.id,
        sorts={"opened": Drawer.id},
        filters={
            "status": lambda status: Drawer.status == status,
        },
    )
    scope = branch_scope(actor)
    return source if scope is None else source.where(Drawer.branch_id == scope)


def get_drawer(session: Session, actor: Actor, drawer_id: UUID) -> DrawerRow:
    """Return the drawer. Raises `NotFound`, also for one of a branch that the actor does not
    see."""
    drawer = session.get(_to_drawer, _DRAWERS.where(Drawer.id == drawer_id))
    check_branch(actor, drawer.branch_id)
    return drawer


def find_own_drawer(session: Session, actor: Actor) -> DrawerRow | None:
    """Return the actor's drawer that is not closed; None if there is none."""
    return session.find(_to_drawer, _DRAWERS.where(Drawer.teller_id == actor.user_id, _ACTIVE))


def list_open_drawers(session: Session, branch_id: UUID | None) -> list[DrawerRow]:
    """Return the open drawers of a branch, in order of till; none without a branch."""
    is_open = Drawer.status == DrawerStatus.OPEN
    drawers = _DRAWERS.where(Drawer.branch_id == branch_id, is_open).order_by(Till.code)
    return session.select(_to_drawer, drawers)


def is_till_in_use(session: Session, till_id: UUID) -> bool:
    """Return whether the till has a drawer that is not closed."""
    drawers = _DRAWERS.where(Drawer.till_id == till_id, _ACTIVE)
    return session.find(_to_drawer, drawers) is not None


def lock_active_drawer(session: Session, actor: Actor) -> LockedDrawer:
    """Return the actor's drawer that is not closed, its row locked. Raises `NoOpenDrawer`."""
    drawer = session.find(_to_locked, _LOCKED.where(Drawer.teller_id == actor.user_id, _ACTIVE))
    if drawer is None:
        raise NoOpenDrawer
    return drawer


def lock_own_drawer(session: Session, actor: Actor) -> LockedDrawer:
    """Return the actor's open drawer, its row locked. Raises `NoOpenDrawer`, also while its
    variance waits for a second person."""
    drawer = lock_active_drawer(session, actor)
    if drawer.status is not DrawerStatus.OPEN:
        raise NoOpenDrawer
    return drawer


def lock_drawer(session: Session, drawer_id: UUID) -> LockedDrawer:
    """Return the drawer, its row locked. Raises `NotFound`."""
    return session.get(_to_locked, _LOCKED.where(Drawer.id == drawer_id))


def lock_drawers(session: Session, drawer_ids: Sequence[UUID]) -> dict[UUID, LockedDrawer]:
    """Return these drawers by id, their rows locked in one order, so that no two acts wait for each
    other."""
    locked = _LOCKED.where(Drawer.id.in_(drawer_ids)).order_by(Drawer.id)
    return {drawer.id: drawer for drawer in session.select(_to_locked, locked)}


def lock_safe(session: Session, branch_id: UUID) -> LockedSafe:
    """Return the safe of a branch, its row locked; it is made by its first use. Drawers are locked
    before safes."""
    session.write(insert(Safe).values(branch_id=branch_id).on_conflict_do_nothing())
    locked = sa.select(Safe.branch_id, Safe.pieces).where(Safe.branch_id == branch_id)
    return session.get(_to_safe, locked.with_for_update(key_share=True))


def read_safe(session: Session, branch_id: UUID) -> CashPieces:
    """Return what the safe of a branch holds."""
    safe = sa.select(Safe.branch_id, Safe.pieces).where(Safe.branch_id == branch_id)
    found = session.find(_to_safe, safe)
    return CashPieces() if found is None else found.pieces


def read_pieces(session: Session, drawer_id: UUID) -> CashPieces:
    """Return what a drawer holds by its movements."""
    held = sa.select(Drawer.pieces).where(Drawer.id == drawer_id)
    return session.get(lambda pieces: CashPieces(tuple(pieces)), held)


def next_number(session: Session, branch_id: UUID) -> int:
    """Return the number of the next Z report of a branch. Its safe is locked."""
    last = sa.select(sa.func.coalesce(sa.func.max(Drawer.number), 0).label("number")).where(
        Drawer.branch_id == branch_id
    )
    [number] = session.select(lambda number: number, last)
    return int(number) + 1


def take_receipt_number(session: Session, branch_id: UUID) -> int:
    """Return the number of the next receipt of a branch. Others wait for it until the transaction
    ends, so that no number is missing."""
    taken = insert(Safe).values(branch_id=branch_id, last_receipt=1)
    taken = taken.on_conflict_do_update(
        index_elements=[Safe.branch_id], set_={"last_receipt": Safe.last_receipt + 1}
    )
    [number] = session.select(lambda last_receipt: last_receipt, taken.returning(Safe.last_receipt))
    return int(number)


def _to_locked(pieces: list[int], counted: list[int] | None, **values: Any) -> LockedDrawer:
    return LockedDrawer(pieces=CashPieces(tuple(pieces)), counted=_to_pieces(counted), **values)


def _to_safe(branch_id: UUID, pieces: list[int]) -> LockedSafe:
    return LockedSafe(branch_id, CashPieces(tuple(pieces)))


@dataclass(frozen=True, slots=True)
class MovementTotal:
    """The movements of one kind and instrument: how many, and what came in and left."""

    kind: CashMovementKind
    instrument: CashInstrument
    count: int
    received: Amount
    paid: Amount


def list_totals(session: Session, drawer_id: UUID) -> list[MovementTotal]:
    """Return the totals of a drawer's movements, in the order of kinds and instruments."""
    received = sa.func.coalesce(
        sa.func.sum(CashMovement.units).filter(CashMovement.units > 0), 0
    ).label("received")
    paid = sa.func.coalesce(
        -sa.func.sum(CashMovement.units).filter(CashMovement.units < 0), 0
    ).label("paid")
    totals = (
        sa.select(
            CashMovement.kind,
            CashMovement.instrument,
            sa.func.count().label("count"),
            received,
            paid,
        )
        .where(CashMovement.drawer_id == drawer_id)
        .group_by(CashMovement.kind, CashMovement.instrument)
    )
    found = session.select(_to_total, totals)
    kinds, instruments = list(CashMovementKind), list(CashInstrument)
    return sorted(
        found, key=lambda each: (kinds.index(each.kind), instruments.index(each.instrument))
    )


def _to_total(
    kind: CashMovementKind, instrument: CashInstrument, count: int, received: int, paid: int
) -> MovementTotal:
    return MovementTotal(
        kind, instrument, count, Amount(USD, int(received)), Amount(USD, int(paid))
    )
