"""Close a drawer: count it without sight of the books, and have the variance approved.

The first count decides. One that differs by more than the setting waits for a second person; the
teller may count again meanwhile, still without sight of the books, and each count is recorded.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, Permission, check_branch, require
from app.approvals import queries as approvals_queries
from app.approvals import registry as approvals_registry
from app.approvals import service as approvals
from app.approvals.registry import ApprovalAction, ApprovedRequest, ProposedChange, TextFields
from app.approvals.rules import ApprovalStatus
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.branches import queries as branches_queries
from app.catalog.rules import USD
from app.counter.drawers import movements, queries
from app.counter.drawers.errors import DrawerClosed
from app.counter.drawers.models import Drawer
from app.counter.drawers.queries import LockedDrawer
from app.counter.drawers.rules import TRANSITIONS, CashMovementKind, CashPieces, DrawerStatus
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Invalid
from app.kit.formatting import format_amount
from app.kit.money import Amount
from app.ledger import chart
from app.ledger.service import NewPosting
from app.settings.queries import current
from app.settings.rules import setting, settings_group

SETTLE = "drawer.settle"
_REASON = "The count of the drawer differs from its movements."


@settings_group("drawers", "Drawers")
@dataclass(frozen=True, slots=True)
class DrawerRules:
    """How drawers are closed."""

    variance_max: Amount = setting(
        "Largest variance without a second person",
        Amount(USD, 10_00),
        minimum=Amount(USD, 0),
        maximum=Amount(USD, 1000_00),
        about="A drawer whose count differs by more is closed once a second person approves.",
    )


def count_drawer(session: Session, actor: Actor, counted: CashPieces) -> DrawerStatus:
    """Record what the actor counted in their drawer, close it if the variance is small, and return
    its status: otherwise a second person is asked.

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
    _end_request(session, actor, drawer)
    drawer = _mark_counted(session, drawer, counted)
    if abs(variance.units) <= current(session, DrawerRules).variance_max.units:
        _close(session, drawer, actor)
        return DrawerStatus.CLOSED
    approvals.request_approval(
        session,
        actor,
        SETTLE,
        {"drawer": drawer.public_id},
        subject=drawer.public_id,
        reason=_REASON,
    )
    return DrawerStatus.COUNTED


def _end_request(session: Session, actor: Actor, drawer: LockedDrawer) -> None:
    """End the request about an earlier count, which this one replaces."""
    for request in approvals_queries.list_requests_about(session, drawer.public_id):
        if request.status is ApprovalStatus.PENDING:
            approvals.withdraw(session, actor, request.id)


def _mark_counted(session: Session, drawer: LockedDrawer, counted: CashPieces) -> LockedDrawer:
    status = TRANSITIONS.transition(drawer.status, DrawerStatus.COUNTED)
    session.write(
        sa.update(Drawer)
        .where(Drawer.id == drawer.id)
        .values(status=status, counted=list(counted.counts), counted_at=clock.now())
    )
    return replace(drawer, status=status, counted=counted)


def _close(
    session: Session, drawer: LockedDrawer, actor: Actor, approval_id: UUID | None = None
) -> None:
    """Book the variance, put what was counted into the safe, and number the Z report."""
    counted, now = drawer.counted, clock.now()
    assert counted is not None, drawer
    safe = queries.lock_safe(session, drawer.branch_id)
    witness_id = actor.user_id if approval_id else None
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
            approval_id=approval_id,
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


def _lock_counted(session: Session, payload: TextFields) -> LockedDrawer:
    drawer = queries.lock_drawer(session, ids.decode(queries.PREFIX, payload["drawer"]))
    if drawer.status is not DrawerStatus.COUNTED:
        raise DrawerClosed
    return drawer


def _compare(session: Session, payload: TextFields) -> ProposedChange:
    drawer = _lock_counted(session, payload)
    assert drawer.counted is not None, drawer
    expected, counted = drawer.pieces, drawer.counted
    return ProposedChange(
        {"cash": format_amount(expected.amount), "pieces": str(expected)},
        {
            "cash": format_amount(counted.amount),
            "pieces": str(counted),
            "variance": format_amount(counted.amount - expected.amount),
        },
    )


def _check(session: Session, actor: Actor, payload: TextFields) -> None:
    check_branch(actor, _lock_counted(session, payload).branch_id)


def _settle(session: Session, approved: ApprovedRequest) -> None:
    """Close a drawer whose variance two people agree on."""
    _close(session, _lock_counted(session, approved.payload), approved.checker, approved.id)


def _describe(session: Session, actor: Actor, subject: str) -> Mapping[str, str]:
    """Return where the drawer is."""
    if Permission.DRAWERS_READ not in actor.permissions:
        return {}
    drawer = queries.get_drawer(session, actor, ids.decode(queries.PREFIX, subject))
    branch = branches_queries.get_any_branch(session, drawer.branch_id)
    return {"Branch": branch.code, "Till": drawer.till_code}


approvals_registry.register(
    ApprovalAction(
        SETTLE,
        "Book the variance of a drawer",
        Permission.DRAWERS_SETTLE,
        _compare,
        _check,
        _settle,
        _describe,
        lambda fields: f"book {fields['variance']} and close the drawer",
        follows="What was counted goes into the safe, and the variance is booked as cash over or"
        " short of the branch.",
    )
)
