"""The verbs of opening hours: set those of a week, and of a day that differs."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from app.access import Actor, Permission, require
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.branches import queries as branches_queries
from app.branches.hours import rules
from app.branches.hours.models import BranchDay
from app.branches.hours.rules import WEEKDAYS
from app.branches.models import Branch
from app.kit import names
from app.kit.db import Session
from app.kit.errors import NotFound


def set_week(session: Session, actor: Actor | None, branch_id: UUID, week: Sequence[str]) -> None:
    """Set the hours of each weekday from Monday on; an empty text is closed. `actor` is None on the
    command line.

    Raises `PermissionDenied`, `NotFound`, and `Invalid` naming the weekday.
    """
    if actor is not None:
        require(actor, Permission.BRANCHES_EDIT)
    branch = branches_queries.lock_branch(session, branch_id)
    hours = {
        weekday: rules.clean_hours(weekday.lower(), text)
        for weekday, text in zip(WEEKDAYS, week, strict=True)
    }
    stored = sa.update(Branch).where(Branch.id == branch_id)
    session.write(stored.values(weekly_hours=list(hours.values())))
    audit.record(
        session,
        actor=actor,
        action=AuditAction.BRANCH_CHANGED,
        subject=branch.public_id,
        before=dict(zip(WEEKDAYS, branch.weekly_hours, strict=True)),
        after=hours,
    )


def set_day(
    session: Session, actor: Actor | None, branch_id: UUID, day: date, *, hours: str, note: str
) -> None:
    """Set the hours of a day that differs from its weekday; an empty text is closed. `actor` is
    None on the command line.

    Raises `PermissionDenied`, `NotFound`, and `Invalid` naming the field.
    """
    if actor is not None:
        require(actor, Permission.BRANCHES_EDIT)
    branch = branches_queries.lock_branch(session, branch_id)
    values = {"hours": rules.clean_hours("hours", hours), "note": names.clean_name("note", note)}
    added = insert(BranchDay).values(branch_id=branch_id, day=day, **values)
    session.write(added.on_conflict_do_update(constraint="branch_days_pkey", set_=values))
    audit.record(
        session,
        actor=actor,
        action=AuditAction.BRANCH_CHANGED,
        subject=branch.public_id,
        after={"day": day.isoformat(), **values},
    )


def remove_day(session: Session, actor: Actor | None, branch_id: UUID, day: date) -> None:
    """Let a day have the hours of its weekday again. `actor` is None on the command line.

    Raises `PermissionDenied`, and `NotFound` for a day that does not differ.
    """
    if actor is not None:
        require(actor, Permission.BRANCHES_EDIT)
    branch = branches_queries.lock_branch(session, branch_id)
    removed = sa.delete(BranchDay).where(BranchDay.branch_id == branch_id, BranchDay.day == day)
    if session.find(dict, removed.returning(BranchDay.hours)) is None:
        raise NotFound
    audit.record(
        session,
        actor=actor,
        action=AuditAction.BRANCH_CHANGED,
        subject=branch.public_id,
        before={"day": day.isoformat()},
    )
