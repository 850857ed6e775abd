"""Incoming token transfers are recorded once; deposit addresses are never shared."""

import json
from datetime import timedelta

import pytest
import time_machine

from app.catalog.rules import PAXG, XAU
from app.custody import addresses, incoming_tokens
from app.custody import queries as custody_queries
from app.custody.errors import AddressTaken
from app.custody.ports import Custodians
from app.custody.queries import IncomingTokenTransfer
from app.kit import clock
from app.kit.db import Session
from app.kit.errors import FeatureDisabled
from app.kit.list_query import ListQuery, fetch_page
from app.kit.ports import resolve
from app.ledger import chart
from app.ledger import queries as ledger_queries
from app.providers.errors import ProviderRefused, ProviderUnavailable
from sandbox.faults import FaultMode
from tests.people import People
from tests.sandbox_custodians import NAMES, CustodyHarness
from tests.unchanged_database import database_unchanged

each_custodian = pytest.mark.parametrize("name", NAMES)


@pytest.fixture
def address(harness: CustodyHarness, name: str) -> str:
    """Return a customer's address at this custodian, the only configured one."""
    harness.configure(name)
    return harness.deposit_address(People(harness.database).customer().user_id)


def newest_transfers(session: Session) -> list[IncomingTokenTransfer]:
    query = ListQuery({}, "-seen", limit=9)
    return fetch_page(session, custody_queries.INCOMING_TRANSFERS, query).rows


@each_custodian
def test_webhook_records_an_incoming_transfer(
    harness: CustodyHarness, name: str, address: str
) -> None:
    reference = harness.receive_tokens(name, address, "1.25")
    assert harness.deliver_webhooks() == [204]
    assert harness.recorded_transfers(address) == [("PAXG", 125_000_000)]
    assert harness.credits_staged(address) == 1
    with harness.database.reading() as session:
        [transfer] = [
            candidate for candidate in newest_transfers(session) if candidate.address == address
        ]
        assert custody_queries.incoming_transfer(session, transfer.id) == transfer
    assert (transfer.custodian, transfer.provider_ref) == (name, reference)
    assert transfer.provider_id == resolve(Custodians)[name].provider_id
    assert transfer.tx_hash.startswith("0x")
    assert transfer.user_id is not None


@each_custodian
def test_poll_records_a_transfer_whose_webhook_was_lost(
    harness: CustodyHarness, name: str, address: str
) -> None:
    harness.sandbox.schedule_fault(name, "webhook", FaultMode.LOST)
    harness.receive_tokens(name, address, "0.5")
    assert harness.deliver_webhooks() == []
    harness.poll()
    assert harness.recorded_transfers(address) == [("PAXG", 50_000_000)]
    assert harness.credits_staged(address) == 1
    harness.poll()
    assert harness.credits_staged(address) == 1


@each_custodian
def test_repeated_reports_record_a_transfer_once(
    harness: CustodyHarness, name: str, address: str
) -> None:
    harness.sandbox.schedule_fault(name, "webhook", FaultMode.DUPLICATE)
    harness.receive_tokens(name, address, "0.5")
    harness.poll()
    assert harness.deliver_webhooks() == [204, 204]
    harness.poll()
    assert harness.recorded_transfers(address) == [("PAXG", 50_000_000)]
    assert harness.credits_staged(address) == 1


@each_custodian
def test_transfer_is_recorded_only_when_it_is_final(
    harness: CustodyHarness, name: str, address: str
) -> None:
    reference = harness.receive_tokens(name, address, "0.5", state="pending")
    harness.deliver_webhooks()
    harness.poll()
    assert harness.recorded_transfers(address) == []
    # Later transfers are recorded meanwhile, and the pending one stays in the poll.
    harness.receive_tokens(name, address, "0.1")
    harness.poll()
    assert harness.recorded_transfers(address) == [("PAXG", 10_000_000)]
    harness.sandbox.schedule_fault(name, "webhook", FaultMode.LOST)
    harness.sandbox.call_control(name, f"/transfers/{reference}/completed")
    harness.poll()
    assert harness.recorded_transfers(address) == [("PAXG", 10_000_000), ("PAXG", 50_000_000)]
    assert harness.credits_staged(address) == 2


