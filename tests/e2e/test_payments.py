"""Lists of payments, and the dialog before a payout is rejected."""

from playwright.sync_api import expect

from app.access import Role
from app.kit import ids
from tests.e2e.conftest import OpenDesk
from tests.e2e.looks import ALL, Shoot, assert_fits_and_accessible
from tests.paying_customer import PayingCustomer
from tests.people import PASSWORD, People


def test_payout_is_rejected_after_a_dialog_that_restates_it(
    open_desk: OpenDesk, people: People, wealthy_customer: PayingCustomer, shoot: Shoot
) -> None:
    withdrawal = wealthy_customer.withdraw("10000.00")
    wealthy_customer.deposit("5.00")
    desk = open_desk()
    person = ids.encode("usr", wealthy_customer.actor.user_id)
    page = desk.sign_in(
        people.staff(Role.COMPLIANCE).email,
        PASSWORD,
        f"/admin/payments/withdrawals?customer={person}",
    )
    assert_fits_and_accessible(page, shoot, "withdrawals", ALL)
    page.goto(f"{desk.address}/admin/payments/deposits?customer={person}")
    assert_fits_and_accessible(page, shoot, "deposits")
    page.goto(f"{desk.address}/admin/payments/withdrawals/{ids.encode('wdr', withdrawal)}")
    page.locator("#reject-reason").fill("The story does not hold")
    page.locator("#reject button").click()
    dialog = page.get_by_role("dialog", name="Reject this payout?")
    for text in ("10,000.00", "Ada Lovelace", "account ending"):
        expect(dialog).to_contain_text(text)
    assert_fits_and_accessible(page, shoot, "reject", ALL)
    dialog.get_by_role("button", name="Cancel").click()
    assert wealthy_customer.withdrawal_status(withdrawal) == "awaiting_approval"
    page.locator("#reject button").click()
    dialog.get_by_role("button", name="Reject payout").click()
    expect(page.get_by_text("Payout rejected.")).to_be_visible()
    assert wealthy_customer.withdrawal_status(withdrawal) == "rejected"
    desk.check(page)
