"""The password of staff, changed on their account page."""

from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from app.identity.sign_in.rules import PROOF_LIFETIME
from app.kit import clock
from app.kit.db import Database
from tests.mailbox import run_pending_jobs, use_mailbox
from tests.page_client import check_page
from tests.people import PASSWORD
from tests.staff import Member, StaffBrowser
from tests.unchanged_database import database_unchanged

PAGE = "/auth/account"
NEW = "another long horse"


@pytest.fixture
def member_browser(app: Flask, member: Member) -> StaffBrowser:
    member_browser = StaffBrowser(app)
    member_browser.sign_in_by_app(member)
    return member_browser


def is_signed_in(member_browser: StaffBrowser) -> bool:
    return member_browser.client.get(PAGE).status_code == 200


def test_new_password_ends_other_sessions_and_is_notified(
    member_browser: StaffBrowser, member: Member, database: Database, app: Flask
) -> None:
    other = StaffBrowser(app)
    other.sign_in_by_app(member, member.recovery_codes[0])
    fields = {"current_password": PASSWORD, "new_password": NEW}
    with use_mailbox() as mailbox:
        changed = member_browser.submit_form(PAGE, "password", **fields)
        run_pending_jobs(database)
        subjects = [mail.subject for mail in mailbox.sent_to(member.email)]
    assert subjects[-1] == "Your password was changed"
    assert (changed.status_code, changed.location) == (303, PAGE)
    assert "Your other sessions have ended." in member_browser.get_page(PAGE).visible_text
    assert not is_signed_in(other)
    assert other.sign_in(member.email, PASSWORD).status_code == 422
    assert other.sign_in(member.email, NEW).location == "/auth/second-factor"


@pytest.mark.parametrize(
    ("current", "new", "field", "text"),
    [
        ("wrong", NEW, "current_password", "This is not your current password."),
        (PASSWORD, "Password123!", "new_password", "harder to guess"),
        ("", "", "current_password", "Enter a new password."),
    ],
)
def test_refused_password_is_named_and_never_shown(
    member_browser: StaffBrowser, member: Member, current: str, new: str, field: str, text: str
) -> None:
    refused = member_browser.submit_form(
        PAGE, "password", current_password=current, new_password=new
    )
    assert refused.status_code == 422
    page = check_page(refused)
    assert text in page.visible_text
    [problem] = page.all("input", id=f"password-{field}")
    assert problem["aria-invalid"] == "true"
    assert {box["value"] for box in page.all("input", type="password")} == {""}
    assert (
        StaffBrowser(member_browser.client.application).sign_in(member.email, PASSWORD).status_code
        == 303
    )


def test_wrong_current_passwords_are_counted_and_limited(member_browser: StaffBrowser) -> None:
    fields = {"current_password": "wrong", "new_password": NEW}
    texts = [
        check_page(member_browser.submit_form(PAGE, "password", **fields)).visible_text
        for _ in range(6)
    ]
    assert "Too many" in texts[-1]
    assert "This is not your current password." in texts[0]


def test_old_proof_is_renewed_first_and_passwords_are_not_kept(
    member_browser: StaffBrowser, database: Database
) -> None:
    with time_machine.travel(clock.now() + PROOF_LIFETIME + timedelta(seconds=1)):
        hidden = member_browser.get_page(PAGE).hidden_fields["password"]
        data = {**hidden, "current_password": PASSWORD, "new_password": NEW}
        with database_unchanged(database, apart_from={"login_sessions"}):
            response = member_browser.client.post(f"{PAGE}/password", data=data)
    assert response.location == "/auth/prove?unsent=yes"
