"""Opening hours: how they are written, and when a branch is open."""

from datetime import UTC, date, datetime, timedelta

import pytest

from app.access import Actor
from app.branches import queries as branches_queries
from app.branches.hours import queries as hours_queries
from app.branches.hours import rules
from app.branches.hours import service as hours
from app.branches.hours.rules import ALWAYS_CLOSED, HORIZON_DAYS, OpeningState, Schedule
from app.kit.db import Database
from app.kit.errors import Invalid, NotFound
from tests.people import People

NEW_YORK = "America/New_York"
OFFICE_HOURS = ("09:00-17:00",) * 5 + ("", "")
BAR_HOURS = ("20:00-02:00",) * 7


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def state(schedule: Schedule, text: str) -> tuple[bool, str | None]:
    """Return whether it is open, and when that changes, as text of UTC."""
    found = rules.state_at(schedule, instant(text))
    return found.is_open, found.changes_at and found.changes_at.strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("", ""),
        ("09:00-17:00", "09:00-17:00"),
        ("09:00 \N{EN DASH} 12:30,14:00-18:00", "09:00-12:30, 14:00-18:00"),
        ("00:00-24:00", "00:00-24:00"),
        ("20:00-02:00", "20:00-02:00"),
        ("20:00-00:00", "20:00-24:00"),
    ],
)
def test_hours_are_stored_in_one_form(typed: str, stored: str) -> None:
    assert rules.clean_hours("monday", typed) == stored
    assert rules.clean_hours("monday", stored) == stored


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("9-17", "Enter hours like"),
        ("09:00-09:00", "Enter hours like"),
        ("09:60-17:00", "Enter hours like"),
        ("09:00-24:01", "Enter hours like"),
        ("24:00-02:00", "Enter hours like"),
        ("01:00-02:00, 03:00-04:00, 05:00-06:00, 07:00-08:00, 09:00-10:00", "Enter hours like"),
        ("14:00-18:00, 09:00-12:00", "without overlap"),
        ("20:00-02:00, 21:00-22:00", "without overlap"),
    ],
)
def test_hours_in_another_form_are_refused(text: str, advice: str) -> None:
    with pytest.raises(Invalid, match=advice) as refusal:
        rules.parse_hours("monday", text)
    assert refusal.value.field == "monday"


def test_branch_is_open_from_opening_until_closing() -> None:
    schedule = Schedule(NEW_YORK, OFFICE_HOURS)
    # A Monday in winter: 09:00 is 14:00 UTC.
    assert state(schedule, "2026-11-30 13:59:59") == (False, "2026-11-30 14:00")
    assert state(schedule, "2026-11-30 14:00") == (True, "2026-11-30 22:00")
    assert state(schedule, "2026-11-30 21:59:59") == (True, "2026-11-30 22:00")
    assert state(schedule, "2026-11-30 22:00") == (False, "2026-12-01 14:00")
    # After Friday the next day is Monday.
    assert state(schedule, "2026-12-04 22:00") == (False, "2026-12-07 14:00")


def test_hours_across_midnight_belong_to_the_day_on_which_they_begin() -> None:
    # Sunday is closed, but Saturday's last hours are on it.
    schedule = Schedule(NEW_YORK, (*BAR_HOURS[:6], ""))
    assert state(schedule, "2026-12-06 06:59") == (True, "2026-12-06 07:00")
    assert state(schedule, "2026-12-06 07:00") == (False, "2026-12-08 01:00")


def test_periods_that_touch_at_midnight_are_one() -> None:
    schedule = Schedule("UTC", ("20:00-24:00", "00:00-02:00", *[""] * 5))
    assert state(schedule, "2026-11-30 21:00") == (True, "2026-12-01 02:00")
    assert rules.state_at(Schedule("UTC", ("00:00-24:00",) * 7), instant("2026-11-30")) == (
        OpeningState(is_open=True, changes_at=None)
    )


