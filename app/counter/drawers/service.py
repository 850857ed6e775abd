"""The verbs of drawers: open one, move cash between it, the safe, other tills and the bank."""

from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, Permission, require
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.branches.tills import queries as tills_queries
from app.branches.tills import service as tills
from app.branches.tills.errors import TillClosed
from app.catalog.provider_ids import BANK
from app.catalog.rules import USD
from app.counter.drawers import movements, queries
from app.counter.drawers.errors import DrawerOpen, SecondPersonMissing, TillInUse
from app.counter.drawers.models import Drawer
from app.counter.drawers.movements import CashAct
from app.counter.drawers.queries import LockedDrawer, LockedSafe
from app.counter.drawers.rules import CashMovementKind, CashPieces, DrawerStatus
from app.kit import clock, ids
from app.kit.db import Session, register_refusal
from app.kit.errors import Invalid, NotFound
from app.ledger import chart
from app.ledger.service import NewPosting

register_refusal("drawers_active_till_key", lambda _detail: TillInUse())
register_refusal("drawers_active_teller_key", lambda _detail: DrawerOpen())


def open_drawer(session: Session, actor: Actor, till_id: UUID, pieces: CashPieces) -> UUID:
    """Open a drawer at a till of the actor's branch, with a float out of the safe, and return its
    id.

    Raises `PermissionDenied`, `NotFound`, `TillClosed`, `TillInUse`, `DrawerOpen` and
    `TooFewPieces`.
    """
    require(actor, Permission.DRAWERS_WORK)
    if pieces:
        _require_some(pieces)
    till = tills_queries.lock_till(session, till_id)
    if till.branch_id != actor.branch_id:
        raise NotFound
    if till.closed_at is not None:
        raise TillClosed
    drawer = LockedDrawer(
        ids.new(), till.branch_id, till.id, actor.user_id, DrawerStatus.OPEN, CashPieces(), None
    )
    session.write(
        sa.insert(Drawer).values(
            id=drawer.id,
            branch_id=drawer.branch_id,
            till_id=drawer.till_id,
            teller_id=drawer.teller_id,
            status=drawer.status,
            opened_at=clock.now(),
            pieces=list(drawer.pieces.counts),
        )
    )
    safe = queries.lock_safe(session, drawer.branch_id)
    if pieces:
        _carry(session, _begin(actor, CashMovementKind.FLOAT), safe, drawer, pieces)
    _record(session, actor, AuditAction.DRAWER_OPENED, drawer.public_id, pieces, till=till.code)
    return drawer.id


def drop(session: Session, actor: Actor, pieces: CashPieces) -> None:
    """Put pieces of the actor's drawer into the safe.

    Raises `PermissionDenied`, `Invalid` for nothing, `NoOpenDrawer` and `TooFewPieces`.
    """
    _move_to_safe(session, actor, CashMovementKind.DROP, pieces)


def refill(session: Session, actor: Actor, pieces: CashPieces) -> None:
    """Put pieces of the safe into the actor's drawer. Raises as `drop`."""
    _move_to_safe(session, actor, CashMovementKind.REFILL, pieces)


def hand_over(
    session: Session, actor: Actor, drawer_id: UUID, pieces: CashPieces, *, witness_id: UUID
) -> None:
    """Put pieces of the actor's drawer into another teller's, who is the second person.

    Raises `PermissionDenied`, `Invalid` for nothing, `NoOpenDrawer`, `NotFound` for a drawer that
    is not open at this branch, `SecondPersonMissing` and `TooFewPieces`.
    """
    require(actor, Permission.DRAWERS_WORK)
    _require_some(pieces)
    own = queries.find_own_drawer(session, actor)
    locked = queries.lock_drawers(session, [drawer_id] if own is None else [drawer_id, own.id])
    giver = queries.lock_own_drawer(session, actor)
    receiver = locked.get(drawer_id)
    if receiver is None or receiver.branch_id != giver.branch_id or receiver.id == giver.id:
        raise NotFound
    if receiver.status is not DrawerStatus.OPEN:
        raise NotFound
    if receiver.teller_id != witness_id:
        raise SecondPersonMissing("The teller of the other drawer has to confirm it.")
    _carry(session, _begin(actor, CashMovementKind.HAND_OVER, witness_id), giver, receiver, pieces)
    _record(
        session, actor, AuditAction.CASH_HANDED_OVER, giver.public_id, pieces,
        to=receiver.public_id, confirmed_by=ids.encode("usr", witness_id),
    )  # fmt: skip


