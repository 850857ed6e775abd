"""Tokens in and out through custodians: credited as they came, paid once, and the books agree."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from flask import Flask

from app.access import Actor, Role
from app.cases import service as cases
from app.catalog import provider_ids
from app.catalog.rules import PAXG, USDC
from app.custody import opening_balances
from app.custody import rules as custody_rules
from app.funding import custody_rail
from app.funding.custody_rail import CustodyRail
from app.funding.deposits import queries as deposit_queries
from app.funding.deposits import service as deposits
from app.funding.errors import NotCancellable, PayeeBlocked
from app.funding.ports import IncomingTransferRails, PaymentMethod, PaymentRails, PayoutRails
from app.funding.withdrawals import payouts
from app.funding.withdrawals import queries as withdrawal_queries
from app.funding.withdrawals import service as withdrawals
from app.kit import ids
from app.kit.money import Amount, Asset
from app.kit.ports import provide
from app.ledger import chart
from app.ledger import queries as ledger_queries
from app.providers.errors import ProviderOutcomeUnknown
from app.reconciliation import service as reconciliation
from app.screening.decisions.case_decisions import TRUE_MATCH
from sandbox.faults import FaultMode
from tests import sanctions
from tests.custodians import ADDRESS, NAMES, SENDS, Desk, opened
from tests.people import People, set_prices
from tests.provider_sandbox import Sandbox
from tests.till import lift

CREDIT, SETTLE = custody_rules.CREDIT_TASK, custody_rules.SETTLE_TASK


class Counter:
    """A verified customer with tokens, and the custodians."""

    def __init__(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(custody_rules, "CREDIT_TASK", CREDIT)
        monkeypatch.setattr(custody_rules, "SETTLE_TASK", SETTLE)
        self.desk, self.database = desk, desk.database
        self.people = People(self.database)
        self.actor: Actor = self.people.customer(PAXG="2")
        lift(self.database, self.actor.user_id)
        provide(PaymentRails, PaymentRails({}))
        provide(IncomingTransferRails, IncomingTransferRails({}))
        provide(PayoutRails, PayoutRails({PaymentMethod.CRYPTO: CustodyRail(self.database)}))
        opening_balances.open_books(self.database)
        self._opening = {owner: self._booked(owner) for owner in provider_ids.PROVIDER_NAMES}

    def announce(self, amount: str, asset: Asset = PAXG) -> tuple[UUID, str]:
        """The deposit, and the address to send to."""
        with self.database.transaction() as session:
            deposit_id = deposits.request(
                session, self.actor, method=PaymentMethod.CRYPTO, amount=Amount.parse(asset, amount)
            )
        self.desk.work("funding.give_address")
        self.desk.work("custody.make_address")
        with self.database.transaction() as session:
            custody_rail.share_deposit_address(session, deposit_id=str(deposit_id))
        with self.database.reading() as session:
            shown = deposit_queries.deposit(session, deposit_id)
        assert shown.instructions is not None
        return deposit_id, shown.instructions["address"]

    def withdraw(self, amount: str, address: str = ADDRESS) -> UUID:
        with self.database.transaction() as session:
            asked = withdrawals.request(
                session,
                self.actor,
                method=PaymentMethod.CRYPTO,
                amount=Amount.parse(PAXG, amount),
                destination={"network": "ETHEREUM", "address": address},
            )
        assert isinstance(asked, UUID), asked
        return asked

    def status(self, withdrawal_id: UUID) -> str:
        with self.database.reading() as session:
            return withdrawal_queries.withdrawal(session, withdrawal_id).status

    def credit(self) -> None:
        """What custody has us credit."""
        self.desk.work(CREDIT)

    def kept(self, owner: UUID, asset: Asset = PAXG) -> int:
        """What came to a custodian and went from there, by our books."""
        return self._booked(owner)[asset] - self._opening[owner][asset]

    def _booked(self, owner: UUID) -> dict[Asset, int]:
        with self.database.reading() as session:
            return {
                asset: ledger_queries.account_balance(session, chart.custody(asset, owner))
                for asset in (PAXG, USDC)
            }

    def differences(self) -> int:
        runs = reconciliation.reconcile_all(self.database)
        assert [each.failure for each in runs if each.failure] == []
        return sum(each.differences for each in runs)


@pytest.fixture
def counter(
    lone_app: Flask, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Counter]:
    with opened(lone_app, sandbox, monkeypatch) as desk:
        sanctions.import_sample_list(desk.database)
        set_prices(desk.database, AU="4000", PAXG="4000")
        yield Counter(desk, monkeypatch)


def test_what_came_is_credited_whatever_was_announced(counter: Counter) -> None:
    deposit_id, address = counter.announce("0.5")
    counter.desk.arrive("paxos", address, "0.3")
    counter.desk.deliver()
    counter.credit()
    counter.desk.poll()
    counter.credit()
    assert counter.people.balances(counter.actor) == {"PAXG": "2.30000000"}
    assert counter.kept(provider_ids.PAXOS) == 30_000_000
    with counter.database.reading() as session:
        assert deposit_queries.deposit(session, deposit_id).status == "credited"
    # Another token at the same address, which nobody announced.
    counter.desk.arrive("paxos", address, "12.5", asset="USDC")
    counter.desk.poll()
    counter.credit()
    assert counter.people.balances(counter.actor) == {"PAXG": "2.30000000", "USDC": "12.500000"}
    assert counter.kept(provider_ids.PAXOS, USDC) == 12_500_000
    assert counter.differences() == 0


def test_a_withdrawal_is_paid_once_and_its_cost_booked(counter: Counter) -> None:
    withdrawal_id = counter.withdraw("0.5")
    payouts.advance(counter.database, withdrawal_id=str(withdrawal_id))
    assert counter.status(withdrawal_id) == "sent"
    counter.desk.reference = ids.encode(withdrawals.PREFIX, withdrawal_id)
    counter.desk.sandbox.call_control("paxos", f"/sends/{counter.desk.reference}/completed")
    counter.desk.deliver()
    assert counter.desk.told(SETTLE) == 1
    custody_rail.settle_withdrawal(counter.database, reference=counter.desk.reference)
    assert counter.status(withdrawal_id) == "completed"
    assert counter.people.balances(counter.actor) == {"PAXG": "1.50000000"}
    assert counter.kept(provider_ids.PAXOS) == -50_000_000 - 20_000
    assert counter.desk.sent() == [("paxos", "0.50000000", "completed")]
    assert counter.differences() == 0


@pytest.mark.parametrize("mode", [FaultMode.HANG_UP_AFTER, FaultMode.HANG_UP_BEFORE])
def test_no_answer_is_unknown_and_then_paid_once(counter: Counter, mode: FaultMode) -> None:
    withdrawal_id = counter.withdraw("0.5")
    counter.desk.reference = ids.encode(withdrawals.PREFIX, withdrawal_id)
    counter.desk.sandbox.schedule_fault("paxos", SENDS["paxos"], mode)
    counter.desk.sandbox.schedule_fault("paxos", "transfers.list", FaultMode.DOWN, times=3)
    with pytest.raises(ProviderOutcomeUnknown):
        payouts.advance(counter.database, withdrawal_id=str(withdrawal_id))
    assert counter.status(withdrawal_id) == "unknown"
    counter.desk.open()
    payouts.advance(counter.database, withdrawal_id=str(withdrawal_id))
    assert counter.status(withdrawal_id) == "sent"
    assert len(counter.desk.sent()) == 1


def test_what_custody_goes_on_with_cannot_be_cancelled(counter: Counter) -> None:
    """Nobody has enough at the moment."""
    for name in NAMES:
        counter.desk.balance(name, "0.1")
    withdrawal_id = counter.withdraw("0.5")
    with pytest.raises(ProviderOutcomeUnknown):
        payouts.advance(counter.database, withdrawal_id=str(withdrawal_id))
    with pytest.raises(NotCancellable), counter.database.transaction() as session:
        withdrawals.cancel(session, counter.actor, withdrawal_id)
    counter.desk.balance("anchorage", "3")
    payouts.advance(counter.database, withdrawal_id=str(withdrawal_id))
    assert counter.status(withdrawal_id) == "sent"


def test_what_no_custodian_will_send_is_the_customers_again(counter: Counter) -> None:
    withdrawal_id = counter.withdraw("0.5")
    counter.desk.sandbox.schedule_fault("paxos", SENDS["paxos"], FaultMode.REFUSED)
    payouts.advance(counter.database, withdrawal_id=str(withdrawal_id))
    assert counter.status(withdrawal_id) == "failed"
    assert counter.people.balances(counter.actor) == {"PAXG": "2.00000000"}
    assert counter.kept(provider_ids.PAXOS) == 0


def test_that_a_listed_address_was_tried_is_kept(counter: Counter) -> None:
    """Decided about once, it is refused to everybody; and nothing of that is forgotten."""
    counter.withdraw("0.5", sanctions.LISTED_WALLET)
    officer = counter.people.staff(Role.COMPLIANCE)
    with counter.database.transaction() as session:
        [(case_id,)] = session.rows("SELECT id FROM cases WHERE kind = 'screening.hit'")
        cases.close(session, officer, case_id, disposition=TRUE_MATCH, reason="It is theirs")
    counter.actor = counter.people.customer(PAXG="2")
    lift(counter.database, counter.actor.user_id)
    with counter.database.transaction() as session:
        refused = withdrawals.request(
            session,
            counter.actor,
            method=PaymentMethod.CRYPTO,
            amount=Amount.parse(PAXG, "0.5"),
            destination={"network": "ETHEREUM", "address": sanctions.LISTED_WALLET},
        )
    assert isinstance(refused, PayeeBlocked)
    with counter.database.reading() as session:
        mine = (counter.actor.user_id,)
        screened = "SELECT count(*) FROM screenings WHERE person_id = %s AND verdict = 'blocked'"
        denied = (
            "SELECT count(*) FROM audit_records WHERE action = 'withdrawal.requested'"
            " AND outcome = 'denied' AND actor_id = %s"
        )
        assert session.fetch((screened, mine), (denied, mine)) == [[(1,)], [(1,)]]
    assert counter.people.balances(counter.actor) == {"PAXG": "2.00000000"}
