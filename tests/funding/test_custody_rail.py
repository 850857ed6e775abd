"""Token deposits and withdrawals through custodians: credited and paid once, and the books
agree."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from flask import Flask

from app.access import Actor, Role
from app.cases import service as cases
from app.cases.models import Case
from app.catalog import provider_ids
from app.catalog.rules import PAXG, USDC, PaymentMethod
from app.custody import opening_balances
from app.custody.wallet_addresses import TOKEN_CONTRACTS
from app.funding import custody_rail
from app.funding.custody_rail import CustodyRail
from app.funding.deposits import queries as deposit_queries
from app.funding.deposits import service as deposits
from app.funding.errors import NotCancellable, PayeeBlocked
from app.funding.ports import IncomingTransferRails, PaymentRails, PayoutOrder, PayoutRails
from app.funding.withdrawals import payouts
from app.funding.withdrawals import queries as withdrawal_queries
from app.funding.withdrawals import service as withdrawals
from app.kit import ids
from app.kit.money import Amount, Asset
from app.kit.ports import provide
from app.ledger import chart
from app.ledger import queries as ledger_queries
from app.providers.errors import ProviderOutcomeUnknown, ProviderRefused
from app.reconciliation import service as reconciliation
from app.screening.decisions.case_outcomes import TRUE_MATCH
from sandbox.faults import FaultMode
from tests import sanctions
from tests.paying_customer import verify_without_evidence
from tests.people import People, set_prices
from tests.provider_sandbox import Sandbox
from tests.rows import read_values
from tests.sandbox_custodians import (
    ADDRESS,
    NAMES,
    SEND_OPERATIONS,
    CustodyHarness,
    open_custody_harness,
)
from tests.unchanged_database import database_unchanged


class TokenCustomer:
    """A verified customer with tokens, and the custodians of the sandbox."""

    def __init__(self, harness: CustodyHarness, monkeypatch: pytest.MonkeyPatch) -> None:
        self.harness, self.database = harness, harness.database
        self.people = People(self.database)
        self.actor: Actor = self.people.customer(PAXG="2")
        verify_without_evidence(self.database, self.actor.user_id)
        provide(PaymentRails, PaymentRails({}))
        provide(IncomingTransferRails, IncomingTransferRails({}))
        provide(PayoutRails, PayoutRails({PaymentMethod.CRYPTO: CustodyRail(self.database)}))
        opening_balances.open_books(self.database)
        self._opening = {owner: self._booked_units(owner) for owner in provider_ids.PROVIDER_NAMES}

    def announce_deposit(self, amount: str, asset: Asset = PAXG) -> tuple[UUID, str]:
        """Announce a deposit; return its id and the wallet address to send to."""
        with self.database.transaction() as session:
            deposit_id = deposits.request(
                session, self.actor, method=PaymentMethod.CRYPTO, amount=Amount.parse(asset, amount)
            ).id
        self.harness.run_jobs("funding.give_address")
        self.harness.run_jobs("custody.make_address")
        with self.database.transaction() as session:
            custody_rail.share_deposit_address(session, deposit_id)
        with self.database.reading() as session:
            deposit = deposit_queries.deposit(session, deposit_id)
        assert deposit.instructions is not None
        return deposit_id, deposit.instructions["address"]

    def withdraw(self, amount: str, address: str = ADDRESS) -> UUID:
        with self.database.transaction() as session:
            withdrawal = withdrawals.request(
                session,
                self.actor,
                method=PaymentMethod.CRYPTO,
                amount=Amount.parse(PAXG, amount),
                destination={"network": "ETHEREUM", "address": address},
            )
        return withdrawal.id

    def status(self, withdrawal_id: UUID) -> str:
        with self.database.reading() as session:
            return withdrawal_queries.withdrawal(session, withdrawal_id).status

    def run_credits(self) -> None:
        """Run the jobs that credit incoming tokens."""
        self.harness.run_jobs("funding.credit_arrival")

    def booked_change(self, owner: UUID, asset: Asset = PAXG) -> int:
        """Return the change of a custodian's booked balance since the start, in units."""
        return self._booked_units(owner)[asset] - self._opening[owner][asset]

    def _booked_units(self, owner: UUID) -> dict[Asset, int]:
        with self.database.reading() as session:
            return {
                asset: ledger_queries.account_balance(session, chart.custody(asset, owner))
                for asset in (PAXG, USDC)
            }

    def differences(self) -> int:
        runs = reconciliation.reconcile_all(self.database)
        assert [run.failure for run in runs if run.failure] == []
        return sum(run.differences for run in runs)


@pytest.fixture
def token_customer(
    lone_app: Flask, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TokenCustomer]:
    with open_custody_harness(lone_app, sandbox, monkeypatch) as harness:
        sanctions.import_sample_list(harness.database)
        set_prices(harness.database, AU="4000", PAXG="4000")
        yield TokenCustomer(harness, monkeypatch)


def test_arrived_tokens_are_credited_whatever_was_announced(token_customer: TokenCustomer) -> None:
    deposit_id, address = token_customer.announce_deposit("0.5")
    token_customer.harness.receive_tokens("paxos", address, "0.3")
    token_customer.harness.deliver_webhooks()
    token_customer.run_credits()
    token_customer.harness.poll()
    token_customer.run_credits()
    assert token_customer.people.balances(token_customer.actor) == {"PAXG": "2.30000000"}
    assert token_customer.booked_change(provider_ids.PAXOS) == 30_000_000
    with token_customer.database.reading() as session:
        assert deposit_queries.deposit(session, deposit_id).status == "credited"
    # Another token to the same address, not announced.
    token_customer.harness.receive_tokens("paxos", address, "12.5", asset="USDC")
    token_customer.harness.poll()
    token_customer.run_credits()
    assert token_customer.people.balances(token_customer.actor) == {
        "PAXG": "2.30000000",
        "USDC": "12.500000",
    }
    assert token_customer.booked_change(provider_ids.PAXOS, USDC) == 12_500_000
    assert token_customer.differences() == 0