def take_delivery(
    session: Session, actor: Actor, branch_id: UUID, pieces: CashPieces, *, witness_id: UUID
) -> None:
    """Put what the bank delivered into the safe of a branch.

    Raises `PermissionDenied`, `NotFound`, `Invalid` for nothing, and `SecondPersonMissing`.
    """
    _exchange_with_bank(
        session, actor, branch_id, pieces, kind=CashMovementKind.DELIVERY, witness_id=witness_id
    )


def send_to_bank(
    session: Session, actor: Actor, branch_id: UUID, pieces: CashPieces, *, witness_id: UUID
) -> None:
    """Let the bank collect pieces of the safe of a branch. Raises as `take_delivery`, and
    `TooFewPieces`."""
    _exchange_with_bank(
        session, actor, branch_id, pieces, kind=CashMovementKind.COLLECTION, witness_id=witness_id
    )


def take_in(
    session: Session, drawer: LockedDrawer, pieces: CashPieces, act: CashAct
) -> list[NewPosting]:
    """Put pieces into an open drawer, and return the posting for the entry of the act.

    What was given back of a large note is negative. Raises `TooFewPieces` where the drawer does
    not hold it.
    """
    assert drawer.status is DrawerStatus.OPEN, drawer
    return movements.move(session, drawer, pieces, act)


def pay_out(
    session: Session, drawer: LockedDrawer, pieces: CashPieces, act: CashAct
) -> list[NewPosting]:
    """Take pieces out of an open drawer, and return the posting for the entry of the act. Raises
    `TooFewPieces`."""
    return take_in(session, drawer, -pieces, act)


def close_till(session: Session, actor: Actor, branch_id: UUID, till_id: UUID) -> None:
    """Close a till for good. Raises as `tills.close_till`, and `TillInUse`."""
    tills_queries.lock_till(session, till_id)
    if queries.is_till_in_use(session, till_id):
        raise TillInUse
    tills.close_till(session, actor, branch_id, till_id)


def _move_to_safe(
    session: Session, actor: Actor, kind: CashMovementKind, pieces: CashPieces
) -> None:
    """Put pieces of the actor's drawer into the safe, or the other way for a refill."""
    require(actor, Permission.DRAWERS_WORK)
    _require_some(pieces)
    drawer = queries.lock_own_drawer(session, actor)
    safe = queries.lock_safe(session, drawer.branch_id)
    act = _begin(actor, kind)
    if kind is CashMovementKind.REFILL:
        _carry(session, act, safe, drawer, pieces)
    else:
        _carry(session, act, drawer, safe, pieces)
    action = (
        AuditAction.DRAWER_REFILLED
        if kind is CashMovementKind.REFILL
        else AuditAction.DRAWER_DROPPED
    )
    _record(session, actor, action, drawer.public_id, pieces)


def _exchange_with_bank(
    session: Session, actor: Actor, branch_id: UUID, pieces: CashPieces, *, kind: CashMovementKind,
    witness_id: UUID,
) -> None:  # fmt: skip
    require(actor, Permission.DRAWERS_WORK)
    if branch_id != actor.branch_id:
        raise NotFound
    _require_some(pieces)
    if witness_id == actor.user_id:
        raise SecondPersonMissing
    safe = queries.lock_safe(session, branch_id)
    act = _begin(actor, kind, witness_id)
    is_delivery = kind is CashMovementKind.DELIVERY
    received = pieces if is_delivery else -pieces
    postings = movements.move(session, safe, received, act)
    postings.append(NewPosting(chart.bank(USD, BANK), -received.amount.units))
    movements.post(session, act, postings)
    _record(
        session, actor,
        AuditAction.CASH_DELIVERED if is_delivery else AuditAction.CASH_COLLECTED,
        ids.encode("brn", branch_id), pieces, confirmed_by=ids.encode("usr", witness_id),
    )  # fmt: skip


def _carry(
    session: Session, act: CashAct, origin: LockedDrawer | LockedSafe,
    destination: LockedDrawer | LockedSafe, pieces: CashPieces,
) -> None:  # fmt: skip
    postings = movements.move(session, origin, -pieces, act)
    postings += movements.move(session, destination, pieces, act)
    movements.post(session, act, postings)


def _begin(actor: Actor, kind: CashMovementKind, witness_id: UUID | None = None) -> CashAct:
    return movements.begin_act(kind, actor.user_id, witness_id)


def _require_some(pieces: CashPieces) -> None:
    if not pieces or not pieces.is_payable:
        raise Invalid("usd_10000", "Enter how many notes and coins there are.")


def _record(
    session: Session,
    actor: Actor,
    action: AuditAction,
    subject: str,
    pieces: CashPieces,
    **facts: str,
) -> None:
    after = {**movements.describe(pieces), **facts}
    audit.record(session, actor=actor, action=action, subject=subject, after=after)
