"""The pages of branches: opening one, and what a teller sees."""

from flask import Flask

from app.access import Role
from app.branches.entities.rules import FIRST_ENTITY
from app.branches.rules import HEAD_OFFICE
from app.kit import ids
from tests.page_client import Browser, check_page
from tests.people import People
from tests.staff import sign_in

ENTITY = ids.encode("ent", FIRST_ENTITY)


def test_fragment_is_part_of_its_page(browser: Browser) -> None:
    browser.get_fragment("/admin/branches", "branches")


def test_branch_code_is_used_once(browser: Browser) -> None:
    code = f"N{ids.new().hex[-8:].upper()}"
    fields = {"code": code.lower(), "name": "Fulton Street", "entity": ENTITY}
    assert browser.submit_form("/admin/branches", "open", **fields).status_code == 303
    assert code in browser.get_page("/admin/branches").visible_text
    response = browser.submit_form("/admin/branches", "open", **fields)
    assert response.status_code == 409
    assert "Another branch already has this code" in check_page(response).visible_text
    assert check_page(response).all("a", href="#open-code")


def test_all_problems_of_a_branch_are_shown_at_once(browser: Browser) -> None:
    for name in (" ", "x" * 101):
        response = browser.submit_form("/admin/branches", "open", code="1", name=name)
        assert response.status_code == 422
        page = check_page(response)
        assert page.all("a", href="#open-code")
        assert page.all("a", href="#open-name")


def test_teller_sees_only_their_own_branch(app: Flask, people: People) -> None:
    here, there = people.branch(), people.branch()
    teller, stranger = people.staff(Role.TELLER, here), people.staff(Role.TELLER, there)
    browser = sign_in(app, teller)
    page = browser.get_page("/admin/branches")
    assert len(page.all("th", scope="row")) == 1
    own = browser.get_page(f"/admin/branches/{ids.encode('brn', here)}")
    assert teller.email in own.visible_text
    assert stranger.email not in own.visible_text
    browser.get_page(f"/admin/branches/{ids.encode('brn', there)}", status=404)


def test_teller_without_a_branch_is_refused(app: Flask, people: People) -> None:
    browser = sign_in(app, people.staff(Role.TELLER))
    assert "no branch yet" in browser.get_page("/admin/branches", status=403).visible_text
    there = ids.encode("brn", people.branch())
    browser.get_page(f"/admin/branches/{there}", status=403)


def test_details_hours_and_tills_are_changed_on_the_page(browser: Browser, people: People) -> None:
    page = f"/admin/branches/{ids.encode('brn', people.branch())}"
    details = {
        "name": "Wall Street",
        "street": "5 Wall Street",
        "city": "New York",
        "state": "NY",
        "zip_code": "90210",
        "country": "US",
        "time_zone": "America/New_York",
        "offers_pickup": "yes",
    }
    refused = browser.submit_form(page, "details", **details)
    assert refused.status_code == 422
    assert check_page(refused).all("a", href="#details-zip_code")
    for form_id, fields in (
        ("details", {**details, "zip_code": "10005"}),
        ("week", {"monday": "09:00-17:00", "saturday": "20:00-02:00"}),
        ("day", {"day": "2099-12-25", "note": "Christmas Day"}),
        ("till", {"code": "T1", "name": "Till 1"}),
        ("licence", {"licence": "Dealer", "number": ids.new().hex, "authority": "New York"}),
    ):
        assert browser.submit_form(page, form_id, **fields).status_code == 303, form_id
    shown = browser.get_page(page).visible_text
    for text in ("5 Wall Street, New York, NY", "20:00-02:00", "Christmas Day", "Dealer"):
        assert text in shown
    for form_id in ("remove-day-1", "close-till-1"):
        assert browser.submit_form(page, form_id).status_code == 303
    shown = browser.get_page(page).visible_text
    assert "Christmas Day" not in shown
    assert "Till closed." in shown


def test_page_of_head_office_offers_nothing_for_customers(browser: Browser) -> None:
    page = browser.get_page(f"/admin/branches/{ids.encode('brn', HEAD_OFFICE)}")
    assert "Head office" in page.visible_text
    assert not page.all("form", id="week")
    assert not page.all("form", id="till")
