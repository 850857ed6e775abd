"""The release of a withdrawal that takes a second member of staff."""

from pathlib import Path

import pytest

from app.access import Role
from app.approvals.errors import SelfApproval
from app.funding.withdrawals import service as withdrawals
from app.funding.withdrawals import withdrawal_approval
from app.identity.models import User
from tests import sanctions
from tests.paying_customer import PayingCustomer
from tests.rows import change_rows


def test_release_screens_the_payee_again(wealthy_customer: PayingCustomer, tmp_path: Path) -> None:
    withdrawal = wealthy_customer.withdraw("10000.00")
    assert wealthy_customer.withdrawal_status(withdrawal) == "awaiting_approval"
    listed = sanctions.write_files(tmp_path, [(990001, "LOVELACE, Ada", "individual", "")])
    sanctions.import_folder(wealthy_customer.database, listed)
    try:
        with wealthy_customer.database.transaction() as session:
            checker = wealthy_customer.people.staff(Role.COMPLIANCE)
            withdrawals.release(session, checker, withdrawal, reason="It is fine")
        assert wealthy_customer.withdrawal_status(withdrawal) == "in_review"
        wealthy_customer.send_withdrawal(withdrawal)
        assert wealthy_customer.bank.calls == []
    finally:
        sanctions.import_sample_list(wealthy_customer.database)


def test_staff_cannot_request_the_release_of_their_own_withdrawal(
    wealthy_customer: PayingCustomer,
) -> None:
    withdrawal = wealthy_customer.withdraw("10000.00")
    with wealthy_customer.database.transaction() as session:
        change_rows(session, User, User.id == wealthy_customer.actor.user_id, role="ADMIN")
    permissions = wealthy_customer.people.staff(Role.ADMIN).permissions
    maker = type(wealthy_customer.actor)(
        wealthy_customer.actor.user_id,
        None,
        wealthy_customer.actor.email,
        Role.ADMIN,
        permissions,
        email_confirmed=True,
    )
    with pytest.raises(SelfApproval), wealthy_customer.database.transaction() as session:
        withdrawal_approval.request_release(session, maker, withdrawal, reason="My own money")
