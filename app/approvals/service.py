"""The verbs of approvals: ask, edit, withdraw, approve, reject.

Approving may have to *end* a request and then refuse: it has expired, or what it is about has
changed. Raising would roll the end back, so `approve` answers such a refusal as a value, and
whoever opened the transaction shows it after the commit.
"""

import json
from collections.abc import Mapping
from hmac import compare_digest
from uuid import UUID

from app.access import Actor, Permission, require
from app.approvals import queries, registry, rules
from app.approvals.errors import (
    ApprovalChanged,
    ApprovalDecided,
    ApprovalExpired,
    ApprovalOutdated,
    ApprovalPending,
    SelfApproval,
)
from app.approvals.ports import CurrentPermissions
from app.approvals.queries import ApprovalRequest
from app.approvals.registry import ApprovalAction, ApprovedRequest
from app.approvals.rules import TRANSITIONS, ApprovalStatus
from app.audit import service as audit
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import NotFound, Refusal
from app.kit.ports import resolve
from app.kit.tasks import task
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
_SAME = """
SELECT id FROM approvals WHERE action = %s AND subject = %s AND status = 'pending'
"""
_DUE = """
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
    """Ask for an act that a second person has to approve; answers the request's id.

    The actor must be allowed to do it themselves. Raises `PermissionDenied`, `Invalid` for the
    reason, `ApprovalPending` if the same was asked for and waits, and whatever the act refuses.
    """
    action = registry.get_action(action_name)
    reason = rules.clean_reason(reason)
    maker = resolve(CurrentPermissions).lock_actor(session, actor.user_id, actor.session_id)
    require(maker, action.permission)
    action.check(session, maker, payload)
    change = action.compare(session, payload)
    _refuse_duplicate(session, action, subject)
    approval_id, now = ids.new(), clock.now()
    hashed = rules.digest(
        action=action.name,
        subject=subject,
        payload=payload,
        before=change.before,
        after=change.after,
    )
    texts = [json.dumps(dict(each)) for each in (payload, change.before, change.after)]
    session.send(
        _INSERT,
        (
            approval_id,
            action.name,
            subject,
            subject_id,
            *texts,
            hashed,
            reason,
            maker.user_id,
            ApprovalStatus.PENDING,
            now,
            now + rules.LIFETIME,
        ),
    )
    session.send(_EVENT, (ids.new(), approval_id, None, ApprovalStatus.PENDING, maker.user_id, now))
    session.flush()
    audit.record(
        session,
        actor=maker,
        action="approval.asked",
        subject=ids.encode("apr", approval_id),
        before={"about": subject, **change.before},
        after={"action": action.name, **change.after},
        reason=reason,
    )
    outbox.stage(session, "approvals.tell_checkers", {"approval_id": str(approval_id)})
    return approval_id


def approve(
    session: Session, actor: Actor, approval_id: UUID, *, seen_hash: bytes
) -> Refusal | None:
    """Approve the request whose hash the checker has `seen`, and do it; or end it and answer the
    refusal to raise afterwards.

    Raises `SelfApproval`, `PermissionDenied` for who may not do it themselves at this moment,
    `ApprovalDecided`, `ApprovalChanged`, and whatever the act itself refuses.
    """
    checker = resolve(CurrentPermissions).lock_actor(session, actor.user_id, actor.session_id)
    request, action = _lock_decidable(session, checker, approval_id)
    if request.expires_at <= clock.now():
        _end(session, request, ApprovalStatus.EXPIRED, actor=None)
        return ApprovalExpired()
    if not request.is_intact() or not compare_digest(request.hash, seen_hash):
        raise ApprovalChanged
    if not _is_still_valid(session, request, action):
        _end(session, request, ApprovalStatus.OUTDATED, actor=checker)
        return ApprovalOutdated()
    action.check(session, checker, request.payload)
    _end(session, request, ApprovalStatus.APPROVED, actor=checker)
    action.execute(
        session,
        ApprovedRequest(request.id, request.payload, request.reason, request.maker_id, checker),
    )
    return None


def reject(session: Session, actor: Actor, approval_id: UUID, *, reason: str) -> None:
    """Say no. Raises `SelfApproval`, `PermissionDenied` and `ApprovalDecided` as `approve` does,
    and `Invalid` for the reason."""
    reason = rules.clean_reason(reason)
    checker = resolve(CurrentPermissions).lock_actor(session, actor.user_id, actor.session_id)
    request, _action = _lock_decidable(session, checker, approval_id)
    _end(session, request, ApprovalStatus.REJECTED, actor=checker, reason=reason)


def withdraw(session: Session, actor: Actor, approval_id: UUID) -> None:
    """Its maker takes the request back. `NotFound` for one that is another's."""
    request = _lock_own(session, actor, approval_id)
    _end(session, request, ApprovalStatus.WITHDRAWN, actor=actor)


