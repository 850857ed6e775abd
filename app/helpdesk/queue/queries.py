"""Reads of the queue: one list of the work of all rooms."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor
from app.cases import queue_sources
from app.cases.queue_sources import QueueSource
from app.helpdesk.queue.models import QueueClaim
from app.helpdesk.queue.rules import (
    PREFIX,
    QueueState,
    QueueTargets,
    QueueView,
    TargetState,
)
from app.keys import service as keys
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import NotFound
from app.kit.ids import PublicId
from app.kit.list_query import ListSource, fetch_by_ids
from app.settings.queries import current

TABLE, COLUMN = "queue_claims", "escalation_sealed"


@dataclass(frozen=True, slots=True)
class QueueItem:
    """Work that waits. `target` is how long it may."""

    subject_id: UUID
    source_name: str
    user_id: UUID | None
    since: datetime
    assignee_id: UUID | None
    snoozed_until: datetime | None
    escalated_at: datetime | None
    escalated_by: UUID | None
    escalation_sealed: bytes | None
    now: datetime
    target: timedelta

    @property
    def public_id(self) -> PublicId:
        """The id of the work in the queue."""
        return ids.encode(PREFIX, self.subject_id)

    @property
    def source(self) -> QueueSource:
        """The room's declaration."""
        return queue_sources.source_named(self.source_name)

    @property
    def subject(self) -> PublicId:
        """The id of what is to be decided."""
        return ids.encode(self.source.prefix, self.subject_id)

    @property
    def age(self) -> timedelta:
        """How long it waits."""
        return max(self.now - self.since, timedelta(0))

    @property
    def target_state(self) -> TargetState:
        """Whether it waits too long."""
        return TargetState.LATE if self.age > self.target else TargetState.WITHIN

    @property
    def state(self) -> QueueState:
        """How far it is."""
        if self.escalated_at is not None:
            return QueueState.ESCALATED
        if self.snoozed_until is not None and self.snoozed_until > self.now:
            return QueueState.SNOOZED
        return QueueState.WAITING if self.assignee_id is None else QueueState.CLAIMED

    @property
    def escalation(self) -> str:
        """Why it was escalated; empty if it was not."""
        if self.escalation_sealed is None:
            return ""
        opened = keys.open_sealed(
            self.escalation_sealed, table=TABLE, column=COLUMN, key=self.subject_id
        )
        return opened.decode()


def sources_for(actor: Actor) -> list[QueueSource]:
    """Return the sources whose work the actor may do."""
    return [each for each in queue_sources.list_sources() if each.permission in actor.permissions]


def queue_of(session: Session, actor: Actor) -> ListSource[QueueItem]:
    """Return the work that the actor may do and that staff have not ended."""
    now, targets = clock.now(), current(session, QueueTargets)
    parts = [
        source.select(actor).add_columns(sa.literal(source.name).label("source_name"))
        for source in sources_for(actor)
    ]
    nothing = sa.select(
        sa.cast(None, sa.Uuid).label("subject_id"),
        sa.cast(None, sa.Uuid).label("user_id"),
        sa.cast(None, sa.DateTime(timezone=True)).label("since"),
        sa.cast(None, sa.Text).label("source_name"),
    ).where(sa.false())
    work = sa.union_all(*(parts or [nothing])).subquery("work")
    claim = QueueClaim

    def make(source_name: str, **columns: Any) -> QueueItem:
        return QueueItem(
            source_name=source_name,
            now=now,
            target=targets.of(source_name),
            **columns,
        )

    is_snoozed = sa.and_(claim.snoozed_until.is_not(None), claim.snoozed_until > now)
    views = {
        QueueView.OPEN: sa.not_(sa.func.coalesce(is_snoozed, False)),
        QueueView.MINE: claim.assignee_id == actor.user_id,
        QueueView.UNCLAIMED: claim.assignee_id.is_(None),
        QueueView.ESCALATED: claim.escalated_at.is_not(None),
        QueueView.SNOOZED: is_snoozed,
    }
    return ListSource(
        make,
        sa.select(
            work.c.subject_id,
            work.c.source_name,
            work.c.user_id,
            work.c.since,
            claim.assignee_id,
            claim.snoozed_until,
            claim.escalated_at,
            claim.escalated_by,
            claim.escalation_sealed,
        )
        .join_from(work, claim, claim.subject_id == work.c.subject_id, isouter=True)
        .where(claim.done_at.is_(None)),
        key=work.c.subject_id,
        sorts={"since": work.c.since},
        filters={
            "source": lambda name: work.c.source_name == name,
            "view": lambda view: views[view],
            "customer": lambda user_id: work.c.user_id == user_id,
        },
    )


def get_item(session: Session, actor: Actor, subject_id: UUID) -> QueueItem:
    """Return work in the queue. Raises `NotFound`, also once it has left the queue."""
    items = fetch_by_ids(session, queue_of(session, actor), [subject_id], "since")
    if not items:
        raise NotFound
    return items[0]