@pytest.mark.parametrize("name", ["paxos"])
def test_failed_transfer_is_not_recorded(harness: CustodyHarness, name: str, address: str) -> None:
    reference = harness.receive_tokens(name, address, "0.5", state="pending")
    harness.sandbox.call_control(name, f"/transfers/{reference}/failed")
    harness.deliver_webhooks()
    harness.poll()
    assert harness.recorded_transfers(address) == []


@each_custodian
def test_late_webhook_of_an_earlier_state_changes_nothing(
    harness: CustodyHarness, name: str, address: str
) -> None:
    """The webhook of the pending state arrives after that of the completed state."""
    harness.sandbox.schedule_fault(name, "webhook", FaultMode.LATE, seconds=60)
    reference = harness.receive_tokens(name, address, "0.5", state="pending")
    harness.sandbox.call_control(name, f"/transfers/{reference}/completed")
    assert harness.deliver_webhooks() == [204]
    assert harness.credits_staged(address) == 1
    with time_machine.travel(clock.now() + timedelta(minutes=2)):
        assert harness.deliver_webhooks() == [204]
    assert harness.recorded_transfers(address) == [("PAXG", 50_000_000)]
    assert harness.credits_staged(address) == 1


@pytest.mark.parametrize("name", ["paxos"])
def test_transfer_of_another_asset_is_recorded_as_that_asset(
    harness: CustodyHarness, name: str, address: str
) -> None:
    harness.receive_tokens(name, address, "12.5", asset="USDC")
    harness.deliver_webhooks()
    assert harness.recorded_transfers(address) == [("USDC", 12_500_000)]


def test_amount_with_more_decimals_is_rounded_down(harness: CustodyHarness) -> None:
    harness.configure("paxos")
    address = harness.deposit_address(People(harness.database).customer().user_id)
    harness.receive_tokens("paxos", address, "0.123456789999999999")
    harness.receive_tokens("paxos", address, "0.000000009")
    harness.deliver_webhooks()
    assert harness.recorded_transfers(address) == [("PAXG", 12_345_678)]


def test_transfer_to_an_unknown_address_is_recorded_and_opens_a_case(
    harness: CustodyHarness,
) -> None:
    address = "0x" + "0b" * 20
    harness.receive_tokens("paxos", address, "0.5")
    harness.deliver_webhooks()
    assert harness.recorded_transfers(address) == [("PAXG", 50_000_000)]
    with harness.database.reading() as session:
        [transfer] = [
            candidate for candidate in newest_transfers(session) if candidate.address == address
        ]
        cases = session.rows(
            "SELECT title FROM cases WHERE key = %s", (f"paxos:{transfer.provider_ref}",)
        )
    assert transfer.user_id is None
    assert harness.credits_staged(address) == 0
    assert cases == [("Incoming transfer to an unknown wallet address",)]


def test_dust_is_collected_on_one_account_without_a_case(harness: CustodyHarness) -> None:
    harness.configure("paxos")
    own_address = harness.deposit_address(People(harness.database).customer().user_id)
    unknown_address = "0x" + "0d" * 20

    def collected() -> int:
        with harness.database.reading() as session:
            return ledger_queries.account_balance(session, chart.dust(PAXG))

    before = collected()
    with harness.database.reading() as session:
        cases = session.value("SELECT count(*) FROM cases")
    harness.receive_tokens("paxos", own_address, "0.000000005")
    for address in (own_address, unknown_address):
        harness.receive_tokens("paxos", address, "0.00000099")
    harness.deliver_webhooks()
    harness.poll()
    assert collected() == before + 2 * 99
    assert harness.credits_staged(own_address) == 0
    with harness.database.reading() as session:
        assert session.value("SELECT count(*) FROM cases") == cases
    # The smallest amount that is credited.
    harness.receive_tokens("paxos", own_address, "0.000001")
    harness.deliver_webhooks()
    assert (collected(), harness.credits_staged(own_address)) == (before + 2 * 99, 1)


@pytest.mark.parametrize("name", ["anchorage"])
@pytest.mark.parametrize("mode", [FaultMode.FORGED, FaultMode.TAMPERED, FaultMode.STALE])
def test_unsigned_webhook_is_refused(
    harness: CustodyHarness, name: str, address: str, mode: FaultMode
) -> None:
    harness.receive_tokens(name, address, "0.1")
    harness.deliver_webhooks()
    harness.sandbox.schedule_fault(name, "webhook", mode)
    harness.receive_tokens(name, address, "0.5")
    with database_unchanged(harness.database):
        assert harness.deliver_webhooks() == [403]
    assert harness.credits_staged(address) == 1


