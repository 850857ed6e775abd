"""Named reads of approvals, as typed rows."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from hmac import compare_digest
from uuid import UUID

from app.access import Actor, Permission
from app.approvals import registry, rules
from app.approvals.rules import ApprovalStatus
from app.kit import clock, pagination
from app.kit.db import Session
from app.kit.errors import NotFound
from app.kit.pagination import Page
from app.kit.pipeline import Row

_SELECT = """
SELECT id, action, subject, subject_id, payload, before, after, hash, reason, maker_id, status,
    checker_id, decision_reason, created_at, expires_at, decided_at
FROM approvals WHERE
"""
# What has expired without anybody noticing yet does not wait any more.
_IN_FOLDER = """
(status = 'pending' AND expires_at > %(now)s) = %(waiting)s
AND (%(before)s::uuid IS NULL OR id < %(before)s) ORDER BY id DESC LIMIT %(limit)s
"""
_ABOUT = "subject_id = %s AND status = 'pending' AND expires_at > %s ORDER BY id DESC"
_COUNT = """
SELECT action, count(*) FROM approvals
WHERE status = 'pending' AND expires_at > %(now)s
    AND maker_id <> %(actor)s AND subject_id IS DISTINCT FROM %(actor)s
GROUP BY action
"""


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """A request, and what became of it."""

    id: UUID
    action: str
    subject: str
    subject_id: UUID | None
    payload: Mapping[str, str]
    before: Mapping[str, str]
    after: Mapping[str, str]
    hash: bytes
    reason: str
    maker_id: UUID
    status: ApprovalStatus
    checker_id: UUID | None
    decision_reason: str | None
    created_at: datetime
    expires_at: datetime
    decided_at: datetime | None

    def is_intact(self) -> bool:
        """Whether it is still what its hash was made of."""
        digest = rules.digest(
            action=self.action,
            subject=self.subject,
            payload=self.payload,
            before=self.before,
            after=self.after,
        )
        return compare_digest(self.hash, digest)

    @property
    def title(self) -> str:
        """What would be done, in words."""
        return registry.get_action(self.action).title

    @property
    def changes(self) -> list[tuple[str, str, str]]:
        """What changes: name, before, after; those that stay the same too."""
        names = [*self.before, *(name for name in self.after if name not in self.before)]
        return [(name, self.before.get(name, ""), self.after.get(name, "")) for name in names]

    @property
    def people(self) -> set[UUID]:
        """Everybody it names."""
        named = {self.maker_id, self.checker_id, self.subject_id}
        return {each for each in named if each is not None}


def list_approvals(
    session: Session, *, pending: bool, cursor: UUID | None = None, limit: int = 50
) -> Page[ApprovalRequest]:
    """Those that wait for a decision, or those that have ended; newest first."""
    values = {"waiting": pending, "before": cursor, "limit": limit + 1, "now": clock.now()}
    found = [_to_request(row) for row in session.rows(_SELECT + _IN_FOLDER, values)]
    return pagination.paginate(found, limit, lambda each: each.id)


def get_approval(session: Session, approval_id: UUID) -> ApprovalRequest:
    """The request of that id. Raises `NotFound`."""
    row = session.row(_SELECT + "id = %s", (approval_id,))
    if row is None:
        raise NotFound
    return _to_request(row)


def lock_approval(session: Session, approval_id: UUID) -> ApprovalRequest:
    """The same as its row has it, expired or not, locked until the transaction ends."""
    row = session.row(_SELECT + "id = %s FOR UPDATE", (approval_id,))
    if row is None:
        raise NotFound
    return _to_stored_request(row)


def list_pending_about(session: Session, person_id: UUID) -> list[ApprovalRequest]:
    """What waits for a decision and is about this person."""
    return [_to_request(row) for row in session.rows(_SELECT + _ABOUT, (person_id, clock.now()))]


def count_decidable(session: Session, actor: Actor) -> int:
    """How many this person may decide now."""
    if Permission.APPROVALS_DECIDE not in actor.permissions:
        return 0
    rows = session.rows(_COUNT, {"now": clock.now(), "actor": actor.user_id})
    return sum(
        count for name, count in rows if registry.get_action(name).permission in actor.permissions
    )


def _to_request(row: Row) -> ApprovalRequest:
    found = _to_stored_request(row)
    expired = found.status is ApprovalStatus.PENDING and found.expires_at <= clock.now()
    return replace(found, status=ApprovalStatus.EXPIRED) if expired else found


def _to_stored_request(row: Row) -> ApprovalRequest:
    found = ApprovalRequest(*row)
    return replace(found, hash=bytes(found.hash), status=ApprovalStatus(found.status))
