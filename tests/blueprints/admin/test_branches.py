"""The pages of branches: opening one, and what a teller sees."""

from flask import Flask

from app.access import Role
from app.kit import ids
from tests.page_client import Browser, check_page
from tests.people import People
from tests.staff import sign_in

REASON = "because of a test"


def test_fragment_is_part_of_its_page(browser: Browser) -> None:
    browser.get_fragment("/admin/branches", "branches")


def test_branch_code_is_used_once(browser: Browser) -> None:
    code = f"N{ids.new().hex[-8:].upper()}"
    fields = {"code": code.lower(), "name": "Fulton Street"}
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
