"""Named reads of opening hours."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from app.branches.hours.models import BranchDay
from app.branches.hours.rules import Schedule
from app.branches.queries import BranchSummary
from app.kit.db import Session


@dataclass(frozen=True, slots=True)
class OtherDay:
    """A day on which a branch has other hours; empty if it is closed."""

    branch_id: UUID
    day: date
    hours: str
    note: str


_SELECT = sa.select(BranchDay.branch_id, BranchDay.day, BranchDay.hours, BranchDay.note)


def list_days(
    session: Session, branches: Sequence[BranchSummary], instant: datetime
) -> Mapping[UUID, Sequence[OtherDay]]:
    """Return the days that differ from their weekday and matter from an instant on, by branch, in
    order: yesterday is one on every clock, because its hours may end today."""
    since = instant.date() - timedelta(days=2)
    chosen = _SELECT.where(
        BranchDay.branch_id.in_([branch.id for branch in branches]), BranchDay.day >= since
    )
    days: dict[UUID, list[OtherDay]] = defaultdict(list)
    for day in session.select(OtherDay, chosen.order_by(BranchDay.day)):
        days[day.branch_id].append(day)
    return days


def list_coming(
    branch: BranchSummary, days: Sequence[OtherDay], instant: datetime
) -> list[OtherDay]:
    """Return the days from today on, on the clock of the branch."""
    today = instant.astimezone(ZoneInfo(branch.time_zone)).date()
    return [day for day in days if day.day >= today]


def schedule_of(branch: BranchSummary, days: Sequence[OtherDay]) -> Schedule:
    """Return when a branch is open."""
    return Schedule(branch.time_zone, branch.weekly_hours, {day.day: day.hours for day in days})
