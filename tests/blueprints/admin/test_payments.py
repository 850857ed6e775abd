"""The pages of deposits and withdrawals: filters, release by two people, and rejection."""

from datetime import timedelta
from uuid import UUID

from app.access import Role
from app.funding.withdrawals import queries as withdrawal_queries
from app.funding.withdrawals import withdrawal_approval
from app.identity.accounts import account_status
from app.kit import clock, ids
from tests.blueprints.admin.conftest import SignInAs
from tests.page_client import check_page
from tests.paying_customer import PayingCustomer
from tests.unchanged_database import database_unchanged


def path_of(withdrawal: UUID) -> str:
    return f"/admin/payments/withdrawals/{ids.encode('wdr', withdrawal)}"


def test_payments_are_filtered_by_customer_status_method_and_day(
    wealthy_customer: PayingCustomer, sign_in_as: SignInAs
) -> None:
    withdrawal, deposit = wealthy_customer.withdraw("10.00"), wealthy_customer.deposit("5.00")
    browser = sign_in_as(Role.AUDITOR)
    person = ids.encode("usr", wealthy_customer.actor.user_id)
    today, tomorrow = clock.now().date(), clock.now().date() + timedelta(days=1)

    def is_listed(identifier: str, path: str, query: str) -> bool:
        return identifier in browser.get_page(f"/admin/payments/{path}?{query}").visible_text

    for identifier, path, matching, other in (
        (ids.encode("wdr", withdrawal), "withdrawals", "status=approved", "status=completed"),
        (ids.encode("wdr", withdrawal), "withdrawals", "method=bank", "method=crypto"),
        (ids.encode("dep", deposit), "deposits", "method=card", "method=crypto"),
        (ids.encode("dep", deposit), "deposits", f"from={today}", f"from={tomorrow}"),
        (ids.encode("dep", deposit), "deposits", f"to={tomorrow}", "to=2020-01-01"),
    ):
        assert is_listed(identifier, path, f"customer={person}&{matching}"), matching
        assert not is_listed(identifier, path, f"customer={person}&{other}"), other


def test_customer_of_a_payment_is_named_and_linked(
    wealthy_customer: PayingCustomer, sign_in_as: SignInAs
) -> None:
    withdrawal = wealthy_customer.withdraw("10.00")
    browser = sign_in_as(Role.AUDITOR)
    person = ids.encode("usr", wealthy_customer.actor.user_id)
    page = browser.get_page(f"/admin/payments/withdrawals?customer={person}")
    assert page.all("a", href=f"/support/customers/{person}")
    assert page.all("a", href=path_of(withdrawal))
    assert "1 row" in page.visible_text
    deposit = ids.encode("dep", wealthy_customer.deposit("5.00"))
    shown = browser.get_page(f"/admin/payments/deposits/{deposit}").visible_text
    for text in ("5.00", "Tier", "3, up to", "19,990.00 USD", "No deposits"):
        assert text in shown
    # An auditor may only read, so there is no form.
    assert "Reject payout" not in browser.get_page(path_of(withdrawal)).visible_text


def test_payout_of_a_suspended_customer_says_that_it_waits(
    wealthy_customer: PayingCustomer, sign_in_as: SignInAs
) -> None:
    browser = sign_in_as(Role.AUDITOR)
    # One that is released waits, and so does one that staff could release.
    paths = [path_of(wealthy_customer.withdraw(amount)) for amount in ("10.00", "10000.00")]
    for path in paths:
        assert "The payout waits" not in browser.get_page(path).visible_text
    with wealthy_customer.database.transaction() as session:
        account_status.suspend_customer(
            session, None, wealthy_customer.actor.user_id, reason="a test suspends them"
        )
    for path in paths:
        shown = browser.get_page(path).visible_text
        assert "The customer is suspended. The payout waits" in shown


