"""The pages of legal entities and of licences."""

from datetime import timedelta

from app.branches.entities import queries as entities_queries
from app.branches.entities.rules import FIRST_ENTITY
from app.branches.licences import queries as licences_queries
from app.kit import clock, ids
from app.kit.db import Database
from tests.page_client import Browser, check_page

FIRST = f"/admin/entities/{ids.encode('ent', FIRST_ENTITY)}"
FACTS = {
    "name": "Harbour Coins LLC",
    "jurisdiction": "US-DE",
    "tax_number": "12-3456789",
    "street": "1 Main Street",
    "city": "Dover",
    "state": "DE",
    "zip_code": "19901",
    "country": "US",
}


def new_code() -> str:
    return f"E{ids.new().hex[-11:].upper()}"


def test_entity_is_added_and_changed(browser: Browser, database: Database) -> None:
    code = new_code()
    added = {**FACTS, "code": code, "regime": "FORM_8300"}
    assert browser.submit_form("/admin/entities", "add", **added).status_code == 303
    with database.reading() as session:
        [entity] = [each for each in entities_queries.list_entities(session) if each.code == code]
    link = f"/admin/entities/{entity.public_id}"
    assert browser.get_page("/admin/entities?sort=-added").all("a", href=link)
    changed = {**FACTS, "name": "Harbour Coins & Bars LLC"}
    assert browser.submit_form(link, "facts", **changed).status_code == 303
    shown = browser.get_page(link).visible_text
    assert "Harbour Coins & Bars LLC" in shown
    assert "Delaware, United States" in shown


def test_problems_of_an_entity_are_at_their_fields(browser: Browser) -> None:
    fields = {**FACTS, "code": new_code(), "regime": "CTR"}
    for name, text in (("tax_number", "123-45-6789"), ("zip_code", "90210"), ("country", "XX")):
        refused = browser.submit_form("/admin/entities", "add", **{**fields, name: text})
        assert refused.status_code == 422
        assert check_page(refused).all("a", href=f"#add-{name}")


def test_regime_is_requested_from_a_second_person(browser: Browser) -> None:
    fields = {"regime": "FORM_8300", "reason": "because of a test"}
    sent = browser.submit_form(FIRST, "regime", **fields)
    assert sent.status_code == 303
    assert sent.location.startswith("/admin/approvals/apr_")
    approval = browser.get_page(sent.location).visible_text
    assert "Form 8300" in approval
    assert "PBCEX" in approval


def test_licence_is_added_renewed_and_ended(browser: Browser, database: Database) -> None:
    number, today = ids.new().hex, clock.now().date()
    fields = {"licence": "Money transmitter", "number": number, "authority": "New York"}
    soon, later = (str(today + timedelta(days=days)) for days in (10, 400))
    sent = browser.submit_form(FIRST, "licence", **fields, expires_on=soon)
    assert sent.status_code == 303
    with database.reading() as session:
        [licence] = [
            each
            for each in licences_queries.list_of_entity(session, FIRST_ENTITY)
            if each.number == number
        ]
    link = f"/admin/licences/{licence.public_id}"
    listed = browser.get_page("/admin/licences?sort=-added")
    assert listed.all("a", href=link)
    assert "Expires soon" in listed.visible_text
    assert browser.submit_form(link, "renew", expires_on=later).status_code == 303
    shown = browser.get_page(link)
    assert number in shown.visible_text
    assert "Valid" in shown.visible_text
    assert browser.submit_form(link, "end", reason="because of a test").status_code == 303
    assert not browser.get_page(link).all("form", id="renew")
