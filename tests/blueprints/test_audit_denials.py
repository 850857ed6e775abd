"""Denied requests leave a record in the audit trail and change nothing else."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine
from flask import Flask

from app.access import Role
from app.audit import denials
from app.audit.models import AuditRecord
from app.blueprints import form_tokens
from app.kit import ids
from app.kit.db import Database
from app.kit.errors import Unavailable
from tests.api_client import ApiClient
from tests.page_client import Browser
from tests.people import PASSWORD, People
from tests.rows import count_rows
from tests.unchanged_database import database_unchanged

BEGIN_OF_HOUR = datetime(2027, 3, 1, 12, tzinfo=UTC)
_DENIALS_SQL = """
SELECT action, subject, after::text, reason, outcome, actor_role, request_id FROM audit_records
WHERE actor_id = %s AND action = 'request.refused' ORDER BY id
"""


def denied_acts(database: Database, person_id: UUID) -> list[dict[str, Any]]:
    """Return the records of acts denied to a person, oldest first."""
    names = ("action", "subject", "after", "reason", "outcome", "role", "request_id")
    with database.reading() as session:
        rows = [
            dict(zip(names, row, strict=True)) for row in session.rows(_DENIALS_SQL, (person_id,))
        ]
    return [{**row, "after": json.loads(row["after"])} for row in rows]


def record_repeated_denials(database: Database) -> None:
    """Run the job that records the repeated denials of ended hours."""
    with database.transaction() as session:
        denials.record_repeated_denials(session)


def change_role(browser: Browser, person_id: str) -> int:
    """Send the form that makes a person support staff. Return the status of the response."""
    tokens = {"csrf_token": browser.csrf_token(), "form_token": form_tokens.new_token()}
    form = {**tokens, "role": "SUPPORT", "reason": "a test"}
    return browser.client.post(f"/admin/people/{person_id}/role", data=form).status_code


def test_denied_api_request_is_recorded_with_route_and_missing_permission(
    app: Flask, database: Database
) -> None:
    ada = ApiClient.create_customer(app)
    with database_unchanged(database):
        response = ada.get("/api/admin/exposure")
    assert response.status_code == 403
    [row] = denied_acts(database, ada.user_id)
    assert row == {
        "action": "request.refused",
        "subject": "GET /api/admin/exposure",
        "after": {"route": "GET /api/admin/exposure", "refusal": "permission_denied"},
        "reason": "You need the permission all:exposure:read.",
        "outcome": "denied",
        "role": "USER",
        "request_id": response.headers["X-Request-Id"],
    }


def test_denied_page_is_recorded_with_the_object_as_subject(
    app: Flask, people: People, database: Database
) -> None:
    teller, browser = people.staff(Role.TELLER), Browser(app)
    browser.sign_in(teller.email, PASSWORD)
    record_id = ids.encode("aud", ids.new())
    browser.get_page(f"/admin/audit/{record_id}", status=403)
    [row] = denied_acts(database, teller.user_id)
    assert (row["subject"], row["role"]) == (record_id, "TELLER")
    assert row["after"]["route"] == "GET /admin/audit/<record_id>"


def test_staff_act_on_an_unknown_person_is_recorded(
    app: Flask, people: People, database: Database
) -> None:
    admin, browser = people.staff(Role.ADMIN), Browser(app)
    browser.sign_in(admin.email, PASSWORD)
    unknown_id = ids.encode("usr", ids.new())
    assert change_role(browser, unknown_id) == 404
    [row] = denied_acts(database, admin.user_id)
    assert (row["subject"], row["after"]["refusal"]) == (unknown_id, "not_found")


def test_repeated_denials_become_one_record_with_their_number(
    app: Flask, database: Database
) -> None:
    with time_machine.travel(BEGIN_OF_HOUR + timedelta(minutes=59), tick=False) as clock:
        ada, bob = ApiClient.create_customer(app), ApiClient.create_customer(app)
        assert [ada.get("/api/admin/exposure").status_code for _ in range(11)] == [403] * 11
        bob.get("/api/admin/exposure")
        record_repeated_denials(database)
        [first] = denied_acts(database, ada.user_id)
        clock.shift(timedelta(minutes=1))
        ada.get("/api/admin/exposure")
        record_repeated_denials(database)
    [same_first, in_next_hour, repeated] = denied_acts(database, ada.user_id)
    [of_another] = denied_acts(database, bob.user_id)
    assert same_first == first
    assert in_next_hour["after"] == of_another["after"] == first["after"]
    assert repeated == {
        "action": "request.refused",
        "subject": "GET /api/admin/exposure",
        "after": {
            "route": "GET /api/admin/exposure",
            "hour": "2027-03-01T12:00:00.000Z",
            "denials_in_this_hour": 11,
            "refusals": ["permission_denied"],
        },
        "reason": None,
        "outcome": "denied",
        "role": "USER",
        "request_id": None,
    }


def test_denials_of_staff_about_many_objects_become_one_record_that_names_the_first_twenty(
    app: Flask, people: People, database: Database
) -> None:
    with time_machine.travel(BEGIN_OF_HOUR, tick=False) as clock:
        teller, browser = people.staff(Role.TELLER), Browser(app)
        browser.sign_in(teller.email, PASSWORD)
        record_ids = [ids.encode("aud", ids.new()) for _ in range(21)]
        for record_id in record_ids:
            browser.get_page(f"/admin/audit/{record_id}", status=403)
        [first] = denied_acts(database, teller.user_id)
        clock.shift(timedelta(hours=1))
        record_repeated_denials(database)
    [same_first, repeated] = denied_acts(database, teller.user_id)
    assert same_first == first
    assert first["subject"] == record_ids[0]
    assert repeated["after"]["denials_in_this_hour"] == 21
    assert repeated["after"]["named"] == record_ids[:20]


def test_denials_on_one_route_for_different_reasons_are_counted_together(
    app: Flask, people: People, database: Database
) -> None:
    with time_machine.travel(BEGIN_OF_HOUR, tick=False) as clock:
        admin, browser = people.staff(Role.ADMIN), Browser(app)
        browser.sign_in(admin.email, PASSWORD)
        unknown_id, own_id = ids.encode("usr", ids.new()), ids.encode("usr", admin.user_id)
        statuses = [change_role(browser, subject) for subject in (unknown_id, own_id, unknown_id)]
        [first] = denied_acts(database, admin.user_id)
        clock.shift(timedelta(hours=1))
        record_repeated_denials(database)
    assert statuses == [404, 409, 404]
    [_, repeated] = denied_acts(database, admin.user_id)
    assert first["after"]["refusal"] == "not_found"
    assert repeated["after"]["denials_in_this_hour"] == 3
    assert repeated["after"]["refusals"] == ["not_found", "form_stale"]
    assert repeated["after"]["named"] == [unknown_id, own_id]


def test_request_that_is_not_a_denial_leaves_no_record(
    app: Flask, people: People, database: Database
) -> None:
    """Neither unknown IDs on read pages, nor invalid fields, nor requests without a sign-in
    count."""
    ada, auditor, browser = ApiClient.create_customer(app), people.staff(Role.AUDITOR), Browser(app)
    browser.sign_in(auditor.email, PASSWORD)
    count_before = _count_records(database)
    browser.get_page(f"/admin/audit/{ids.encode('aud', ids.new())}", status=404)
    payload = {"fromAsset": "USD", "toAsset": "XAU-s", "fromAmount": "x"}
    assert ada.post("/api/trade/order", payload).status_code == 422
    assert ada.post("/api/trade/order", {"quoteId": "qt_x"}).status_code == 404
    assert app.test_client().get("/api/admin/exposure").status_code == 401
    assert app.test_client().get("/admin/audit").status_code == 303
    assert _count_records(database) == count_before


def test_denial_that_cannot_be_recorded_is_still_refused_the_same_way(
    app: Flask, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = ApiClient.create_customer(app)

    def fail(*_: object, **__: object) -> None:
        raise Unavailable

    monkeypatch.setattr(denials.service, "record", fail)
    assert ada.get("/api/admin/exposure").status_code == 403
    assert denied_acts(database, ada.user_id) == []


def _count_records(database: Database) -> int:
    with database.reading() as session:
        return count_rows(session, AuditRecord)