def test_token_withdrawal_is_paid_once_and_its_cost_booked(token_customer: TokenCustomer) -> None:
    withdrawal_id = token_customer.withdraw("0.5")
    payouts.advance(token_customer.database, withdrawal_id)
    assert token_customer.status(withdrawal_id) == "sent"
    token_customer.harness.reference = ids.encode(withdrawals.PREFIX, withdrawal_id)
    token_customer.harness.sandbox.call_control(
        "paxos", f"/sends/{token_customer.harness.reference}/completed"
    )
    token_customer.harness.deliver_webhooks()
    assert token_customer.harness.settlements_staged() == 1
    custody_rail.settle_withdrawal(token_customer.database, token_customer.harness.reference)
    assert token_customer.status(withdrawal_id) == "completed"
    assert token_customer.people.balances(token_customer.actor) == {"PAXG": "1.50000000"}
    # The fee of 0.0008 stays, of which Paxos takes 0.0002.
    assert token_customer.booked_change(provider_ids.PAXOS) == -49_920_000 - 20_000
    assert token_customer.harness.recorded_sends() == [("paxos", "0.49920000", "completed")]
    assert token_customer.differences() == 0


@pytest.mark.parametrize("mode", [FaultMode.HANG_UP_AFTER, FaultMode.HANG_UP_BEFORE])
def test_unanswered_send_is_unknown_and_then_paid_once(
    token_customer: TokenCustomer, mode: FaultMode
) -> None:
    withdrawal_id = token_customer.withdraw("0.5")
    token_customer.harness.reference = ids.encode(withdrawals.PREFIX, withdrawal_id)
    token_customer.harness.sandbox.schedule_fault("paxos", SEND_OPERATIONS["paxos"], mode)
    token_customer.harness.sandbox.schedule_fault(
        "paxos", "transfers.list", FaultMode.DOWN, times=3
    )
    with pytest.raises(ProviderOutcomeUnknown):
        payouts.advance(token_customer.database, withdrawal_id)
    assert token_customer.status(withdrawal_id) == "unknown"
    token_customer.harness.configure()
    payouts.advance(token_customer.database, withdrawal_id)
    assert token_customer.status(withdrawal_id) == "sent"
    assert len(token_customer.harness.recorded_sends()) == 1


def test_withdrawal_that_custody_still_tries_cannot_be_cancelled(
    token_customer: TokenCustomer,
) -> None:
    """No custodian has a sufficient balance at first."""
    for name in NAMES:
        token_customer.harness.set_balance(name, "0.1")
    withdrawal_id = token_customer.withdraw("0.5")
    with pytest.raises(ProviderOutcomeUnknown):
        payouts.advance(token_customer.database, withdrawal_id)
    with pytest.raises(NotCancellable), token_customer.database.transaction() as session:
        withdrawals.cancel(session, token_customer.actor, withdrawal_id)
    token_customer.harness.set_balance("anchorage", "3")
    payouts.advance(token_customer.database, withdrawal_id)
    assert token_customer.status(withdrawal_id) == "sent"


def test_refused_send_releases_the_hold(token_customer: TokenCustomer) -> None:
    withdrawal_id = token_customer.withdraw("0.5")
    token_customer.harness.sandbox.schedule_fault(
        "paxos", SEND_OPERATIONS["paxos"], FaultMode.REFUSED
    )
    payouts.advance(token_customer.database, withdrawal_id)
    assert token_customer.status(withdrawal_id) == "failed"
    assert token_customer.people.balances(token_customer.actor) == {"PAXG": "2.00000000"}
    assert token_customer.booked_change(provider_ids.PAXOS) == 0


def test_address_is_checked_again_before_a_send(token_customer: TokenCustomer) -> None:
    order = PayoutOrder(
        ids.encode("wdr", ids.new()),
        Amount.parse(PAXG, "0.5"),
        {"network": "ETHEREUM", "address": TOKEN_CONTRACTS["PAXG"]},
    )
    with (
        database_unchanged(token_customer.database),
        pytest.raises(ProviderRefused, match="address_not_payable"),
    ):
        CustodyRail(token_customer.database).send(order)


def test_withdrawal_to_a_listed_wallet_is_refused_and_recorded(
    token_customer: TokenCustomer,
) -> None:
    """A wallet that was matched once is refusal to every customer, and the attempt is audited."""
    token_customer.withdraw("0.5", sanctions.LISTED_WALLET)
    officer = token_customer.people.staff(Role.COMPLIANCE)
    with token_customer.database.transaction() as session:
        [case_id] = read_values(session, Case.id, Case.kind == "screening.hit")
        cases.close(session, officer, case_id, disposition=TRUE_MATCH, reason="It is theirs")
    token_customer.actor = token_customer.people.customer(PAXG="2")
    verify_without_evidence(token_customer.database, token_customer.actor.user_id)
    with pytest.raises(PayeeBlocked):
        token_customer.withdraw("0.5", sanctions.LISTED_WALLET)
    with token_customer.database.reading() as session:
        person = (token_customer.actor.user_id,)
        screenings = "SELECT count(*) FROM screenings WHERE person_id = %s AND verdict = 'blocked'"
        denials = (
            "SELECT count(*) FROM audit_records WHERE action = 'withdrawal.requested'"
            " AND outcome = 'denied' AND actor_id = %s"
        )
        assert session.fetch((screenings, person), (denials, person)) == [[(1,)], [(1,)]]
    assert token_customer.people.balances(token_customer.actor) == {"PAXG": "2.00000000"}
