"""The pages of roles: the matrix, one role, and granting and removing permissions."""

from app.access import Permission
from app.access.areas import PermissionArea
from app.kit.db import Database
from tests.page_client import HTMX, Browser, Page, check_page
from tests.unchanged_database import database_unchanged

REASON = "because of a test"


def table_of(page: Page) -> str:
    """Return the text before the forms."""
    return page.visible_text.partition("Grant a permission")[0]


def test_matrix_shows_the_roles_that_hold_a_permission(browser: Browser) -> None:
    response = browser.client.get("/admin/roles", headers=HTMX).text
    row = response[response.index("<code>all:roles:read</code>") :]
    row = row[: row.index("</tr>")]
    said = [cell.rpartition('hidden">')[2].partition("<")[0] for cell in row.split("<td")[1:]]
    assert said == ["not granted"] * 5 + ["granted"] * 2


def test_role_lists_the_routes_that_it_opens(browser: Browser) -> None:
    page = browser.get_page("/admin/roles/AUDITOR")
    assert "GET /admin/exposure/history" in page.visible_text
    assert "POST /api/trade/order" not in page.visible_text
    assert "POST /api/trade/order" in browser.get_page("/admin/roles/USER").visible_text
    browser.get_page("/admin/roles/KING", status=404)


def test_fragments_are_parts_of_their_pages(browser: Browser) -> None:
    browser.get_fragment("/admin/roles", "roles")
    browser.get_fragment("/admin/roles/TELLER", "role")


def test_permissions_are_grouped_by_area(browser: Browser) -> None:
    page = browser.get_page("/admin/roles")
    for area in PermissionArea:
        assert page.all("a", href=f"#{area.value}")
        assert page.all("tr", id=area.value)


def test_permission_is_granted_and_removed(browser: Browser) -> None:
    path, fields = "/admin/roles/INVENTORY", {"permission": "all:roles:read", "reason": REASON}
    assert browser.get_page(path).all("option", selected="") == []
    response = browser.submit_form(path, "give", **fields)
    assert (response.status_code, response.location) == (303, path)
    page = browser.get_page(path)
    assert "Permission granted." in page.visible_text
    assert "all:roles:read" in table_of(page)
    assert browser.submit_form(path, "take", **fields).status_code == 303
    page = browser.get_page(path)
    assert "Permission removed." in page.visible_text
    assert "all:roles:read" not in table_of(page)


def test_all_problems_of_a_grant_are_shown_at_once(browser: Browser, database: Database) -> None:
    browser.get_page("/admin/roles/SUPPORT")
    with database_unchanged(database):
        response = browser.submit_form("/admin/roles/SUPPORT", "give", reason="x")
    assert response.status_code == 422
    page = check_page(response)
    assert page.all("a", href="#give-permission")
    assert page.all("a", href="#give-reason")
    assert not page.all("a", href="#take-reason")


def test_permission_that_does_not_exist_is_a_problem_of_its_field(browser: Browser) -> None:
    fields = {"permission": "x", "reason": REASON}
    response = browser.submit_form("/admin/roles/ADMIN", "take", **fields)
    assert response.status_code == 422
    assert check_page(response).all("a", href="#take-permission")


def test_removing_the_last_holder_of_a_permission_is_refused(
    browser: Browser, database: Database
) -> None:
    browser.get_page("/admin/roles/ADMIN")
    fields = {"permission": Permission.GRANTS_EDIT, "reason": REASON}
    response = browser.submit_form("/admin/roles/ADMIN", "take", **fields)
    assert response.status_code == 409
    assert "No other role holds this permission" in check_page(response).visible_text
    assert "all:grants:edit" in table_of(browser.get_page("/admin/roles/ADMIN"))


def test_customer_role_has_no_forms(browser: Browser) -> None:
    page = browser.get_page("/admin/roles/USER")
    assert not page.all("form", id="give")
    assert not page.all("form", id="take")
