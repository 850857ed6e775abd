"""Work on the queue: claim, hand over, snooze, escalate, and end what has no end of its own."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from app.access import Actor, Permission, require
from app.approvals import rules as approvals_rules
from app.approvals.ports import CurrentPermissions
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.helpdesk.queue import queries
from app.helpdesk.queue.errors import AlreadyClaimed, NotEndedByHand
from app.helpdesk.queue.models import QueueClaim
from app.helpdesk.queue.queries import COLUMN, TABLE, QueueItem
from app.helpdesk.queue.rules import Snooze
from app.keys import service as keys
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Invalid
from app.kit.ports import resolve

_LOCK = "SELECT assignee_id FROM queue_claims WHERE subject_id = %s FOR UPDATE"


def claim(session: Session, actor: Actor, subject_id: UUID) -> None:
    """Take work that no colleague has. Raises `NotFound`, `PermissionDenied` and
    `AlreadyClaimed`."""
    item = _lock_item(session, actor, subject_id)
    if session.optional_value(_LOCK, (subject_id,)) not in {None, actor.user_id}:
        raise AlreadyClaimed
    _change(session, item, assignee_id=actor.user_id, snoozed_until=None)
    _record(session, actor, item, AuditAction.QUEUE_CLAIMED)


def release(session: Session, actor: Actor, subject_id: UUID) -> None:
    """Put work back for any colleague. Raises `NotFound` and `PermissionDenied`."""
    item = _lock_item(session, actor, subject_id)
    _change(session, item, assignee_id=None)
    _record(session, actor, item, AuditAction.QUEUE_RELEASED)


def hand_over(
    session: Session, actor: Actor, subject_id: UUID, colleague_id: UUID, *, reason: str
) -> None:
    """Give work to a colleague who may do it.

    Raises `NotFound`, `PermissionDenied`, and `Invalid` naming `colleague` or for the reason.
    """
    item = _lock_item(session, actor, subject_id)
    reason = approvals_rules.clean_reason(reason)
    if colleague_id not in list_colleagues(session, item):
        raise Invalid("colleague", "Choose a colleague from the list.")
    _change(session, item, assignee_id=colleague_id, snoozed_until=None)
    to = {"to": ids.encode("usr", colleague_id)}
    _record(session, actor, item, AuditAction.QUEUE_HANDED_OVER, reason=reason, after=to)


def snooze(session: Session, actor: Actor, subject_id: UUID, duration: Snooze) -> None:
    """Hide work from the open queue for a while. Raises `NotFound` and `PermissionDenied`."""
    item = _lock_item(session, actor, subject_id)
    until = clock.now() + duration.duration
    _change(session, item, snoozed_until=until)
    after = {"until": clock.rfc3339(until)}
    _record(session, actor, item, AuditAction.QUEUE_SNOOZED, after=after)


def escalate(session: Session, actor: Actor, subject_id: UUID, *, reason: str) -> None:
    """Mark work as one for others to look at first, and put it back for any colleague.

    Raises `NotFound`, `PermissionDenied`, and `Invalid` for the reason.
    """
    item = _lock_item(session, actor, subject_id)
    reason = approvals_rules.clean_reason(reason)
    _change(
        session,
        item,
        assignee_id=None,
        snoozed_until=None,
        escalated_at=clock.now(),
        escalated_by=actor.user_id,
        escalation_sealed=keys.seal(reason, table=TABLE, column=COLUMN, key=subject_id),
    )
    _record(session, actor, item, AuditAction.QUEUE_ESCALATED, reason=reason)


def end(session: Session, actor: Actor, subject_id: UUID, *, reason: str) -> None:
    """Take work that has no end of its own off the queue.

    Raises `NotFound`, `PermissionDenied`, `NotEndedByHand`, and `Invalid` for the reason.
    """
    item = _lock_item(session, actor, subject_id)
    if not item.source.ends_by_hand:
        raise NotEndedByHand
    reason = approvals_rules.clean_reason(reason)
    _change(session, item, done_at=clock.now())
    _record(session, actor, item, AuditAction.QUEUE_ENDED, reason=reason)


def list_colleagues(session: Session, item: QueueItem) -> list[UUID]:
    """Return the staff who may do this work."""
    needed = frozenset({Permission.QUEUE_WORK, item.source.permission})
    return resolve(CurrentPermissions).find_holders(session, needed)


def _lock_item(session: Session, actor: Actor, subject_id: UUID) -> QueueItem:
    """Return work that the actor may do, its claim locked. Every act makes sure of a claim first,
    so that of two people at once one waits for the other."""
    require(actor, Permission.QUEUE_WORK)
    item = queries.get_item(session, actor, subject_id)
    first = insert(QueueClaim).values(
        subject_id=subject_id,
        source=item.source_name,
        since=item.since,
        touched_by=actor.user_id,
        touched_at=clock.now(),
    )
    session.write(first.on_conflict_do_nothing())
    session.row(_LOCK, (subject_id,))
    return item


def _change(session: Session, item: QueueItem, **values: Any) -> None:
    session.write(
        sa.update(QueueClaim).where(QueueClaim.subject_id == item.subject_id).values(**values)
    )


def _record(
    session: Session,
    actor: Actor,
    item: QueueItem,
    action: AuditAction,
    *,
    reason: str | None = None,
    after: Mapping[str, object] | None = None,
) -> None:
    audit.record(
        session,
        actor=actor,
        action=action,
        subject=item.subject,
        on_behalf_of=item.user_id,
        after=after,
        reason=reason,
    )
