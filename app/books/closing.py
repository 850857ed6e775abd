"""Closing the books until a day, and reopening the last closing: each by two people."""

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, Permission
from app.approvals import registry as approvals_registry
from app.approvals import service as approvals
from app.approvals.registry import ApprovalAction, ApprovedRequest, ProposedChange, TextFields
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.books import queries
from app.books.errors import ClosedAlready, NothingClosed
from app.books.models import BookClosing
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Invalid
from app.kit.formatting import format_date

CLOSE, REOPEN = "books.close", "books.reopen"
#: One request at a time: both are about where the books are closed.
_SUBJECT = "books"
#: The database looks only at entries that are older than this when they are written.
WAIT_AFTER_END = timedelta(hours=1)
_NOTHING = "nothing"


def request_closing(session: Session, actor: Actor, until: date, *, reason: str) -> UUID:
    """Request that the books are closed until the end of a day (UTC); return the request's id.

    Raises `PermissionDenied`, `Invalid` naming `until` or the reason, `ClosedAlready` and
    `ApprovalPending`.
    """
    payload = {"until": until.isoformat()}
    return approvals.request_approval(
        session, actor, CLOSE, payload, subject=_SUBJECT, reason=reason
    )


def request_reopening(session: Session, actor: Actor, *, reason: str) -> UUID:
    """Request that the last closing is reopened; return the request's id.

    Raises `PermissionDenied`, `NothingClosed`, `ApprovalPending`, and `Invalid` for the reason.
    """
    closing = queries.lock_last_closing(session)
    if closing is None:
        raise NothingClosed
    payload = {"closing": ids.encode("bcl", closing.id)}
    return approvals.request_approval(
        session, actor, REOPEN, payload, subject=_SUBJECT, reason=reason
    )


def end_of_day(day: date) -> datetime:
    """Return the midnight (UTC) at which a day ends."""
    return datetime.combine(day + timedelta(days=1), time(), UTC)


def write_closed_until(ends_at: datetime | None) -> str:
    """Return the last closed day, as it is stored in requests."""
    return _NOTHING if ends_at is None else (ends_at - timedelta(days=1)).date().isoformat()


def _format_until(text: str) -> str:
    return "Nothing" if text == _NOTHING else format_date(date.fromisoformat(text))


def _compare_closing(session: Session, payload: TextFields) -> ProposedChange:
    ends_at = end_of_day(date.fromisoformat(payload["until"]))
    last = queries.lock_last_closing(session)
    if last is not None and ends_at <= last.ends_at:
        raise ClosedAlready
    if ends_at + WAIT_AFTER_END > clock.now():
        raise Invalid("until", "Enter a day that ended an hour ago or earlier, in UTC.")
    before = write_closed_until(last.ends_at if last else None)
    return ProposedChange({"closed until": before}, {"closed until": payload["until"]})


def _close(session: Session, approved: ApprovedRequest) -> None:
    change = _compare_closing(session, approved.payload)
    closing_id = ids.new()
    session.write(
        sa.insert(BookClosing).values(
            id=closing_id,
            ends_at=end_of_day(date.fromisoformat(approved.payload["until"])),
            approval_id=approved.id,
            closed_at=clock.now(),
        )
    )
    _record(session, approved, AuditAction.BOOKS_CLOSED, closing_id, change)


def _compare_reopening(session: Session, payload: TextFields) -> ProposedChange:
    last = queries.lock_last_closing(session)
    if last is None or ids.encode("bcl", last.id) != payload["closing"]:
        raise NothingClosed
    earlier = queries.find_closing_before(session, last.ends_at)
    return ProposedChange(
        {"closed until": write_closed_until(last.ends_at)},
        {"closed until": write_closed_until(earlier.ends_at if earlier else None)},
    )


def _reopen(session: Session, approved: ApprovedRequest) -> None:
    change = _compare_reopening(session, approved.payload)
    closing_id = ids.decode("bcl", approved.payload["closing"])
    session.write(
        sa.update(BookClosing)
        .where(BookClosing.id == closing_id)
        .values(reopening_id=approved.id, reopened_at=clock.now())
    )
    _record(session, approved, AuditAction.BOOKS_REOPENED, closing_id, change)


def _record(
    session: Session,
    approved: ApprovedRequest,
    action: AuditAction,
    closing_id: UUID,
    change: ProposedChange,
) -> None:
    audit.record(
        session,
        actor=approved.checker,
        action=action,
        subject=ids.encode("bcl", closing_id),
        before=change.before,
        after={
            **change.after,
            "approval": ids.encode("apr", approved.id),
            "maker": ids.encode("usr", approved.maker_id),
        },
        reason=approved.reason,
    )


def _check_nothing(_session: Session, _actor: Actor, _payload: TextFields) -> None:
    """Require nothing but the permission."""


def _describe_nothing(_session: Session, _actor: Actor, _subject: str) -> TextFields:
    """Return nothing: the change says it all."""
    return {}


approvals_registry.register(
    ApprovalAction(
        CLOSE,
        "Close a period of the books",
        Permission.BOOKS_CLOSE,
        _compare_closing,
        _check_nothing,
        _close,
        _describe_nothing,
        lambda fields: f"close the books until {fields['closed until']}",
        {"closed until": _format_until},
        follows="From then on only adjusting entries may be dated in this period.",
    )
)
approvals_registry.register(
    ApprovalAction(
        REOPEN,
        "Reopen a period of the books",
        Permission.BOOKS_CLOSE,
        _compare_reopening,
        _check_nothing,
        _reopen,
        _describe_nothing,
        lambda fields: f"reopen the books after {fields['closed until']}",
        {"closed until": _format_until},
    )
)
