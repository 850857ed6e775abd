"""Close a drawer: count it without sight of the books, with a second person if it differs much.

The first count decides. One that differs by more than the setting waits until a colleague has
counted the drawer, too, and confirms the count; the teller may count again meanwhile, still without
sight of the books. Each count is recorded.
"""

from dataclasses import dataclass, replace
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, Permission, require
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.catalog.rules import USD
from app.counter.drawers import movements, queries
from app.counter.drawers.errors import NoOpenDrawer, SecondPersonMissing
from app.counter.drawers.models import Drawer
from app.counter.drawers.queries import LockedDrawer
from app.counter.drawers.rules import TRANSITIONS, CashMovementKind, CashPieces, DrawerStatus
from app.kit import clock
from app.kit.db import Session
from app.kit.errors import Invalid
from app.kit.formatting import format_amount
from app.kit.money import Amount
from app.ledger import chart
from app.ledger.service import NewPosting
from app.settings.queries import current
from app.settings.rules import setting, settings_group


@settings_group("drawers", "Drawers")
@dataclass(frozen=True, slots=True)
class DrawerRules:
    """How drawers are closed."""

    variance_max: Amount = setting(
        "Largest variance without a second person",
        Amount(USD, 10_00),
        minimum=Amount(USD, 0),
        maximum=Amount(USD, 1000_00),
        about="A drawer whose count differs by more is closed once a colleague counted it, too.",
    )


def count_drawer(session: Session, actor: Actor, counted: CashPieces) -> DrawerStatus:
    """Record what the actor counted in their drawer, close it if the variance is small, and return
    its status: otherwise it waits for a second person.

    Raises `PermissionDenied`, `Invalid` for less than none, and `NoOpenDrawer`.
    """
    require(actor, Permission.DRAWERS_SETTLE)
    if not counted.is_payable:
        raise Invalid("usd_10000", "Enter how many notes and coins there are.")
    drawer = queries.lock_active_drawer(session, actor)
    variance = counted.amount - drawer.pieces.amount
    audit.record(
        session,
        actor=actor,
        action=AuditAction.DRAWER_COUNTED,
        subject=drawer.public_id,
        after={**movements.describe(counted), "variance": format_amount(variance)},
    )
    drawer = _mark_counted(session, drawer, counted)
    if abs(variance.units) <= current(session, DrawerRules).variance_max.units:
        _close(session, drawer, actor)
        return DrawerStatus.CLOSED
    return DrawerStatus.COUNTED


def settle_variance(session: Session, actor: Actor, *, witness_id: UUID) -> None:
    """Close the actor's drawer with the variance of its last count, which a second person confirms.

    Raises `PermissionDenied`, `NoOpenDrawer` unless a variance waits, and `SecondPersonMissing`.
    """
    require(actor, Permission.DRAWERS_SETTLE)
    if witness_id == actor.user_id:
        raise SecondPersonMissing
    drawer = queries.lock_active_drawer(session, actor)
    if drawer.status is not DrawerStatus.COUNTED:
        raise NoOpenDrawer
    _close(session, drawer, actor, witness_id)


def _mark_counted(session: Session, drawer: LockedDrawer, counted: CashPieces) -> LockedDrawer:
    status = TRANSITIONS.transition(drawer.status, DrawerStatus.COUNTED)
    session.write(
        sa.update(Drawer)
        .where(Drawer.id == drawer.id)
        .values(status=status, counted=list(counted.counts), counted_at=clock.now())
    )
    return replace(drawer, status=status, counted=counted)


def _close(
    session: Session, drawer: LockedDrawer, actor: Actor, witness_id: UUID | None = None
) -> None:
    """Book the variance, put what was counted into the safe, and number the Z report."""
    counted, now = drawer.counted, clock.now()
    assert counted is not None, drawer
    safe = queries.lock_safe(session, drawer.branch_id)
    excess = counted - drawer.pieces
    if excess:
        act = movements.begin_act(CashMovementKind.VARIANCE, drawer.teller_id, witness_id)
        postings = movements.move(session, drawer, excess, act)
        account = chart.cash_over_short(USD, drawer.branch_id)
        movements.post(session, act, [*postings, NewPosting(account, -excess.amount.units)])
    if counted:
        act = movements.begin_act(CashMovementKind.CLOSE, drawer.teller_id)
        postings = movements.move(session, replace(drawer, pieces=counted), -counted, act)
        movements.post(session, act, [*postings, *movements.move(session, safe, counted, act)])
    number = queries.next_number(session, drawer.branch_id)
    session.write(
        sa.update(Drawer)
        .where(Drawer.id == drawer.id)
        .values(
            status=TRANSITIONS.transition(drawer.status, DrawerStatus.CLOSED),
            number=number,
            expected_units=drawer.pieces.amount.units,
            closed_at=now,
        )
    )
    audit.record(
        session,
        actor=actor,
        action=AuditAction.DRAWER_CLOSED,
        subject=drawer.public_id,
        after={
            "number": str(number),
            "expected": format_amount(drawer.pieces.amount),
            "counted": format_amount(counted.amount),
            "variance": format_amount(excess.amount),
        },
    )
