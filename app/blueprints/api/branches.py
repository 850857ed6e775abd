"""Branches, for customers who visit one or pick up there."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app.blueprints.api.schemas import branches as schemas_branches
from app.blueprints.api_blueprint import ApiBlueprint
from app.branches import queries as branches_queries
from app.branches.hours import queries as hours_queries
from app.branches.hours import rules as hours_rules
from app.branches.hours.queries import OtherDay
from app.branches.hours.rules import WEEKDAYS
from app.branches.queries import BranchSummary
from app.kit import clock
from app.kit.db import Session

blp = ApiBlueprint("branches", "/api/branches", "Where customers are served")


@blp.operation(
    "GET",
    "",
    operation_id="branches",
    public=True,
    response_schema=schemas_branches.BranchesSchema,
)
def list_branches(session: Session) -> object:
    """List the branches: where each is, when it is open, whether one can pick up.

    Hours are on the clock of the branch; `opensAt` and `closesAt` are instants within 60 days.
    """
    branches, now = branches_queries.list_public_branches(session), clock.now()
    days = hours_queries.list_days(session, branches, now)
    return {"data": [_show(branch, days.get(branch.id, []), now) for branch in branches]}


def _show(branch: BranchSummary, days: Sequence[OtherDay], now: datetime) -> dict[str, Any]:
    state = hours_rules.state_at(hours_queries.schedule_of(branch, days), now)
    return {
        "id": branch.id,
        "name": branch.name,
        "address": branch.postal,
        "phone": branch.phone,
        "pickup": branch.offers_pickup,
        "time_zone": branch.time_zone,
        "hours": [
            {"weekday": weekday.lower(), **period}
            for weekday, text in zip(WEEKDAYS, branch.weekly_hours, strict=True)
            for period in _periods(text)
        ],
        "other_days": [
            {"date": day.day, "occasion": day.note, "hours": _periods(day.hours)}
            for day in hours_queries.list_coming(branch, days, now)
        ],
        "is_open": state.is_open,
        "closes_at": state.changes_at if state.is_open else None,
        "opens_at": None if state.is_open else state.changes_at,
    }


def _periods(text: str) -> list[dict[str, str]]:
    return [
        {
            "opens": hours_rules.write_minutes(period.opens),
            "closes": hours_rules.write_minutes(period.closes),
        }
        for period in hours_rules.parse_hours("hours", text)
    ]