@pytest.mark.parametrize("name", ["paxos", "primetrust"])
@pytest.mark.parametrize(
    "body",
    [
        {"id": "made-up", "type": "transfer.crypto_deposit.completed", "object": {}},
        {"resource_type": "asset_transfers", "resource_id": "made-up"},
        {"id": "../profiles", "resource_id": "../profiles", "resource_type": "asset_transfers"},
        {"id": 7, "resource_id": None},
    ],
)
def test_webhook_unknown_to_the_custodian_is_refused(
    harness: CustodyHarness, name: str, body: dict[str, object]
) -> None:
    with database_unchanged(harness.database, apart_from={"provider_calls"}):
        response = harness.app.test_client().post(f"/webhooks/{name}", json=body)
    assert response.status_code == 403


def test_tampered_webhook_is_refused(harness: CustodyHarness) -> None:
    harness.configure("paxos")
    address = harness.deposit_address(People(harness.database).customer().user_id)
    harness.receive_tokens("paxos", address, "0.5")
    [event] = harness.sandbox.store.find("_sandbox", "deliveries", state="due")
    payload = json.loads(event["body"])
    payload["object"]["amount"] = "500"
    with database_unchanged(harness.database, apart_from={"provider_calls"}):
        response = harness.app.test_client().post("/webhooks/paxos", json=payload)
    assert response.status_code == 403
    assert harness.deliver_webhooks() == [204]
    assert harness.recorded_transfers(address) == [("PAXG", 50_000_000)]


@each_custodian
def test_webhook_is_retried_while_its_custodian_is_unreachable(
    harness: CustodyHarness, name: str, address: str
) -> None:
    """It is delivered again, and stored then."""
    harness.receive_tokens(name, address, "0.5")
    harness.sandbox.schedule_fault(name, "*", FaultMode.DOWN, times=3)
    statuses = harness.deliver_webhooks()
    assert statuses in ([503], [204])
    with time_machine.travel(clock.now() + timedelta(minutes=2)):
        harness.deliver_webhooks()
        harness.poll()
    assert harness.credits_staged(address) == 1


def test_each_custodian_is_polled_by_a_job_of_its_own(harness: CustodyHarness) -> None:
    """The place of a slow custodian's job is taken by no other: each counts as its own provider."""
    for _ in range(2):
        with harness.database.transaction() as session:
            incoming_tokens.stage_polls(session)
    with harness.database.reading() as session:
        providers = session.rows(
            "SELECT provider FROM outbox WHERE task = 'custody.poll_custodian'"
            " AND done_at IS NULL ORDER BY provider"
        )
    assert providers == [(name,) for name in sorted(NAMES)]


def test_unreachable_custodian_does_not_hold_up_the_others(harness: CustodyHarness) -> None:
    harness.configure("anchorage")
    address = harness.deposit_address(People(harness.database).customer().user_id)
    harness.configure(
        PAXOS_BASE_URL="http://127.0.0.1:9/v2", PAXOS_OAUTH_URL="http://127.0.0.1:9/token"
    )
    harness.receive_tokens("anchorage", address, "0.5")
    harness.poll()
    assert harness.credits_staged(address) == 1
    with harness.database.reading() as session:
        names = {balance.custodian for balance in custody_queries.reported_balances(session)}
    assert names == {"anchorage", "primetrust"}


@each_custodian
def test_last_reported_balance_is_stored(harness: CustodyHarness, name: str) -> None:
    harness.configure(name)
    harness.set_balance(name, "7.5")
    harness.send("0.5")
    incoming_tokens.record_balances(harness.database, resolve(Custodians)[name])
    with harness.database.reading() as session:
        [gold] = [
            balance
            for balance in custody_queries.reported_balances(session)
            if balance.total.asset == PAXG
        ]
    assert gold.available < gold.total
    assert str(gold.total) == "7.50000000"


