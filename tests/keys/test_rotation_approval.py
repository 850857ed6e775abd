"""Key rotation from the pages requires two administrators."""

import pytest
from flask import Flask

from app.access import Role
from app.approvals.errors import ApprovalOutdated
from app.keys import rotation
from app.keys.models import KeyRotation
from app.keys.ring import FileKeyRing
from app.kit.db import Database
from tests.page_client import Browser, check_page
from tests.people import PASSWORD, People
from tests.rows import read_values

WHY = "the yearly rotation"


@pytest.fixture
def browsers(lone_app: Flask, ring: FileKeyRing) -> tuple[Browser, Browser]:
    """The signed-in browsers of two administrators."""
    ring.generate()
    people = People(lone_app.extensions["database"])
    both = []
    for _ in range(2):
        both.append(Browser(lone_app))
        both[-1].sign_in(people.staff(Role.ADMIN).email, PASSWORD)
    return both[0], both[1]


def approve(browser: Browser, path: str) -> int:
    return browser.submit_form(path, "approve").status_code


def test_rotation_starts_after_a_second_administrator_approves(
    alone: Database, ring: FileKeyRing, browsers: tuple[Browser, Browser]
) -> None:
    first, second = browsers
    before = ring.active_id()
    assert first.submit_form("/admin/approvals", "rotate", reason="").status_code == 422
    request = first.submit_form("/admin/approvals", "rotate", reason=WHY).headers["Location"]
    again = first.submit_form("/admin/approvals", "rotate", reason=WHY)
    assert again.status_code == 409
    assert "already pending" in check_page(again).visible_text
    page = second.get_page(request)
    assert "Rotate the key ring" in page.visible_text
    assert before in page.visible_text
    assert ring.active_id() == before
    assert approve(second, request) == 303
    assert ring.active_id() != before
    with alone.reading() as session:
        assert read_values(session, KeyRotation.key_id) == [ring.active_id()]
        [(actions,)] = session.rows(
            "SELECT array_agg(action ORDER BY id) FROM audit_records WHERE reason = %s", (WHY,)
        )
    assert actions == ["approval.asked", "keys.rotated"]


def test_rotation_in_the_meantime_outdates_the_request(
    alone: Database, ring: FileKeyRing, browsers: tuple[Browser, Browser]
) -> None:
    first, second = browsers
    request = first.submit_form("/admin/approvals", "rotate", reason=WHY).headers["Location"]
    with alone.transaction() as session:
        rotation.begin_rotation(session)
    sealing = ring.active_id()
    answer = second.submit_form(request, "approve")
    assert answer.status_code == 409
    assert "Outdated" in second.get_page(request).visible_text
    assert ApprovalOutdated.title in check_page(answer).visible_text
    assert ring.active_id() == sealing
