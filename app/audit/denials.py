"""Denied acts in the trail: of one person's denials on one route in one hour the first is recorded
at once, and all that repeat it are folded into one record when the hour is over."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import InstrumentedAttribute

from app.access import Actor, Role
from app.audit import service
from app.audit.actions import AuditAction
from app.audit.models import DenialCount
from app.audit.rules import AuditOutcome
from app.kit import clock
from app.kit.db import Session
from app.kit.statements import compile_statement

#: How many of the objects that the denials of an hour were about their record names.
SUBJECTS_MAX = 20
#: How many counts one transaction turns into records. The next run continues.
BATCH = 1_000


@dataclass(frozen=True, slots=True)
class _EndedCount:
    actor_id: UUID
    actor_role: Role
    route: str
    hour: datetime
    denials: int
    refusals: Sequence[str]
    subjects: Sequence[str]


def record_denial(
    session: Session,
    actor: Actor,
    *,
    route: str,
    refusal: str,
    subjects: Sequence[str],
    reason: str,
) -> None:
    """Count a denial; record it if it is the actor's first one on the route in this hour.

    `route` is the method and the pattern of the path, `refusal` the code, and `subjects` the public
    ids that the request named, the most important one first.
    """
    if _count(session, actor, route, refusal, subjects) > 1:
        return
    after: dict[str, object] = {"route": route, "refusal": refusal}
    if len(subjects) > 1:
        after["named"] = list(subjects)
    service.record(
        session,
        actor=actor,
        action=AuditAction.REQUEST_REFUSED,
        subject=next(iter(subjects), route),
        after=after,
        reason=reason,
        outcome=AuditOutcome.DENIED,
    )


def record_repeated_denials(session: Session) -> None:
    """Record the denials that were repeated in each hour that is over, with their number, and
    forget the counts."""
    ended = sa.select(DenialCount.actor_id, DenialCount.route, DenialCount.hour).where(
        DenialCount.hour < _current_hour()
    )
    key = sa.tuple_(DenialCount.actor_id, DenialCount.route, DenialCount.hour)
    deleted = (
        sa.delete(DenialCount)
        .where(key.in_(ended.limit(BATCH).with_for_update(skip_locked=True)))
        .returning(
            DenialCount.actor_id,
            DenialCount.actor_role,
            DenialCount.route,
            DenialCount.hour,
            DenialCount.denials,
            DenialCount.refusals,
            DenialCount.subjects,
        )
    )
    for count in session.select(_EndedCount, deleted):
        if count.denials > 1:
            _record_repeated(session, count)


def _record_repeated(session: Session, count: _EndedCount) -> None:
    after: dict[str, object] = {
        "route": count.route,
        "hour": clock.rfc3339(count.hour),
        "denials_in_this_hour": count.denials,
        "refusals": list(count.refusals),
    }
    if count.subjects:
        # One request may name several, some of them again.
        after["named"] = list(dict.fromkeys(count.subjects))[:SUBJECTS_MAX]
    service.record(
        session,
        actor=Actor(count.actor_id, None, "", count.actor_role, frozenset()),
        action=AuditAction.REQUEST_REFUSED,
        subject=count.route,
        after=after,
        outcome=AuditOutcome.DENIED,
    )


def _count(
    session: Session, actor: Actor, route: str, refusal: str, subjects: Sequence[str]
) -> int:
    """Return which denial on this route the present one is in this hour, counted from one."""
    adding = insert(DenialCount).values(
        actor_id=actor.user_id,
        route=route,
        hour=_current_hour(),
        actor_role=actor.role,
        denials=1,
        refusals=[refusal],
        subjects=list(subjects),
    )
    are_many = sa.func.cardinality(DenialCount.subjects) >= SUBJECTS_MAX
    counting = adding.on_conflict_do_update(
        index_elements=["actor_id", "route", "hour"],
        set_={
            "denials": DenialCount.denials + 1,
            "refusals": _with_new(DenialCount.refusals, adding.excluded.refusals),
            "subjects": sa.case(
                (are_many, DenialCount.subjects),
                else_=_with_new(DenialCount.subjects, adding.excluded.subjects),
            ),
        },
    )
    return int(session.value(*compile_statement(counting.returning(DenialCount.denials))))


def _with_new(
    kept: InstrumentedAttribute[list[str]], new: sa.ColumnElement[list[str]]
) -> sa.ColumnElement[list[str]]:
    """Return the texts that were kept, with new ones after them."""
    return sa.case((kept.contains(new), kept), else_=kept + new)


def _current_hour() -> datetime:
    return clock.now().replace(minute=0, second=0, microsecond=0)
