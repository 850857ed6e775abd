"""The verbs of approvals: request, replace, withdraw, approve, reject.

Approving may have to *end* a request and then refuse: it has expired, or its subject has changed.
Such a refusal keeps what was written (`Refusal.keeping_records`).
"""

import json
from collections.abc import Mapping
from hmac import compare_digest
from uuid import UUID

from app.access import Actor, require
from app.approvals import queries, registry, rules
from app.approvals.errors import (
    ApprovalChanged,
    ApprovalDecided,
    ApprovalExpired,
    ApprovalOutdated,
    ApprovalPending,
    NotIndependent,
    SelfApproval,
)
from app.approvals.ports import CurrentPermissions
from app.approvals.queries import ApprovalRequest
from app.approvals.registry import ApprovalAction, ApprovedRequest
from app.approvals.rules import TRANSITIONS, ApprovalStatus
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import NotFound, Refusal
from app.kit.formatting import format_date
from app.kit.ports import resolve
from app.notifications import service as notifications
from app.notifications.kinds import ApprovalWaiting
from app.outbox import service as outbox

_INSERT = """
INSERT INTO approvals (id, action, subject, subject_id, payload, before, after, hash, reason,
    maker_id, status, created_at, expires_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_END = """
UPDATE approvals SET status = %s, checker_id = %s, decision_reason = %s, decided_at = %s
WHERE id = %s
"""
_EVENT = """
INSERT INTO approval_events (id, approval_id, from_status, to_status, actor_id, at)
VALUES (%s, %s, %s, %s, %s, %s)
"""
_FIND_DUPLICATE = """
SELECT id FROM approvals WHERE action = %s AND subject = %s AND status = 'pending'
"""
_FIND_EXPIRED = """
SELECT id FROM approvals WHERE status = 'pending' AND expires_at <= %s
ORDER BY id LIMIT 100 FOR UPDATE SKIP LOCKED
"""


def request_approval(
    session: Session,
    actor: Actor,
    action_name: str,
    payload: Mapping[str, str],
    *,
    subject: str,
    subject_id: UUID | None = None,
    reason: str,
) -> UUID:
    """Request an action that a second person has to approve. Returns the request's id.

    The actor must be permitted to do it themselves. Raises `PermissionDenied`, `Invalid` for the
    reason, `ApprovalPending` for a duplicate of a pending request, and the action's own refusals.
    """
    action = registry.get_action(action_name)
    reason = rules.clean_reason(reason)
    maker = resolve(CurrentPermissions).lock_actor(session, actor.user_id, actor.session_id)
    require(maker, action.permission)
    action.check(session, maker, payload)
    change = action.compare(session, payload)
    _refuse_duplicate(session, action, subject)
    approval_id, now = ids.new(), clock.now()
    states = {"payload": payload, "before": change.before, "after": change.after}
    digest = rules.digest(action=action.name, subject=subject, **states)
    texts = [json.dumps(dict(fields)) for fields in states.values()]
    session.send(
        _INSERT,
        (
            approval_id,
            action.name,
            subject,
            subject_id,
            *texts,
            digest,
            reason,
            maker.user_id,
            ApprovalStatus.PENDING,
            now,
            now + rules.LIFETIME,
        ),
    )
    event = (ids.new(), approval_id, None, ApprovalStatus.PENDING, maker.user_id, now)
    session.send(_EVENT, event)
    session.flush()
    audit.record(
        session,
        actor=maker,
        action=AuditAction.APPROVAL_ASKED,
        subject=ids.encode("apr", approval_id),
        on_behalf_of=ids.try_decode("usr", subject),
        before={"about": subject, **change.before},
        after={"action": action.name, **change.after},
        reason=reason,
    )
    outbox.stage(session, "approvals.tell_checkers", {"approval_id": str(approval_id)})
    return approval_id


def approve(session: Session, actor: Actor, approval_id: UUID, *, seen_hash: bytes) -> None:
    """Approve and execute the request; one that has expired or is outdated ends instead.

    `seen_hash` is the hash of the request that the checker saw. Raises `ApprovalExpired` and
    `ApprovalOutdated`, which keep the end of the request; `SelfApproval`, `NotIndependent`,
    `PermissionDenied` if the checker may not do the act themselves, `ApprovalDecided`,
    `ApprovalChanged`, and the action's own refusals.
    """
    checker = resolve(CurrentPermissions).lock_actor(session, actor.user_id, actor.session_id)
    request, action = _lock_decidable(session, checker, approval_id)
    if request.expires_at <= clock.now():
        _end(session, request, ApprovalStatus.EXPIRED, actor=None)
        raise ApprovalExpired().keeping_records()
    if not request.is_intact() or not compare_digest(request.hash, seen_hash):
        raise ApprovalChanged
    if not _is_still_valid(session, request, action):
        _end(session, request, ApprovalStatus.OUTDATED, actor=checker)
        raise ApprovalOutdated().keeping_records()
    action.check(session, checker, request.payload)
    _end(session, request, ApprovalStatus.APPROVED, actor=checker)
    action.execute(
        session,
        ApprovedRequest(request.id, request.payload, request.reason, request.maker_id, checker),
    )


def reject(session: Session, actor: Actor, approval_id: UUID, *, reason: str) -> None:
    """Reject the request.

    Raises `SelfApproval`, `NotIndependent`, `PermissionDenied` and `ApprovalDecided` as `approve`
    does, and `Invalid` for the reason.
    """
    reason = rules.clean_reason(reason)
    checker = resolve(CurrentPermissions).lock_actor(session, actor.user_id, actor.session_id)
    request, _action = _lock_decidable(session, checker, approval_id)
    _end(session, request, ApprovalStatus.REJECTED, actor=checker, reason=reason)


def withdraw(session: Session, actor: Actor, approval_id: UUID) -> None:
    """Cancel the maker's own request. Raises `NotFound` for another person's, `ApprovalDecided`."""
    request = _lock_own(session, actor, approval_id)
    _end(session, request, ApprovalStatus.WITHDRAWN, actor=actor)


def replace_request(
    session: Session,
    actor: Actor,
    approval_id: UUID,
    *,
    reason: str,
) -> UUID:
    """End the maker's own request and replace it with one of another reason. Returns its id.

    Raises `NotFound` for another person's request, and as `request_approval` does.
    """
    request = _lock_own(session, actor, approval_id)
    _end(session, request, ApprovalStatus.SUPERSEDED, actor=actor)
    return request_approval(
        session,
        actor,
        request.action,
        request.payload,
        subject=request.subject,
        subject_id=request.subject_id,
        reason=reason,
    )


def _refuse_duplicate(session: Session, action: ApprovalAction, subject: str) -> None:
    """Raise `ApprovalPending` if the same request is pending; end it if it is past its expiry."""
    for (duplicate_id,) in session.rows(_FIND_DUPLICATE, (action.name, subject)):
        duplicate = queries.lock_approval(session, duplicate_id)
        if duplicate.expires_at > clock.now():
            raise ApprovalPending
        _end(session, duplicate, ApprovalStatus.EXPIRED, actor=None)


def expire_requests(session: Session) -> None:
    """End the requests that were not decided in time."""
    for (approval_id,) in session.rows(_FIND_EXPIRED, (clock.now(),)):
        _end(
            session, queries.lock_approval(session, approval_id), ApprovalStatus.EXPIRED, actor=None
        )


def notify_checkers(session: Session, approval_id: UUID) -> None:
    """Email everyone who may decide the request, once each.

    The email does not name the subject; the page does.
    """
    request = queries.lock_approval(session, approval_id)
    if TRANSITIONS.is_final(request.status):
        return
    action = registry.get_action(request.action)
    waiting = ApprovalWaiting(action.title, request.expires_at)
    event = ids.encode("apr", request.id)
    for user_id in queries.list_deciders(
        session, request.action, request.maker_id, request.subject_id
    ):
        notifications.notify(session, waiting, to=user_id, event=event)


def _lock_pending(session: Session, approval_id: UUID) -> ApprovalRequest:
    request = queries.lock_approval(session, approval_id)
    if TRANSITIONS.is_final(request.status):
        raise ApprovalDecided
    return request


def _lock_own(session: Session, actor: Actor, approval_id: UUID) -> ApprovalRequest:
    request = queries.lock_approval(session, approval_id)
    if request.maker_id != actor.user_id:
        raise NotFound
    if TRANSITIONS.is_final(request.status):
        raise ApprovalDecided
    return request


def _lock_decidable(
    session: Session, checker: Actor, approval_id: UUID
) -> tuple[ApprovalRequest, ApprovalAction]:
    """Lock the request and return it with its action. Raises unless the checker may decide it."""
    request = _lock_pending(session, approval_id)
    if checker.user_id in {request.maker_id, request.subject_id}:
        raise SelfApproval
    action = registry.get_action(request.action)
    for permission in sorted(registry.deciding_permissions(action)):
        require(checker, permission)
    dependence = queries.find_dependence(session, action, request.maker_id, checker.user_id)
    if dependence is not None:
        raise NotIndependent(
            f"{dependence.reason} Another person must decide this request; you may decide requests"
            f" of this person from {format_date(dependence.until)} on."
        )
    return request, action


def _is_still_valid(session: Session, request: ApprovalRequest, action: ApprovalAction) -> bool:
    """Return whether the subject is unchanged and the maker may still request the action."""
    try:
        maker = resolve(CurrentPermissions).lock_actor(session, request.maker_id)
        require(maker, action.permission)
        action.check(session, maker, request.payload)
        change = action.compare(session, request.payload)
    except Refusal:
        return False
    return (dict(change.before), dict(change.after)) == (request.before, request.after)


def _end(
    session: Session,
    request: ApprovalRequest,
    status: ApprovalStatus,
    *,
    actor: Actor | None,
    reason: str | None = None,
) -> None:
    TRANSITIONS.transition(request.status, status)
    now = clock.now()
    is_decision = status in {ApprovalStatus.APPROVED, ApprovalStatus.REJECTED}
    checker_id = actor.user_id if actor and is_decision else None
    session.send(_END, (status, checker_id, reason, now, request.id))
    actor_id = actor.user_id if actor else None
    session.send(_EVENT, (ids.new(), request.id, request.status, status, actor_id, now))
    session.flush()
    audit.record(
        session,
        actor=actor,
        action=AuditAction(f"approval.{status}"),
        subject=ids.encode("apr", request.id),
        on_behalf_of=ids.try_decode("usr", request.subject),
        before={"status": request.status},
        after={
            "status": status,
            "action": request.action,
            "about": request.subject,
            "maker": ids.encode("usr", request.maker_id),
            "hash": request.hash.hex(),
        },
        reason=reason,
    )
