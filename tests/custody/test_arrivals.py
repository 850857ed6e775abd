"""What came in is noted once, with what came; addresses are never shared."""

import json
from datetime import timedelta

import pytest
import time_machine

from app.catalog.rules import PAXG, XAU
from app.custody import addresses, incoming_tokens
from app.custody import queries as custody_queries
from app.custody.errors import AddressTaken
from app.custody.ports import Custodians
from app.kit import clock
from app.kit.errors import FeatureDisabled
from app.kit.ports import resolve
from app.providers.errors import ProviderRefused, ProviderUnavailable
from sandbox.faults import FaultMode
from tests.custodians import NAMES, Desk
from tests.people import People
from tests.unchanged_database import database_unchanged

each_custodian = pytest.mark.parametrize("name", NAMES)


@pytest.fixture
def address(desk: Desk, name: str) -> str:
    """A customer's address at a custodian, which is the only one."""
    desk.open(name)
    return desk.address(People(desk.database).customer().user_id)


@each_custodian
def test_by_its_webhook(desk: Desk, name: str, address: str) -> None:
    reference = desk.arrive(name, address, "1.25")
    assert desk.deliver() == [204]
    assert desk.arrived(address) == [("PAXG", 125_000_000)]
    assert desk.credited(address) == 1
    with desk.database.reading() as session:
        [came] = [
            each
            for each in custody_queries.recent_incoming_transfers(session, 9)
            if each.address == address
        ]
        assert custody_queries.incoming_transfer(session, came.id) == came
    assert (came.custodian, came.provider_ref) == (name, reference)
    assert came.provider_id == resolve(Custodians)[name].provider_id
    assert came.tx_hash.startswith("0x")
    assert came.user_id is not None


@each_custodian
def test_by_the_poll_when_the_webhook_is_lost(desk: Desk, name: str, address: str) -> None:
    desk.sandbox.schedule_fault(name, "webhook", FaultMode.LOST)
    desk.arrive(name, address, "0.5")
    assert desk.deliver() == []
    desk.poll()
    assert desk.arrived(address) == [("PAXG", 50_000_000)]
    assert desk.credited(address) == 1
    desk.poll()
    assert desk.credited(address) == 1


@each_custodian
def test_once_however_often_it_is_told(desk: Desk, name: str, address: str) -> None:
    desk.sandbox.schedule_fault(name, "webhook", FaultMode.DUPLICATE)
    desk.arrive(name, address, "0.5")
    desk.poll()
    assert desk.deliver() == [204, 204]
    desk.poll()
    assert desk.arrived(address) == [("PAXG", 50_000_000)]
    assert desk.credited(address) == 1


@each_custodian
def test_only_when_it_is_final(desk: Desk, name: str, address: str) -> None:
    reference = desk.arrive(name, address, "0.5", state="pending")
    desk.deliver()
    desk.poll()
    assert desk.arrived(address) == []
    # Later ones are dealt with meanwhile, and it is not forgotten for that.
    desk.arrive(name, address, "0.1")
    desk.poll()
    assert desk.arrived(address) == [("PAXG", 10_000_000)]
    desk.sandbox.schedule_fault(name, "webhook", FaultMode.LOST)
    desk.sandbox.call_control(name, f"/transfers/{reference}/completed")
    desk.poll()
    assert desk.arrived(address) == [("PAXG", 10_000_000), ("PAXG", 50_000_000)]
    assert desk.credited(address) == 2


@pytest.mark.parametrize("name", ["paxos"])
def test_never_if_it_failed(desk: Desk, name: str, address: str) -> None:
    reference = desk.arrive(name, address, "0.5", state="pending")
    desk.sandbox.call_control(name, f"/transfers/{reference}/failed")
    desk.deliver()
    desk.poll()
    assert desk.arrived(address) == []


@each_custodian
def test_late_news_of_an_earlier_state_change_nothing(desk: Desk, name: str, address: str) -> None:
    """The webhook of its beginning comes after that of its end."""
    desk.sandbox.schedule_fault(name, "webhook", FaultMode.LATE, seconds=60)
    reference = desk.arrive(name, address, "0.5", state="pending")
    desk.sandbox.call_control(name, f"/transfers/{reference}/completed")
    assert desk.deliver() == [204]
    assert desk.credited(address) == 1
    with time_machine.travel(clock.now() + timedelta(minutes=2)):
        assert desk.deliver() == [204]
    assert desk.arrived(address) == [("PAXG", 50_000_000)]
    assert desk.credited(address) == 1


