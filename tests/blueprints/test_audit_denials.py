"""What was refused leaves a row in the audit trail, and nothing else."""

import json
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from app.access import Role
from app.blueprints import audit_denials
from app.kit import ids
from app.kit.db import Database
from app.kit.errors import Unavailable
from tests.api_client import ApiClient
from tests.page_client import Browser
from tests.people import PASSWORD, People
from tests.unchanged_database import database_unchanged

_OF = """
SELECT action, subject, after::text, reason, outcome, actor_role, request_id FROM audit_records
WHERE actor_id = %s AND action = 'request.refused' ORDER BY id
"""


def denied(database: Database, person: UUID) -> list[dict[str, Any]]:
    """What was denied to a person, in order."""
    names = ("action", "subject", "after", "reason", "outcome", "role", "request_id")
    with database.reading() as session:
        rows = [dict(zip(names, row, strict=True)) for row in session.rows(_OF, (person,))]
    return [{**row, "after": json.loads(row["after"])} for row in rows]


def test_of_the_api(app: Flask, database: Database) -> None:
    ada = ApiClient.create_customer(app)
    with database_unchanged(database):
        answer = ada.get("/api/admin/exposure")
    assert answer.status_code == 403
    [row] = denied(database, ada.user_id)
    assert row == {
        "action": "request.refused",
        "subject": "GET /api/admin/exposure",
        "after": {"route": "GET /api/admin/exposure", "refusal": "permission_denied"},
        "reason": "You need the permission all:exposure:read.",
        "outcome": "denied",
        "role": "USER",
        "request_id": answer.headers["X-Request-Id"],
    }


def test_of_a_page_names_the_object(app: Flask, people: People, database: Database) -> None:
    teller, browser = people.staff(Role.TELLER), Browser(app)
    browser.sign_in(teller.email, PASSWORD)
    thing = ids.encode("aud", ids.new())
    browser.get_page(f"/admin/audit/{thing}", status=403)
    [row] = denied(database, teller.user_id)
    assert (row["subject"], row["role"]) == (thing, "TELLER")
    assert row["after"]["route"] == "GET /admin/audit/<record_id>"


def test_acts_of_staff_on_what_is_not_there(app: Flask, people: People, database: Database) -> None:
    admin, browser = people.staff(Role.ADMIN), Browser(app)
    browser.sign_in(admin.email, PASSWORD)
    nobody = ids.encode("usr", ids.new())
    form = {"csrf_token": browser.csrf_token(), "role": "SUPPORT", "reason": "a test"}
    answer = browser.client.post(f"/admin/people/{nobody}/role", data=form)
    assert answer.status_code == 404
    [row] = denied(database, admin.user_id)
    assert (row["subject"], row["after"]["refusal"]) == (nobody, "not_found")


def test_what_is_no_denial_leaves_no_row(app: Flask, people: People, database: Database) -> None:
    """Looking for what is not there, mistakes in a form, a customer's conflicts, strangers."""
    ada, auditor, browser = ApiClient.create_customer(app), people.staff(Role.AUDITOR), Browser(app)
    browser.sign_in(auditor.email, PASSWORD)
    before = _count(database)
    browser.get_page(f"/admin/audit/{ids.encode('aud', ids.new())}", status=404)
    wish = {"fromAsset": "USD", "toAsset": "XAU-s", "fromAmount": "x"}
    assert ada.post("/api/trade/order", wish).status_code == 422
    assert ada.post("/api/trade/order", {"quoteId": "qt_x"}).status_code == 404
    assert app.test_client().get("/api/admin/exposure").status_code == 401
    assert app.test_client().get("/admin/audit").status_code == 303
    assert _count(database) == before


def test_without_the_database_the_answer_is_the_same(
    app: Flask, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = ApiClient.create_customer(app)

    def away(*_: object, **__: object) -> None:
        raise Unavailable

    monkeypatch.setattr(audit_denials.audit, "record", away)
    assert ada.get("/api/admin/exposure").status_code == 403
    assert denied(database, ada.user_id) == []


def _count(database: Database) -> int:
    with database.reading() as session:
        return int(session.rows("SELECT count(*) FROM audit_records")[0][0])
