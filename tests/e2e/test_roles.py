"""The permissions of roles in a browser: the table in each look, and the dialog of a grant."""

from playwright.sync_api import expect

from app.access.areas import PermissionArea
from tests.e2e.conftest import OpenDesk
from tests.e2e.looks import Shoot, assert_accessible, assert_fits_and_accessible

REASON = "because of a test"


def test_head_of_the_permissions_stays_in_sight_and_the_table_fits_a_phone(
    open_desk: OpenDesk, admin_sign_in: tuple[str, str], shoot: Shoot
) -> None:
    desk = open_desk()
    page = desk.sign_in(*admin_sign_in, "/admin/roles")
    page.get_by_role("link", name=PermissionArea.SYSTEM.label).click()
    expect(page.get_by_role("columnheader", name=PermissionArea.SYSTEM.label)).to_be_in_viewport()
    expect(page.get_by_role("columnheader", name="Auditor")).to_be_in_viewport()
    assert_fits_and_accessible(page, shoot, "roles")
    desk.check(page)


def test_grant_and_removal_are_restated_in_a_dialog_before_they_are_sent(
    open_desk: OpenDesk, admin_sign_in: tuple[str, str], shoot: Shoot
) -> None:
    desk = open_desk()
    page = desk.sign_in(*admin_sign_in, "/admin/roles/INVENTORY")
    assert page.locator("#give-permission").input_value() == ""
    page.locator("#give-permission").select_option("all:jobs:read")
    page.locator("#give-reason").fill(REASON)
    page.get_by_role("button", name="Grant").click()
    dialog = page.get_by_role("dialog")
    for text in ("Inventory", "all:jobs:read", REASON):
        expect(dialog).to_contain_text(text)
    assert_accessible(page)
    shoot(page, "role-grant")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_be_hidden()
    page.get_by_role("button", name="Grant").click()
    dialog.get_by_role("button", name="Grant").click()
    expect(page.get_by_text("Permission granted.")).to_be_visible()
    # Other tests expect the role as it was.
    page.locator("#take-permission").select_option("all:jobs:read")
    page.locator("#take-reason").fill(REASON)
    page.locator("#take").get_by_role("button", name="Remove").click()
    dialog.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("Permission removed.")).to_be_visible()
    desk.check(page)
