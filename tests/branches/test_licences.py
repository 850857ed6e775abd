"""Licences: adding, renewing and ending one, and the warning before one expires."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine

from app.access import Actor
from app.branches.entities.rules import FIRST_ENTITY
from app.branches.licences import queries as licences_queries
from app.branches.licences import rules
from app.branches.licences import service as licences
from app.branches.licences.errors import LicenceEnded, LicenceKnown
from app.branches.licences.rules import WARNING_DAYS, LicenceStatus
from app.branches.licences.service import CASE_KIND, NewLicence
from app.cases.models import Case
from app.kit import ids
from app.kit.db import Database
from app.kit.errors import Invalid
from tests.people import People
from tests.rows import count_rows

REASON = "because of a test"
TODAY = date(2031, 6, 1)


def new_licence(expires_on: date | None = None) -> NewLicence:
    return NewLicence("Money transmitter", ids.new().hex, "State of tests", expires_on)


def count_cases(database: Database, key: str) -> int:
    with database.reading() as session:
        return int(count_rows(session, Case, Case.kind == CASE_KIND, Case.key.startswith(key)))


def warn(database: Database, day: date) -> None:
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    with time_machine.travel(noon, tick=False), database.transaction() as session:
        licences.warn_of_expiry(session)


def test_case_is_opened_thirty_days_before_expiry_and_once(
    database: Database, admin: Actor
) -> None:
    expires_on = TODAY + timedelta(days=WARNING_DAYS)
    with database.transaction() as session:
        licence_id = licences.add_entity_licence(
            session, admin, FIRST_ENTITY, new_licence(expires_on)
        )
    public_id = ids.encode("lic", licence_id)
    warn(database, TODAY - timedelta(days=1))
    assert count_cases(database, public_id) == 0
    warn(database, TODAY)
    warn(database, expires_on + timedelta(days=1))
    assert count_cases(database, public_id) == 1
    with database.transaction() as session:
        licences.renew_licence(session, admin, licence_id, expires_on + timedelta(days=365))
    warn(database, expires_on)
    assert count_cases(database, public_id) == 1
    warn(database, expires_on + timedelta(days=365))
    assert count_cases(database, public_id) == 2


def test_licence_that_ended_or_never_expires_opens_no_case(
    database: Database, people: People, admin: Actor
) -> None:
    branch_id = people.branch()
    with database.transaction() as session:
        ended = licences.add_branch_licence(session, admin, branch_id, new_licence(TODAY))
        endless = licences.add_branch_licence(session, admin, branch_id, new_licence())
        licences.end_licence(session, admin, ended, reason=REASON)
    warn(database, TODAY)
    for licence_id in (ended, endless):
        assert count_cases(database, ids.encode("lic", licence_id)) == 0
    with database.reading() as session:
        [listed] = licences_queries.list_of_branch(session, branch_id)
    assert (listed.id, listed.entity_id, listed.status) == (
        endless, FIRST_ENTITY, LicenceStatus.VALID,
    )  # fmt: skip
    for act in (
        lambda session: licences.renew_licence(session, admin, ended, TODAY + timedelta(days=1)),
        lambda session: licences.end_licence(session, admin, ended, reason=REASON),
    ):
        with database.transaction() as session, pytest.raises(LicenceEnded):
            act(session)


@pytest.mark.parametrize(
    ("days", "status"),
    [
        (WARNING_DAYS + 1, LicenceStatus.VALID),
        (WARNING_DAYS, LicenceStatus.EXPIRING),
        (0, LicenceStatus.EXPIRING),
        (-1, LicenceStatus.EXPIRED),
    ],
)
def test_status_changes_thirty_days_before_expiry_and_after_the_last_day(
    days: int, status: LicenceStatus
) -> None:
    expires_on = TODAY + timedelta(days=days)
    assert rules.status_of(expires_on, is_ended=False, today=TODAY) is status


def test_number_of_an_authority_is_added_once(database: Database, admin: Actor) -> None:
    licence = new_licence()
    with database.transaction() as session:
        licences.add_entity_licence(session, admin, FIRST_ENTITY, licence)
        other = replace(licence, authority="Another authority")
        licences.add_entity_licence(session, admin, FIRST_ENTITY, other)
    with pytest.raises(LicenceKnown), database.transaction() as session:
        licences.add_entity_licence(session, admin, FIRST_ENTITY, licence)


def test_last_day_is_not_past_and_moves_on(database: Database, admin: Actor) -> None:
    past = new_licence(TODAY - timedelta(days=1))
    with time_machine.travel(datetime(2031, 6, 1, 23, tzinfo=UTC), tick=False):
        with database.transaction() as session, pytest.raises(Invalid, match="not past"):
            licences.add_entity_licence(session, admin, FIRST_ENTITY, past)
        with database.transaction() as session:
            add = licences.add_entity_licence
            licence_id = add(session, admin, FIRST_ENTITY, new_licence(TODAY))
            endless = add(session, admin, FIRST_ENTITY, new_licence())
        for unchanged in (licence_id, endless):
            with database.transaction() as session, pytest.raises(Invalid) as refusal:
                licences.renew_licence(session, admin, unchanged, TODAY)
            assert refusal.value.field == "expires_on"
