"""Declared forms, seen on the form that opens a branch."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from app.branches.entities.rules import FIRST_ENTITY
from app.branches.models import Branch
from app.kit import ids
from app.kit.db import Database
from tests.page_client import Browser, check_page
from tests.rows import count_rows

PAGE = "/admin/branches"
ENTITY = ids.encode("ent", FIRST_ENTITY)


def new_code() -> str:
    return f"F{uuid4().hex[:8].upper()}"


def count(database: Database, code: str) -> int:
    with database.reading() as session:
        found = count_rows(session, Branch, Branch.code == code)
    return int(found)


def test_all_empty_fields_are_reported_at_once_and_typed_values_stay(browser: Browser) -> None:
    empty = check_page(browser.submit_form(PAGE, "open", code=" ", name=""))
    assert "Enter a code." in empty.visible_text
    assert "Enter a name." in empty.visible_text
    page = check_page(browser.submit_form(PAGE, "open", code="NYC1", name=""))
    assert page.all("input", name="code")[0]["value"] == "NYC1"
    assert page.all("input", id="open-name")[0]["aria-invalid"] == "true"


def test_success_says_what_happened_once(browser: Browser) -> None:
    sent = browser.submit_form(PAGE, "open", code=new_code(), name="Fulton Street", entity=ENTITY)
    assert (sent.status_code, sent.location) == (303, PAGE)
    assert "Branch opened." in browser.get_page(PAGE).visible_text
    assert "Branch opened." not in browser.get_page(PAGE).visible_text


def test_form_sent_again_has_one_effect(browser: Browser, database: Database) -> None:
    fields = browser.get_page(PAGE).hidden_fields["open"]
    code = new_code()
    data = {**fields, "code": code, "name": "Fulton Street", "entity": ENTITY}
    with ThreadPoolExecutor(4) as pool:
        cookie = browser.session_cookie()

        def send(_number: int) -> int:
            client = browser.client.application.test_client()
            client.set_cookie("pbcex", cookie)
            return client.post(PAGE, data=data).status_code

        assert list(pool.map(send, range(4))) == [303] * 4
    assert count(database, code) == 1


def test_form_sent_again_with_other_values_changes_nothing(
    browser: Browser, database: Database
) -> None:
    fields = browser.get_page(PAGE).hidden_fields["open"]
    first, second = new_code(), new_code()
    browser.client.post(
        PAGE, data={**fields, "code": first, "name": "Fulton Street", "entity": ENTITY}
    )
    refused = browser.client.post(
        PAGE, data={**fields, "code": second, "name": "Wall Street", "entity": ENTITY}
    )
    assert refused.status_code == 409
    page = check_page(refused)
    assert "was sent before, with other values" in page.visible_text
    assert page.all("input", name="code")[0]["value"] == second
    assert count(database, second) == 0
    # The form that is shown again has a token of its own.
    again = {**page.hidden_fields["open"], "code": second, "name": "Wall Street", "entity": ENTITY}
    assert browser.client.post(PAGE, data=again).status_code == 303


def test_refused_form_can_be_corrected_with_the_same_token(
    browser: Browser, database: Database
) -> None:
    fields, code = browser.get_page(PAGE).hidden_fields["open"], new_code()
    assert browser.client.post(PAGE, data={**fields, "code": code}).status_code == 422
    sent = browser.client.post(
        PAGE, data={**fields, "code": code, "name": "Fulton Street", "entity": ENTITY}
    )
    assert sent.status_code == 303
    assert count(database, code) == 1


def test_form_without_a_token_is_refused(browser: Browser) -> None:
    fields = dict(browser.get_page(PAGE).hidden_fields["open"])
    del fields["form_token"]
    sent = browser.client.post(PAGE, data={**fields, "code": new_code(), "name": "x"})
    assert sent.status_code == 400