class TestAddresses:
    def test_each_person_and_asset_has_one_address(self, harness: CustodyHarness) -> None:
        people = People(harness.database)
        ada, bob = people.customer().user_id, people.customer().user_id
        made = {
            harness.deposit_address(ada),
            harness.deposit_address(ada, "USDC"),
            harness.deposit_address(bob),
        }
        assert len(made) == 3
        assert harness.deposit_address(ada) in made

    def test_assigned_address_is_not_assigned_again(self, harness: CustodyHarness) -> None:
        people = People(harness.database)
        taken = harness.deposit_address(people.customer().user_id)
        with harness.database.transaction() as session:
            requested = addresses.get_or_request_address(session, people.customer().user_id, PAXG)
        paxos = resolve(Custodians)["paxos"]
        resolve(Custodians).clear()
        resolve(Custodians)["paxos"] = RepeatingCustodian(paxos, taken.upper().replace("0X", "0x"))
        with database_unchanged(harness.database), pytest.raises(AddressTaken):
            addresses.create_address(harness.database, requested.id)

    @each_custodian
    def test_address_is_created_once_although_the_answer_was_lost(
        self, harness: CustodyHarness, name: str
    ) -> None:
        harness.configure(name)
        user_id = People(harness.database).customer().user_id
        before = len(harness.sandbox.store.find(name, "address"))
        harness.sandbox.schedule_fault(name, "addresses.create", FaultMode.HANG_UP_AFTER)
        made = harness.deposit_address(user_id)
        [address] = harness.sandbox.store.find(name, "address")[before:]
        assert address["address"] == made

    def test_unreachable_custodian_is_passed_over(self, harness: CustodyHarness) -> None:
        harness.configure(
            PAXOS_BASE_URL="http://127.0.0.1:9/v2", PAXOS_OAUTH_URL="http://127.0.0.1:9/token"
        )
        made = harness.deposit_address(People(harness.database).customer().user_id)
        assert harness.sandbox.store.find("anchorage", "address", address=made)

    def test_address_without_a_reachable_custodian_raises(self, harness: CustodyHarness) -> None:
        harness.configure(
            "paxos", PAXOS_BASE_URL="http://127.0.0.1:9/v2", PAXOS_OAUTH_URL="http://127.0.0.1:9/t"
        )
        with harness.database.transaction() as session:
            user_id = People(harness.database).customer().user_id
            requested = addresses.get_or_request_address(session, user_id, PAXG)
        with (
            database_unchanged(harness.database, apart_from={"provider_calls"}),
            pytest.raises(ProviderUnavailable),
        ):
            addresses.create_address(harness.database, requested.id)

    def test_tampered_address_is_refused(self, harness: CustodyHarness) -> None:
        harness.configure("anchorage")
        harness.sandbox.schedule_fault("anchorage", "addresses.create", FaultMode.WRONG_AMOUNT)
        with harness.database.transaction() as session:
            user_id = People(harness.database).customer().user_id
            requested = addresses.get_or_request_address(session, user_id, PAXG)
        with (
            database_unchanged(harness.database, apart_from={"provider_calls"}),
            pytest.raises(ProviderRefused),
        ):
            addresses.create_address(harness.database, requested.id)

    def test_unsupported_asset_has_no_address(self, harness: CustodyHarness) -> None:
        user_id = People(harness.database).customer().user_id
        with (
            database_unchanged(harness.database),
            pytest.raises(FeatureDisabled),
            harness.database.transaction() as session,
        ):
            addresses.get_or_request_address(session, user_id, XAU)

    def test_transfer_to_a_retired_address_is_still_the_persons(
        self, harness: CustodyHarness
    ) -> None:
        harness.configure("paxos")
        user_id = People(harness.database).customer().user_id
        old = harness.deposit_address(user_id)
        with harness.database.transaction() as session:
            addresses.retire_addresses(session, user_id)
        assert harness.deposit_address(user_id) != old
        harness.receive_tokens("paxos", old, "0.5")
        harness.deliver_webhooks()
        with harness.database.reading() as session:
            [transfer] = [
                candidate for candidate in newest_transfers(session) if candidate.address == old
            ]
        assert transfer.user_id == user_id


class RepeatingCustodian:
    """A custodian that returns the same address for every reference."""

    def __init__(self, custodian: object, address: str) -> None:
        self._custodian, self._address = custodian, address

    def __getattr__(self, name: str) -> object:
        return getattr(self._custodian, name)

    def create_address(self, *_arguments: object) -> str:
        return self._address
