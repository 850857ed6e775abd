"""Go to: an id, email, phone number or request id leads to its page, for who may open it."""

from urllib.parse import unquote

from flask import Flask

from app.access import Role
from app.blueprints import form_tokens
from app.identity.models import User
from app.kit import ids
from app.kit.db import Database
from tests.page_client import Browser
from tests.people import People
from tests.rows import change_rows
from tests.staff import sign_in


def target(browser: Browser, text: str) -> str | None:
    sent = browser.submit_form("/go", "go", q=text)
    assert sent.status_code == 303
    assert text.strip() not in unquote(sent.location) or ids.prefix_of(text)
    return browser.client.get(sent.location).location


def test_exact_text_leads_to_the_page(browser: Browser, people: People, database: Database) -> None:
    person = people.customer()
    public_id = ids.encode("usr", person.user_id)
    # A number that begins with 0 would be dialled without it.
    digits = f"7{person.user_id.int % 10**8:08}"
    with database.transaction() as session:
        change_rows(session, User, User.id == person.user_id, phone=f"+254{digits}")
    phone = f"+254 {digits[:3]}-{digits[3:]}"
    for text in (public_id, f" {public_id.upper()} ", person.email, phone):
        assert target(browser, text) == f"/support/customers/{public_id}", text


def test_request_id_leads_to_the_audit_trail(browser: Browser, people: People) -> None:
    response = browser.client.post(
        f"/admin/people/{ids.encode('usr', people.customer().user_id)}/suspend",
        data={
            "csrf_token": browser.csrf_token(),
            "form_token": form_tokens.new_token(),
            "reason": "reported by the bank",
        },
        headers={"X-Request-Id": "a-name-of-the-sender"},
    )
    assert response.status_code == 303
    request_id = response.headers["X-Request-Id"]
    path = target(browser, request_id)
    assert path == f"/admin/audit?request={request_id}"
    assert "Approval requested" in browser.get_page(path).visible_text


def test_what_is_not_found_is_explained(app: Flask, browser: Browser, people: People) -> None:
    teller = sign_in(app, people.staff(Role.TELLER))
    person = people.customer()
    public_id = ids.encode("usr", person.user_id)
    for who, text, expected in (
        (browser, ids.encode("wdr", ids.new()), "No withdrawal that you may open has the ID wdr_"),
        (browser, ids.encode("zzz", ids.new()), "No page shows IDs that begin with zzz_."),
        (browser, "unknown@example.com", "has the ID, email or phone “unknown@example.com”."),
        (browser, "@", "has the ID, email or phone “@”."),
        (browser, "<b>", "“<b>”"),
        (browser, "~abc", "“~abc”"),
        (teller, public_id, "you need the permission all:people:read"),
        (teller, person.email, f"“{person.email}”"),
    ):
        page = who.get_page(who.submit_form("/go", "go", q=text).location)
        assert expected in page.visible_text, text
    assert "usr_…" not in teller.get_page("/go").visible_text
    assert "This link cannot be read any more." in browser.get_page("/go?q=~abc").visible_text


def test_people_who_share_a_phone_number_are_listed(
    browser: Browser, people: People, database: Database
) -> None:
    both = [people.customer(), people.customer()]
    phone = f"+2557{both[0].user_id.int % 10**8:08}"
    with database.transaction() as session:
        for person in both:
            change_rows(session, User, User.id == person.user_id, phone=phone)
    text = browser.get_page(browser.submit_form("/go", "go", q=phone).location).visible_text
    assert all(ids.encode("usr", person.user_id) in text for person in both)