def test_large_withdrawal_is_released_by_two_people(
    wealthy_customer: PayingCustomer, sign_in_as: SignInAs
) -> None:
    withdrawal = wealthy_customer.withdraw("10000.00")
    maker = sign_in_as(Role.COMPLIANCE)
    assert "A second person must approve" in maker.get_page(path_of(withdrawal)).visible_text
    with database_unchanged(wealthy_customer.database):
        refused = maker.submit_form(path_of(withdrawal), "release", reason="")
        assert refused.status_code == 422
        assert "Enter a reason (5 to 500 characters)." in check_page(refused).visible_text
    asked = maker.submit_form(path_of(withdrawal), "release", reason="A known customer")
    assert asked.status_code == 303
    assert "Release requested." in maker.get_page(asked.location).visible_text
    waiting = maker.get_page(path_of(withdrawal))
    assert {"href": asked.location} in waiting.all("a")
    assert waiting.all("form", id="release") == []
    checker = sign_in_as(Role.ADMIN)
    request = asked.location
    shown = checker.get_page(request)
    assert "Release a withdrawal" in shown.visible_text
    assert "Approve and release 10,000.00 USD" in shown.visible_text
    assert {"href": path_of(withdrawal)} in shown.all("a")
    for text in ("The customer now", "3, up to", "Origin of the money", "account ending"):
        assert text in shown.visible_text
    assert checker.submit_form(request, "approve").status_code == 303
    # The withdrawal leads to the request that released it.
    assert {"href": request} in checker.get_page(path_of(withdrawal)).all("a")
    assert wealthy_customer.withdrawal_status(withdrawal) == "approved"
    with wealthy_customer.database.reading() as session:
        steps = [step.status for step in withdrawal_queries.withdrawal_events(session, withdrawal)]
    assert steps == ["awaiting_approval", "approved"]
    assert withdrawal_approval.RELEASE == "withdrawal.release"


def test_withdrawal_is_rejected_with_a_reason_and_its_hold_ends(
    wealthy_customer: PayingCustomer, sign_in_as: SignInAs
) -> None:
    withdrawal = wealthy_customer.withdraw("10000.00")
    browser = sign_in_as(Role.COMPLIANCE)
    with database_unchanged(wealthy_customer.database):
        assert browser.submit_form(path_of(withdrawal), "reject", reason="no").status_code == 422
    response = browser.submit_form(path_of(withdrawal), "reject", reason="The story does not hold")
    assert response.status_code == 303
    assert (wealthy_customer.withdrawal_status(withdrawal), wealthy_customer.held_cents()) == (
        "rejected",
        0,
    )
    rejected = browser.get_page(path_of(withdrawal)).visible_text
    assert "The story does not hold" in rejected
    assert "Payout rejected." in rejected


def test_rejection_of_a_withdrawal_that_moved_on_says_why_without_the_form(
    wealthy_customer: PayingCustomer, sign_in_as: SignInAs
) -> None:
    path = path_of(wealthy_customer.withdraw("10000.00"))
    browser, other = sign_in_as(Role.COMPLIANCE), sign_in_as(Role.COMPLIANCE)
    fields = browser.get_page(path).hidden_fields["reject"]
    other.submit_form(path, "reject", reason="The story does not hold")
    refused = browser.client.post(f"{path}/reject", data={**fields, "reason": "Too large by far"})
    assert refused.status_code == 409
    page = check_page(refused)
    assert "The payout was not rejected" in page.visible_text
    assert "The withdrawal's status does not allow this." in page.visible_text
    assert page.all("form", id="reject") == []


def test_dialog_before_a_rejection_restates_amount_customer_and_destination(
    wealthy_customer: PayingCustomer, sign_in_as: SignInAs
) -> None:
    page = sign_in_as(Role.COMPLIANCE).get_page(path_of(wealthy_customer.withdraw("10000.00")))
    assert page.all("dialog", id="reject-confirm")
    assert page.all("button", **{"data-confirm": "reject-confirm"})
    dialog = page.visible_text.split("Reject this payout?")[1]
    for text in ("10,000.00", "Ada Lovelace", "account ending"):
        assert text in dialog


def test_support_sees_a_withdrawal_and_cannot_release_it(
    wealthy_customer: PayingCustomer, sign_in_as: SignInAs
) -> None:
    withdrawal = wealthy_customer.withdraw("10000.00")
    browser = sign_in_as(Role.SUPPORT)
    assert "Awaiting release" in browser.get_page(path_of(withdrawal)).visible_text
    assert "Request release" not in browser.get_page(path_of(withdrawal)).visible_text
