"""Booking the variance of a count: a second person approves, and all its products are adjusted."""

from dataclasses import asdict, replace
from uuid import UUID

from app.access import Actor, Permission
from app.approvals import registry as approvals_registry
from app.approvals import service as approvals
from app.approvals.registry import ApprovalAction, ApprovedRequest, ProposedChange, TextFields
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.cases import service as cases
from app.kit import ids
from app.kit.db import Session
from app.vault.adjustments import service as adjustments
from app.vault.adjustments.rules import AdjustmentKind
from app.vault.adjustments.service import NewAdjustment
from app.vault.counts import queries
from app.vault.counts import service as counts
from app.vault.counts.errors import CountEnded, SerialsNotCounted
from app.vault.counts.queries import CountSummary, CurrentLine
from app.vault.counts.rules import CountStatus
from app.vault.stock.rules import StockState

BOOK = "count.book"


def request_booking(session: Session, actor: Actor, count_id: UUID, *, reason: str) -> UUID:
    """Request that the variance of a count is booked, and return the request's id.

    Raises `NotFound`, `CountEnded`, `SerialsNotCounted`, `PermissionDenied`, `ApprovalPending`, and
    `Invalid` for the reason.
    """
    count = ids.encode(counts.PREFIX, count_id)
    return approvals.request_approval(
        session, actor, BOOK, {"count": count}, subject=count, reason=reason
    )


def _lock(session: Session, payload: TextFields) -> tuple[CountSummary, list[CurrentLine]]:
    count = queries.lock_count(session, ids.decode(counts.PREFIX, payload["count"]))
    if count.status is not CountStatus.VARIANCE:
        raise CountEnded
    variances = [line for line in queries.list_lines(session, count.id) if line.variance]
    if any(line.is_serialized for line in variances):
        raise SerialsNotCounted
    return count, variances


def _compare(session: Session, payload: TextFields) -> ProposedChange:
    count, variances = _lock(session, payload)
    return ProposedChange(
        {}, {"location": count.location_code, **counts.describe_variances(variances)}
    )


def _check_nothing(_session: Session, _actor: Actor, _payload: TextFields) -> None:
    """Require nothing but the permission, and two people."""


def _book(session: Session, approved: ApprovedRequest) -> None:
    count, variances = _lock(session, approved.payload)
    for line in variances:
        kind = AdjustmentKind.FOUND if line.variance > 0 else AdjustmentKind.LOSS
        adjustment = NewAdjustment(
            line.sku, count.location_code, StockState.AVAILABLE, kind, str(abs(line.variance))
        )
        adjustments.book_adjustment(session, replace(approved, payload=asdict(adjustment)))
    counts.end_variance(session, count, CountStatus.BOOKED)
    audit.record(
        session,
        actor=approved.checker,
        action=AuditAction.COUNT_BOOKED,
        subject=count.public_id,
        before={"status": count.status},
        after={"status": CountStatus.BOOKED, "approval": ids.encode("apr", approved.id)},
        reason=approved.reason,
    )
    case_id = cases.lock_open_case(session, kind=counts.CASE_KIND, key=count.public_id)
    if case_id is not None:
        cases.close(
            session, None, case_id, disposition=counts.BOOKED, reason="The variance was booked."
        )


def _describe(session: Session, actor: Actor, subject: str) -> TextFields:
    if Permission.COUNTS_READ not in actor.permissions:
        return {}
    count = queries.get_count(session, ids.decode(counts.PREFIX, subject))
    return {"Status of the count now": count.status.label}


approvals_registry.register(
    ApprovalAction(
        BOOK,
        "Book the variance of a count",
        Permission.VAULT_ADJUST,
        _compare,
        _check_nothing,
        _book,
        _describe,
        lambda fields: f"book the variance at {fields['location']}",
        follows="What is missing leaves the units for sale, and what was found joins them. Metal at"
        " the price of this moment and premium are a cost or a gain of the branch.",
    )
)
