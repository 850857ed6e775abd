"""Custodians' balances against the books: booked once at the opening, then compared."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import pytest
from flask import Flask

from app.catalog import provider_ids
from app.catalog.rules import PAXG, USDC
from app.cli.custody import custody
from app.custody import opening_balances, send_records
from app.custody.ports import (
    CustodianBalance,
    Custodians,
    CustodyTerms,
    CustodyTransfer,
    Direction,
    Network,
    SendOrder,
)
from app.custody.rules import SendState
from app.kit import clock, ids
from app.kit.db import Database
from app.kit.money import Amount, Asset
from app.kit.ports import provide
from app.ledger import chart
from app.ledger import queries as ledger_queries
from app.providers.errors import ProviderUnavailable
from app.providers.ports import Listing
from app.reconciliation import service as reconciliation
from app.reconciliation.queries import ReconciliationRun
from tests import sanctions
from tests.paying_customer import PayingCustomer, create_paying_customer
from tests.people import People


@dataclass
class ScriptedCustodian:
    """A custodian whose balances the test sets. Nothing moves there."""

    kept: dict[Asset, str]
    name: str = "paxos"
    provider_id: UUID = provider_ids.PAXOS
    is_unreachable: bool = False
    asked: int = 0
    terms: Sequence[CustodyTerms] = field(
        default_factory=lambda: [
            CustodyTerms(asset, Network.ETHEREUM, Amount(asset, 0)) for asset in (PAXG, USDC)
        ]
    )

    def balances(self) -> Listing[CustodianBalance]:
        self.asked += 1
        if self.is_unreachable:
            raise ProviderUnavailable("away")
        totals = [Amount.parse(asset, text) for asset, text in self.kept.items()]
        return Listing([CustodianBalance(each, each) for each in totals])

    def transfers(
        self, since: datetime, direction: Direction | None = None
    ) -> Listing[CustodyTransfer]:
        return Listing([])

    def create_address(self, reference: str, asset: Asset, network: Network) -> str:
        raise NotImplementedError

    def send(self, order: SendOrder) -> CustodyTransfer:
        raise NotImplementedError

    def find(self, reference: str, *, since: datetime) -> CustodyTransfer | None:
        raise NotImplementedError

    def transfer(self, provider_ref: str) -> CustodyTransfer | None:
        raise NotImplementedError


@pytest.fixture
def customer(lone_app: Flask) -> PayingCustomer:
    database: Database = lone_app.extensions["database"]
    sanctions.import_sample_list(database)
    return create_paying_customer(database, People(database))


@pytest.fixture
def custodian(customer: PayingCustomer) -> ScriptedCustodian:
    custodian = ScriptedCustodian({PAXG: "100", USDC: "7"})
    provide(Custodians, Custodians({custodian.name: custodian}))
    return custodian


def booked_paxg(customer: PayingCustomer) -> str:
    with customer.database.reading() as session:
        units = ledger_queries.account_balance(session, chart.custody(PAXG, provider_ids.PAXOS))
    return str(Amount(PAXG, units))


def compared(customer: PayingCustomer) -> ReconciliationRun:
    runs = {run.source: run for run in reconciliation.reconcile_all(customer.database)}
    return runs["paxos balances"]


def cases(customer: PayingCustomer) -> list[str]:
    with customer.database.reading() as session:
        rows = session.rows("SELECT subject FROM cases WHERE kind = 'reconciliation' ORDER BY 1")
    return [subject for (subject,) in rows]


def test_opening_balances_are_booked_once(
    customer: PayingCustomer, custodian: ScriptedCustodian
) -> None:
    assert compared(customer).differences == 2
    assert cases(customer) == ["paxos PAXG", "paxos USDC"]
    opening_balances.open_books(customer.database)
    assert booked_paxg(customer) == "100.00000000"
    custodian.kept[PAXG] = "120"
    opening_balances.open_books(customer.database)
    assert booked_paxg(customer) == "100.00000000"


def test_difference_opens_one_case(customer: PayingCustomer, custodian: ScriptedCustodian) -> None:
    opening_balances.open_books(customer.database)
    run = compared(customer)
    assert (run.compared, run.differences, run.failure) == (2, 0, None)
    custodian.kept[PAXG] = "99.99999999"
    assert [compared(customer).differences for _ in range(2)] == [1, 1]
    assert cases(customer) == ["paxos PAXG"]


def test_dust_that_adds_up_is_collected(
    customer: PayingCustomer, custodian: ScriptedCustodian
) -> None:
    opening_balances.open_books(customer.database)
    custodian.kept[PAXG] = "100.00000099"
    run = compared(customer)
    assert (run.compared, run.healed, run.differences) == (2, 1, 0)
    assert booked_paxg(customer) == "100.00000099"
    custodian.kept[PAXG] = "100.00000199"
    assert compared(customer).differences == 1
    custodian.kept[PAXG] = "100.00000098"
    assert compared(customer).differences == 1
    assert booked_paxg(customer) == "100.00000099"


def test_asset_in_flight_is_compared_later(
    customer: PayingCustomer, custodian: ScriptedCustodian
) -> None:
    opening_balances.open_books(customer.database)
    order = SendOrder(ids.encode("wdr", ids.new()), Amount.parse(PAXG, "1"), "0x", Network.ETHEREUM)
    with customer.database.transaction() as session:
        send_records.plan_send(session, order)
        send = send_records.lock_send(session, order.reference)
        assert send is not None
        send_records.claim_send(session, send, clock.now())
        send_records.record_attempt(session, send, custodian.name, clock.now())
    assert compared(customer).failure is None
    custodian.kept[PAXG] = "99"
    run = compared(customer)
    assert (run.compared, run.differences, run.failure) == (1, 0, "TransfersInFlight: PAXG")
    assert cases(customer) == []
    with customer.database.transaction() as session:
        send = send_records.lock_send(session, order.reference)
        assert send is not None
        send_records.transition(session, send, SendState.REFUSED, "refused")
    assert compared(customer).differences == 1


def test_unreachable_custodian_changes_nothing(
    customer: PayingCustomer, custodian: ScriptedCustodian
) -> None:
    custodian.is_unreachable = True
    with pytest.raises(ProviderUnavailable):
        opening_balances.open_books(customer.database)
    assert booked_paxg(customer) == "0.00000000"
    assert compared(customer).failure == "ProviderUnavailable: away"


def test_opening_balances_on_the_command_line(
    lone_app: Flask, customer: PayingCustomer, custodian: ScriptedCustodian
) -> None:
    runner = lone_app.test_cli_runner()
    assert runner.invoke(custody, ["open"]).output == "paxos: 100.00000000 PAXG, 7.000000 USDC\n"
    assert runner.invoke(custody, ["open"]).output == "paxos: nothing to book\n"
    assert booked_paxg(customer) == "100.00000000"
    custodian.is_unreachable = True
    failed = runner.invoke(custody, ["open"])
    assert (failed.exit_code, failed.output) == (1, "Error: paxos: away\n")
