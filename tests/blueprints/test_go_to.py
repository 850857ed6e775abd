"""The search: what names one page leads to it, and else what was found is listed."""

from urllib.parse import unquote

from flask import Flask

from app.access import Role
from app.blueprints import form_tokens
from app.identity.models import User
from app.kit import ids
from app.kit.db import Database
from tests.page_client import HTMX, Browser, check_page
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
        (browser, "unknown@example.com", "is found by “unknown@example.com”."),
        (browser, "@", "is found by “@”."),
        (browser, "<b>", "“<b>”"),
        (browser, "~abc", "“~abc”"),
        (teller, public_id, "you need the permission all:people:read"),
        (teller, person.email, f"“{person.email}”"),
    ):
        page = who.get_page(who.submit_form("/go", "go", q=text).location)
        assert expected in page.visible_text, text
    assert "usr_…" not in teller.get_page("/go").visible_text
    assert "This link cannot be read any more." in browser.get_page("/go?q=~abc").visible_text


def test_dialog_offers_what_the_text_may_mean(browser: Browser, people: People) -> None:
    person = people.customer()
    public_id = ids.encode("usr", person.user_id)
    for text, title, url in (
        (person.email, "Ada Lovelace", f"/support/customers/{public_id}"),
        (public_id, "Open person", f"/go?q={public_id}"),
        ("withdr", "Withdrawals", "/admin/payments/withdrawals"),
        ("tier 1", "Daily limit on tier 1", "/admin/settings/verification.daily_tier_1"),
    ):
        data = {"csrf_token": browser.csrf_token(), "q": text}
        response = browser.client.post("/go/results", data=data, headers=HTMX)
        page = check_page(response, fragment="search-results")
        assert url in [option["href"] for option in page.all("a", role="option")], text
        assert title in page.visible_text


def test_people_who_share_a_phone_number_are_listed(
    browser: Browser, people: People, database: Database
) -> None:
    both = [people.customer(), people.customer()]
    phone = f"+2557{both[0].user_id.int % 10**8:08}"
    with database.transaction() as session:
        for person in both:
            change_rows(session, User, User.id == person.user_id, phone=phone)
    page = browser.get_page(browser.submit_form("/go", "go", q=phone).location)
    links = {link["href"] for link in page.all("a")}
    assert links >= {f"/support/customers/{ids.encode('usr', person.user_id)}" for person in both}