def replace_request(
    session: Session,
    actor: Actor,
    approval_id: UUID,
    *,
    payload: Mapping[str, str] | None = None,
    reason: str,
) -> UUID:
    """Its maker changes the request: it dies, and a new one, whose id is answered, stands in its
    place for somebody to look at. `NotFound` for one that is another's."""
    request = _lock_own(session, actor, approval_id)
    _end(session, request, ApprovalStatus.SUPERSEDED, actor=actor)
    return request_approval(
        session,
        actor,
        request.action,
        request.payload if payload is None else payload,
        subject=request.subject,
        subject_id=request.subject_id,
        reason=reason,
    )


def _refuse_duplicate(session: Session, action: ApprovalAction, subject: str) -> None:
    """Raises `ApprovalPending` if the same waits; one that has expired unnoticed ends now."""
    for (same_id,) in session.rows(_SAME, (action.name, subject)):
        same = queries.lock_approval(session, same_id)
        if same.expires_at > clock.now():
            raise ApprovalPending
        _end(session, same, ApprovalStatus.EXPIRED, actor=None)


@task("approvals.expire_old")
def expire_requests(session: Session) -> None:
    """End the requests that nobody decided in time."""
    for (approval_id,) in session.rows(_DUE, (clock.now(),)):
        _end(
            session, queries.lock_approval(session, approval_id), ApprovalStatus.EXPIRED, actor=None
        )


@task("approvals.tell_checkers")
def notify_checkers(session: Session, *, approval_id: str) -> None:
    """Mail everybody who may decide the request that it waits, once each: neither its maker nor
    the person it is about. What it is about stands on the page, not in the mail."""
    request = queries.lock_approval(session, UUID(approval_id))
    if TRANSITIONS.is_final(request.status):
        return
    action = registry.get_action(request.action)
    needed = frozenset({action.permission, Permission.APPROVALS_DECIDE})
    event = f"approval_waiting:{ids.encode('apr', request.id)}"
    values = {"what": action.title, "expires_at": clock.rfc3339(request.expires_at)}
    for user_id in resolve(CurrentPermissions).find_holders(session, needed):
        if user_id not in {request.maker_id, request.subject_id}:
            told = {"kind": "approval_waiting", "event_key": event, "values": values}
            outbox.stage(session, "messages.send_mail", {"user_id": str(user_id), **told})


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
    """The request, locked, with its act; for somebody who may decide it."""
    request = _lock_pending(session, approval_id)
    if checker.user_id in {request.maker_id, request.subject_id}:
        raise SelfApproval
    action = registry.get_action(request.action)
    require(checker, action.permission)
    return request, action


def _is_still_valid(session: Session, request: ApprovalRequest, action: ApprovalAction) -> bool:
    """Whether what it is about is as it was, and its maker may still ask for it."""
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
    decides = status in {ApprovalStatus.APPROVED, ApprovalStatus.REJECTED}
    checker_id = actor.user_id if actor and decides else None
    session.send(_END, (status, checker_id, reason, now, request.id))
    acted_by = actor.user_id if actor else None
    session.send(_EVENT, (ids.new(), request.id, request.status, status, acted_by, now))
    session.flush()
    audit.record(
        session,
        actor=actor,
        action=f"approval.{status}",
        subject=ids.encode("apr", request.id),
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