@pytest.mark.parametrize("name", ["paxos"])
def test_what_is_another_asset_is_that_asset(desk: Desk, name: str, address: str) -> None:
    desk.arrive(name, address, "12.5", asset="USDC")
    desk.deliver()
    assert desk.arrived(address) == [("USDC", 12_500_000)]


def test_what_is_finer_than_we_count_is_rounded_down(desk: Desk) -> None:
    desk.open("paxos")
    address = desk.address(People(desk.database).customer().user_id)
    desk.arrive("paxos", address, "0.123456789999999999")
    desk.arrive("paxos", address, "0.000000009")
    desk.deliver()
    assert desk.arrived(address) == [("PAXG", 12_345_678)]


def test_what_comes_to_nobodys_address_is_noted_too(desk: Desk) -> None:
    address = "0x" + "0b" * 20
    desk.arrive("paxos", address, "0.5")
    desk.deliver()
    assert desk.arrived(address) == [("PAXG", 50_000_000)]
    with desk.database.reading() as session:
        [came] = [
            each
            for each in custody_queries.recent_incoming_transfers(session, 9)
            if each.address == address
        ]
        cases = session.rows(
            "SELECT title FROM cases WHERE key = %s", (f"paxos:{came.provider_ref}",)
        )
    assert came.user_id is None
    assert desk.credited(address) == 0
    assert cases == [("Incoming transfer to an unknown wallet address",)]


@pytest.mark.parametrize("name", ["anchorage"])
@pytest.mark.parametrize("mode", [FaultMode.FORGED, FaultMode.TAMPERED, FaultMode.STALE])
def test_what_is_not_signed_is_refused(
    desk: Desk, name: str, address: str, mode: FaultMode
) -> None:
    desk.arrive(name, address, "0.1")
    desk.deliver()
    desk.sandbox.schedule_fault(name, "webhook", mode)
    desk.arrive(name, address, "0.5")
    with database_unchanged(desk.database):
        assert desk.deliver() == [403]
    assert desk.credited(address) == 1


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
def test_what_the_custodian_does_not_know_is_refused(
    desk: Desk, name: str, body: dict[str, object]
) -> None:
    with database_unchanged(desk.database, apart_from={"provider_calls"}):
        answer = desk.app.test_client().post(f"/webhooks/{name}", json=body)
    assert answer.status_code == 403


def test_what_was_changed_on_the_way_is_refused(desk: Desk) -> None:
    desk.open("paxos")
    address = desk.address(People(desk.database).customer().user_id)
    desk.arrive("paxos", address, "0.5")
    [event] = desk.sandbox.store.find("_sandbox", "deliveries", state="due")
    said = json.loads(event["body"])
    said["object"]["amount"] = "500"
    with database_unchanged(desk.database, apart_from={"provider_calls"}):
        answer = desk.app.test_client().post("/webhooks/paxos", json=said)
    assert answer.status_code == 403
    assert desk.deliver() == [204]
    assert desk.arrived(address) == [("PAXG", 50_000_000)]


@each_custodian
def test_a_webhook_waits_while_its_custodian_cannot_be_asked(
    desk: Desk, name: str, address: str
) -> None:
    """It is sent again, and taken then."""
    desk.arrive(name, address, "0.5")
    desk.sandbox.schedule_fault(name, "*", FaultMode.DOWN, times=3)
    statuses = desk.deliver()
    assert statuses in ([503], [204])
    with time_machine.travel(clock.now() + timedelta(minutes=2)):
        desk.deliver()
        desk.poll()
    assert desk.credited(address) == 1


def test_one_that_does_not_answer_keeps_the_others_from_nothing(desk: Desk) -> None:
    desk.open("anchorage")
    address = desk.address(People(desk.database).customer().user_id)
    desk.open(paxos_base_url="http://127.0.0.1:9/v2", paxos_oauth_url="http://127.0.0.1:9/token")
    desk.arrive("anchorage", address, "0.5")
    desk.poll()
    assert desk.credited(address) == 1
    with desk.database.reading() as session:
        names = {each.custodian for each in custody_queries.reported_balances(session)}
    assert names == {"anchorage", "primetrust"}


@each_custodian
def test_what_they_keep_is_what_they_said_last(desk: Desk, name: str) -> None:
    desk.open(name)
    desk.balance(name, "7.5")
    desk.send("0.5")
    incoming_tokens.record_balances(desk.database, resolve(Custodians)[name])
    with desk.database.reading() as session:
        [gold] = [
            each for each in custody_queries.reported_balances(session) if each.total.asset == PAXG
        ]
    assert gold.available < gold.total
    assert str(gold.total) == "7.50000000"


