"""Named reads of approvals, as typed rows."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hmac import compare_digest
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, Permission
from app.approvals import registry, rules
from app.approvals.models import Approval
from app.approvals.ports import CurrentPermissions, Dependence, Independence
from app.approvals.registry import ApprovalAction
from app.approvals.rules import ApprovalStatus
from app.kit import clock, ids
from app.kit.counts import Count
from app.kit.db import Session
from app.kit.list_query import ListSource
from app.kit.pipeline import Row
from app.kit.ports import resolve
from app.kit.statements import AnySelect, StoredEnum

_COUNT = """
SELECT action, maker_id, count(*) FROM approvals
WHERE status = 'pending' AND expires_at > %(now)s
    AND maker_id <> %(actor)s AND subject_id IS DISTINCT FROM %(actor)s
GROUP BY action, maker_id
"""


@dataclass(frozen=True, slots=True)
class RequestField:
    """A field of a request. `before` is None for a fact that the request adds, `after` for one that
    it removes."""

    name: str
    before: str | None
    after: str | None

    @property
    def label(self) -> str:
        """The name as a page shows it. The name of some is a code itself, such as a SKU."""
        if self.name.upper() in {self.name, "SKU"}:
            return self.name.upper()
        return self.name.replace("_", " ").capitalize()

    @property
    def is_changed(self) -> bool:
        """Whether the request changes what was there."""
        return self.before is not None and self.before != self.after


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """A request and its outcome."""

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

    @property
    def public_id(self) -> str:
        """The id as staff see it."""
        return ids.encode("apr", self.id)

    def is_intact(self) -> bool:
        """Return whether the request still matches its hash."""
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
        """The title of the action."""
        return registry.get_action(self.action).title

    @property
    def fields(self) -> list[RequestField]:
        """The fields of the request, changed or not, as pages show them."""
        formats = registry.get_action(self.action).formats

        def write(name: str, texts: Mapping[str, str]) -> str | None:
            text = texts.get(name)
            return formats[name](text) if text is not None and name in formats else text

        names = dict.fromkeys([*self.before, *self.after])
        return [
            RequestField(name, write(name, self.before), write(name, self.after)) for name in names
        ]

    @property
    def people(self) -> set[UUID]:
        """The ids of maker, checker and subject, where they are people."""
        person_ids = {self.maker_id, self.checker_id, self.subject_id}
        return {person_id for person_id in person_ids if person_id is not None}


def approval_requests() -> ListSource[ApprovalRequest]:
    """Return all requests. One that is past its expiry has expired before the job marks it."""
    now = clock.now()
    is_waiting = _is_waiting(now)
    has_expired = sa.and_(Approval.status == ApprovalStatus.PENDING, Approval.expires_at <= now)
    status = sa.case((has_expired, ApprovalStatus.EXPIRED.value), else_=Approval.status)
    return ListSource(
        ApprovalRequest,
        _select(sa.type_coerce(status, StoredEnum(ApprovalStatus)).label("status")),
        key=Approval.id,
        sorts={"requested": Approval.id},
        filters={
            "folder": lambda waiting: is_waiting if waiting else sa.not_(is_waiting),
            "action": lambda name: Approval.action == name,
        },
    )


def _is_waiting(now: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(Approval.status == ApprovalStatus.PENDING, Approval.expires_at > now)


def _select(status: sa.SQLColumnExpression[ApprovalStatus]) -> AnySelect:
    return sa.select(
        Approval.id,
        Approval.action,
        Approval.subject,
        Approval.subject_id,
        Approval.payload,
        Approval.before,
        Approval.after,
        Approval.hash,
        Approval.reason,
        Approval.maker_id,
        status,
        Approval.checker_id,
        Approval.decision_reason,
        Approval.created_at,
        Approval.expires_at,
        Approval.decided_at,
    )


def get_approval(session: Session, approval_id: UUID) -> ApprovalRequest:
    """Return the request. Raises `NotFound`."""
    requested = approval_requests().select.where(Approval.id == approval_id)
    return session.get(ApprovalRequest, requested)


def lock_approval(session: Session, approval_id: UUID) -> ApprovalRequest:
    """Return the request with its stored status, its row locked. Raises `NotFound`."""
    stored = _select(Approval.status).where(Approval.id == approval_id)
    return session.get(ApprovalRequest, stored.with_for_update())


def list_pending_about(session: Session, person_id: UUID) -> list[ApprovalRequest]:
    """Return the pending requests about this person, newest first."""
    pending = _select(Approval.status).where(
        _is_waiting(clock.now()), Approval.subject_id == person_id
    )
    return session.select(ApprovalRequest, pending.order_by(Approval.id.desc()))


def list_requests_about(session: Session, subject: str) -> list[ApprovalRequest]:
    """Return the requests about the thing with this public id, also those that ended, oldest
    first."""
    requests = approval_requests().select.where(Approval.subject == subject)
    return session.select(ApprovalRequest, requests.order_by(Approval.id))


def has_pending(session: Session, subject: str) -> bool:
    """Return whether a request about the thing with this public id is waiting."""
    waiting = _select(Approval.status).where(_is_waiting(clock.now()), Approval.subject == subject)
    return bool(session.select(ApprovalRequest, waiting))


def find_dependence(
    session: Session, action: ApprovalAction, maker_id: UUID, checker_id: UUID
) -> Dependence | None:
    """Return why this person may not decide a request of the maker; None if they are
    independent of each other."""
    permissions = registry.deciding_permissions(action)
    dependences = resolve(Independence).find_dependences(
        session, maker_id, [checker_id], permissions
    )
    return dependences.get(checker_id)


def list_deciders(
    session: Session, action_name: str, maker_id: UUID, subject_id: UUID | None = None
) -> list[UUID]:
    """Return the ids of the people who may decide a request of the maker now: they hold the
    permissions, and are neither its maker nor its subject nor dependent on the maker."""
    permissions = registry.deciding_permissions(registry.get_action(action_name))
    holders = resolve(CurrentPermissions).find_holders(session, permissions)
    others = [holder for holder in holders if holder not in {maker_id, subject_id}]
    dependent = resolve(Independence).find_dependences(session, maker_id, others, permissions)
    return [holder for holder in others if holder not in dependent]


def decidable_count(actor: Actor) -> Count | None:
    """Return the count of pending requests that the actor may decide: they have the permissions,
    and are neither maker nor subject nor dependent on the maker. None without the permission to
    decide any."""
    if Permission.APPROVALS_DECIDE not in actor.permissions:
        return None

    def read(session: Session, rows: list[Row]) -> int:
        counts: Counter[tuple[UUID, frozenset[Permission]]] = Counter()
        for name, maker_id, count in rows:
            permissions = registry.deciding_permissions(registry.get_action(name))
            if permissions <= actor.permissions:
                counts[maker_id, permissions] += count
        if not counts:
            return 0
        dependent = resolve(Independence).find_dependent(session, actor.user_id, counts)
        return sum(count for request, count in counts.items() if request not in dependent)

    return Count((_COUNT, {"now": clock.now(), "actor": actor.user_id}), read)
