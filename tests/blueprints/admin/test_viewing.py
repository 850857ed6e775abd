"""Who reads what is held about a person is recorded, once an hour for each reader and page."""

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
import time_machine
from flask import Flask

from app.access import Actor, Role
from app.audit.actions import AuditAction
from app.audit.models import AuditRecord
from app.cases import service as cases
from app.kit import clock, ids
from app.kit.db import Database
from app.screening.matching import service as screening
from app.screening.rules import ScreeningSubject
from tests.page_client import Browser
from tests.people import PASSWORD, People
from tests.rows import read_values


@pytest.fixture(autouse=True)
def _within_an_hour() -> Iterator[None]:
    with time_machine.travel(clock.now().replace(minute=5)):
        yield


@pytest.fixture
def case_id(database: Database, person: Actor) -> str:
    """Return the public id of a case about the person."""
    with database.transaction() as session:
        case_id = cases.open_case(
            session,
            kind="test.difference",
            key=uuid4().hex,
            title="A difference",
            facts={"name": "Ada Lovelace"},
            subject=ids.encode("usr", person.user_id),
            person_id=person.user_id,
        )
    return ids.encode("cas", case_id)


@pytest.fixture
def screening_id(database: Database, person: Actor, sanctions_list: None) -> str:
    """Return the public id of a screening of the person."""
    with database.transaction() as session:
        screened = screening.screen(
            session,
            ScreeningSubject(("Ada Lovelace",)),
            about=ids.encode("usr", person.user_id),
            purpose="onboarding",
            person_id=person.user_id,
        )
    return ids.encode("scr", screened.id)


def read_pages_twice(app: Flask, people: People, path: str) -> None:
    """Open the page twice as each of two readers."""
    for role in (Role.COMPLIANCE, Role.AUDITOR):
        reader = Browser(app)
        reader.sign_in(people.staff(role).email, PASSWORD)
        for _ in range(2):
            assert "Ada Lovelace" in reader.get_page(path).visible_text


def read_records(
    database: Database, action: AuditAction, subject: str
) -> list[tuple[str, UUID | None]]:
    """Return the role of each reader whose viewing was recorded, and the person concerned."""
    viewed = (AuditRecord.subject == subject, AuditRecord.action == action)
    with database.reading() as session:
        roles = read_values(session, AuditRecord.actor_role, *viewed)
        people = read_values(session, AuditRecord.on_behalf_of, *viewed)
    return sorted(zip(roles, people, strict=True))


def test_reading_a_case_is_recorded(
    app: Flask, database: Database, people: People, person: Actor, case_id: str
) -> None:
    read_pages_twice(app, people, f"/admin/cases/{case_id}")
    assert read_records(database, AuditAction.CASE_VIEWED, case_id) == [
        ("AUDITOR", person.user_id),
        ("COMPLIANCE", person.user_id),
    ]


def test_reading_a_screening_is_recorded(
    app: Flask, database: Database, people: People, person: Actor, screening_id: str
) -> None:
    read_pages_twice(app, people, f"/admin/screening/{screening_id}")
    assert read_records(database, AuditAction.SCREENING_VIEWED, screening_id) == [
        ("AUDITOR", person.user_id),
        ("COMPLIANCE", person.user_id),
    ]