class TestAddresses:
    def test_each_person_and_asset_has_one(self, desk: Desk) -> None:
        people = People(desk.database)
        ada, bob = people.customer().user_id, people.customer().user_id
        made = {desk.address(ada), desk.address(ada, "USDC"), desk.address(bob)}
        assert len(made) == 3
        assert desk.address(ada) in made

    def test_one_that_belongs_to_somebody_is_given_to_nobody_else(self, desk: Desk) -> None:
        people = People(desk.database)
        taken = desk.address(people.customer().user_id)
        with desk.database.transaction() as session:
            asked = addresses.get_or_request_address(session, people.customer().user_id, PAXG)
        paxos = resolve(Custodians)["paxos"]
        resolve(Custodians).clear()
        resolve(Custodians)["paxos"] = Repeating(paxos, taken.upper().replace("0X", "0x"))
        with database_unchanged(desk.database), pytest.raises(AddressTaken):
            addresses.create_address(desk.database, address_id=str(asked.id))

    @each_custodian
    def test_is_made_once_though_the_answer_was_lost(self, desk: Desk, name: str) -> None:
        desk.open(name)
        user_id = People(desk.database).customer().user_id
        before = len(desk.sandbox.store.find(name, "address"))
        desk.sandbox.schedule_fault(name, "addresses.create", FaultMode.HANG_UP_AFTER)
        made = desk.address(user_id)
        [address] = desk.sandbox.store.find(name, "address")[before:]
        assert address["address"] == made

    def test_who_cannot_be_reached_is_passed_over(self, desk: Desk) -> None:
        desk.open(
            paxos_base_url="http://127.0.0.1:9/v2", paxos_oauth_url="http://127.0.0.1:9/token"
        )
        made = desk.address(People(desk.database).customer().user_id)
        assert desk.sandbox.store.find("anchorage", "address", address=made)

    def test_nobody_can_be_reached(self, desk: Desk) -> None:
        desk.open(
            "paxos", paxos_base_url="http://127.0.0.1:9/v2", paxos_oauth_url="http://127.0.0.1:9/t"
        )
        with desk.database.transaction() as session:
            user_id = People(desk.database).customer().user_id
            asked = addresses.get_or_request_address(session, user_id, PAXG)
        with (
            database_unchanged(desk.database, apart_from={"provider_calls"}),
            pytest.raises(ProviderUnavailable),
        ):
            addresses.create_address(desk.database, address_id=str(asked.id))

    def test_one_that_was_put_in_on_the_way_is_shown_to_nobody(self, desk: Desk) -> None:
        desk.open("anchorage")
        desk.sandbox.schedule_fault("anchorage", "addresses.create", FaultMode.WRONG_AMOUNT)
        with desk.database.transaction() as session:
            user_id = People(desk.database).customer().user_id
            asked = addresses.get_or_request_address(session, user_id, PAXG)
        with (
            database_unchanged(desk.database, apart_from={"provider_calls"}),
            pytest.raises(ProviderRefused),
        ):
            addresses.create_address(desk.database, address_id=str(asked.id))

    def test_what_nobody_keeps_cannot_be_received(self, desk: Desk) -> None:
        user_id = People(desk.database).customer().user_id
        with (
            database_unchanged(desk.database),
            pytest.raises(FeatureDisabled),
            desk.database.transaction() as session,
        ):
            addresses.get_or_request_address(session, user_id, XAU)

    def test_a_retired_one_is_still_the_persons(self, desk: Desk) -> None:
        desk.open("paxos")
        user_id = People(desk.database).customer().user_id
        old = desk.address(user_id)
        with desk.database.transaction() as session:
            addresses.retire_addresses(session, user_id)
        assert desk.address(user_id) != old
        desk.arrive("paxos", old, "0.5")
        desk.deliver()
        with desk.database.reading() as session:
            [came] = [
                each
                for each in custody_queries.recent_incoming_transfers(session, 9)
                if each.address == old
            ]
        assert came.user_id == user_id


class Repeating:
    """Gives the same address whatever the reference."""

    def __init__(self, custodian: object, address: str) -> None:
        self._custodian, self._address = custodian, address

    def __getattr__(self, name: str) -> object:
        return getattr(self._custodian, name)

    def create_address(self, *_asked: object) -> str:
        return self._address