@pytest.mark.parametrize(
    ("hours_of_sunday", "at", "expected"),
    [
        # Clocks go from 02:00 to 03:00 on 8 March: the day has 23 hours.
        ("00:00-24:00", "2026-03-08 05:00", (True, "2026-03-09 04:00")),
        # 02:30 is skipped, and is 03:30.
        ("02:30-04:00", "2026-03-08 07:29", (False, "2026-03-08 07:30")),
        ("01:00-02:30", "2026-03-08 07:29", (True, "2026-03-08 07:30")),
        # 02:30 to 03:15 would end before it begins.
        ("02:30-03:15", "2026-03-08 05:00", (False, "2026-03-15 06:30")),
        # 01:30 comes twice on 1 November: the first counts.
        ("01:30-03:00", "2026-11-01 05:29", (False, "2026-11-01 05:30")),
        ("00:00-01:30", "2026-11-01 05:00", (True, "2026-11-01 05:30")),
        ("01:00-03:00", "2026-11-01 07:00", (True, "2026-11-01 08:00")),
    ],
)
def test_hours_follow_the_clock_when_it_changes(
    hours_of_sunday: str, at: str, expected: tuple[bool, str]
) -> None:
    assert state(Schedule(NEW_YORK, (*[""] * 6, hours_of_sunday)), at) == expected


def test_day_that_differs_replaces_its_weekday() -> None:
    schedule = Schedule(
        NEW_YORK,
        OFFICE_HOURS,
        {
            date(2026, 12, 24): "09:00-12:00",
            date(2026, 12, 25): "",
            date(2026, 12, 26): "10:00-11:00",
        },
    )
    assert state(schedule, "2026-12-24 16:59") == (True, "2026-12-24 17:00")
    assert state(schedule, "2026-12-24 17:00") == (False, "2026-12-26 15:00")
    # The night before a holiday is not cut off.
    bar = Schedule(NEW_YORK, BAR_HOURS, {date(2026, 12, 25): ""})
    assert state(bar, "2026-12-25 06:00") == (True, "2026-12-25 07:00")


def test_opening_is_looked_for_within_a_horizon() -> None:
    today = date(2026, 11, 30)
    for days, expected in ((HORIZON_DAYS - 1, "2027-01-28 00:00"), (HORIZON_DAYS, None)):
        other_day = {today + timedelta(days=days): "00:00-01:00"}
        schedule = Schedule("UTC", ALWAYS_CLOSED, other_day)
        assert state(schedule, "2026-11-30 00:00") == (False, expected)


def test_time_zone_is_one_of_the_database() -> None:
    assert rules.clean_time_zone("Africa/Nairobi") == "Africa/Nairobi"
    for text in ("EST5", "Mars/Olympus", "../etc/passwd", ""):
        with pytest.raises(Invalid, match="time zone"):
            rules.clean_time_zone(text)


def test_hours_of_a_branch_are_kept(database: Database, people: People, admin: Actor) -> None:
    branch_id, day = people.branch(), date(2026, 12, 25)
    with database.transaction() as session:
        hours.set_week(session, admin, branch_id, OFFICE_HOURS)
        hours.set_day(session, admin, branch_id, day, hours="09:00-12:00", note="Christmas")
        hours.set_day(session, admin, branch_id, day, hours="", note="Christmas Day")
    with database.reading() as session:
        branch = branches_queries.get_branch(session, admin, branch_id)
        # Still 26 December in New York, and yesterday's hours may end today.
        late = instant("2026-12-27 04:59")
        [other] = hours_queries.list_days(session, [branch], late)[branch_id]
        later = hours_queries.list_days(session, [branch], late + timedelta(days=1))
    assert (other.hours, other.note) == ("", "Christmas Day")
    assert later == {}
    assert hours_queries.list_coming(branch, [other], instant("2026-12-26 04:59")) == [other]
    assert hours_queries.list_coming(branch, [other], instant("2026-12-26 05:00")) == []
    schedule = hours_queries.schedule_of(branch, [other])
    assert schedule == Schedule(NEW_YORK, list(OFFICE_HOURS), {day: ""})
    with database.transaction() as session:
        hours.remove_day(session, admin, branch_id, day)
    with database.transaction() as session, pytest.raises(NotFound):
        hours.remove_day(session, admin, branch_id, day)


def test_refusal_names_the_weekday(database: Database, people: People, admin: Actor) -> None:
    branch_id = people.branch()
    week = (*OFFICE_HOURS[:6], "noon")
    with database.transaction() as session, pytest.raises(Invalid) as refusal:
        hours.set_week(session, admin, branch_id, week)
    assert refusal.value.field == "sunday"
