"""Narrowing a feature at once, and widening it with a second person. Each test begins with a cohort
of its own: the table is append-only."""

from uuid import UUID

import pytest

from app.access import Actor, Role
from app.approvals.errors import ApprovalOutdated, SelfApproval
from app.flags import queries, service
from app.flags.errors import FlagUnchanged
from app.flags.rules import Cohort, Feature, FeatureState
from app.kit import ids
from app.kit.db import Database
from app.kit.errors import FeatureDisabled, Invalid, PermissionDenied
from tests.flags.cohorts import ceiling, store_cohort
from tests.people import People
from tests.second_person import approve
from tests.unchanged_database import database_unchanged

REASON = "decided by the board"
FEATURE = Feature.ONCHAIN


def change(database: Database, actor: Actor, share: str, *people: UUID) -> UUID | None:
    with database.transaction() as session:
        return service.change_flag(
            session,
            actor,
            FEATURE,
            share=share,
            people=" ".join(ids.encode("usr", person_id) for person_id in people),
            reason=REASON,
        )


def cohort(database: Database) -> Cohort:
    with database.reading() as session:
        return queries.get_cohort(session, FEATURE)


def has_feature(database: Database, person: Actor) -> bool:
    try:
        with database.reading() as session:
            queries.require_feature(session, FEATURE, person.user_id)
    except FeatureDisabled:
        return False
    return True


def test_feature_is_narrowed_at_once_and_the_ceiling_is_never_exceeded(
    database: Database, people: People, admin: Actor, person: Actor
) -> None:
    store_cohort(database, FEATURE, 100, [person.user_id])
    other = people.customer()
    assert has_feature(database, other)
    assert change(database, admin, "0", person.user_id) is None
    assert has_feature(database, person)
    assert not has_feature(database, other)
    with ceiling(2, "ENABLE_ONCHAIN"):
        assert not has_feature(database, person)
        with database.reading() as session:
            assert queries.get_flag(session, FEATURE).state is FeatureState.NOT_ALLOWED
    with database.reading() as session:
        [record] = session.rows(
            "SELECT before, after, reason FROM audit_records WHERE action = 'flag.changed'"
            " AND actor_id = %s",
            (admin.user_id,),
        )
    listed = ids.encode("usr", person.user_id)
    before, after, reason = record
    assert (before["share"], after["share"], after["people"]) == ("100 %", "0 %", listed)
    assert reason == REASON


def test_feature_is_widened_by_two_people(
    database: Database, people: People, admin: Actor, person: Actor
) -> None:
    store_cohort(database, FEATURE, 0)
    approval_id = change(database, admin, "0", person.user_id)
    assert not has_feature(database, person)
    with pytest.raises(SelfApproval):
        approve(database, admin, approval_id)
    approve(database, people.staff(Role.ADMIN), approval_id)
    assert has_feature(database, person)
    assert cohort(database) == Cohort(0, frozenset({person.user_id}))


def test_request_to_widen_is_outdated_once_the_feature_is_narrowed(
    database: Database, people: People, admin: Actor
) -> None:
    store_cohort(database, FEATURE, 50)
    approval_id = change(database, admin, "60")
    assert change(database, admin, "10") is None
    with pytest.raises(ApprovalOutdated):
        approve(database, people.staff(Role.ADMIN), approval_id)
    assert cohort(database).share == 10


def test_what_is_unchanged_unknown_or_not_permitted_is_refused(
    database: Database, people: People, admin: Actor
) -> None:
    store_cohort(database, FEATURE, 40)
    with database_unchanged(database), pytest.raises(FlagUnchanged):
        change(database, admin, "40")
    with database_unchanged(database), pytest.raises(Invalid, match="no person with the ID usr_"):
        change(database, admin, "30", ids.new())
    auditor = people.staff(Role.AUDITOR)
    with database_unchanged(database), pytest.raises(PermissionDenied):
        change(database, auditor, "30")
