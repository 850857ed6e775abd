"""The pages of roles: the matrix, one role, and granting and removing permissions."""

from app.access import Permission
from app.kit.db import Database
from tests.page_client import HTMX, Browser, check_page

REASON = "because of a test"


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


def test_permission_is_granted_and_removed(browser: Browser) -> None:
    wanted = Permission.ROLES_READ
    response = browser.submit_form(
        "/admin/roles/INVENTORY", "give", act="give", permission=wanted, reason=REASON
    )
    assert (response.status_code, response.headers["Location"]) == (
        303,
        "/admin/roles/INVENTORY",
    )
    assert "all:roles:read" in browser.get_page("/admin/roles/INVENTORY").visible_text
    response = browser.submit_form(
        "/admin/roles/INVENTORY", "take", act="take", permission=wanted, reason=REASON
    )
    assert response.status_code == 303
    table, *_ = browser.get_page("/admin/roles/INVENTORY").visible_text.split("Grant a")
    assert "all:roles:read" not in table


def test_removing_the_last_holder_of_a_permission_is_refused(
    browser: Browser, database: Database
) -> None:
    browser.get_page("/admin/roles/ADMIN")
    response = browser.submit_form(
        "/admin/roles/ADMIN",
        "take",
        act="take",
        permission=Permission.GRANTS_EDIT,
        reason=REASON,
    )
    assert response.status_code == 409
    assert "No other role holds this permission" in check_page(response).visible_text
    assert "all:grants:edit" in browser.get_page("/admin/roles/ADMIN").visible_text
    response = browser.submit_form(
        "/admin/roles/ADMIN", "take", act="take", permission="x", reason=REASON
    )
    assert response.status_code == 422


def test_customer_role_has_no_forms(browser: Browser) -> None:
    page = browser.get_page("/admin/roles/USER")
    assert not page.all("form", id="give")
    assert not page.all("form", id="take")
