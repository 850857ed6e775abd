"""The custodians' protocols, against the sandbox."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from app.catalog.rules import PAXG
from app.custody.ports import Direction, Network, TransferState
from app.integrations import response_parsing
from app.kit import clock
from app.kit.money import Amount
from app.providers.errors import ProviderOutcomeUnknown, ProviderUnavailable
from tests.sandbox_custodians import NAMES, CustodyHarness

each_custodian = pytest.mark.parametrize("name", NAMES)


@each_custodian
def test_list_contains_every_page(
    harness: CustodyHarness, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"app.integrations.{name}.adapter._PAGE", 2)
    custodian = harness.configure(name)[name]
    address = "0x" + "0d" * 20
    begin = clock.now() - timedelta(seconds=5)
    references = [harness.receive_tokens(name, address, "0.1") for _ in range(5)]
    transfers = [
        transfer
        for transfer in custodian.transfers(begin, Direction.IN)
        if transfer.address == address
    ]
    assert [transfer.provider_ref for transfer in transfers] == references
    harness.send("0.5")
    both = custodian.transfers(begin)
    [sent] = [transfer for transfer in both if transfer.reference == harness.reference]
    assert (sent.direction, sent.state) == (Direction.OUT, TransferState.PENDING)
    assert sent.amount == Amount.parse(PAXG, "0.5")
    assert custodian.transfer(sent.provider_ref) == sent
    assert custodian.transfer(references[0]) == transfers[0]
    assert custodian.transfer("unknown") is None
    assert custodian.find("unknown", since=begin) is None
    assert len(custodian.transfers(clock.now() + timedelta(days=2))) == 0


@each_custodian
def test_repeated_reference_returns_the_same_address(harness: CustodyHarness, name: str) -> None:
    custodian = harness.configure(name)[name]
    first = custodian.create_address(harness.reference, PAXG, Network.ETHEREUM)
    assert custodian.create_address(harness.reference, PAXG, Network.ETHEREUM) == first
    assert custodian.create_address(f"{harness.reference}x", PAXG, Network.ETHEREUM) != first


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("paxos", "paxos_client_secret"),
        ("primetrust", "primetrust_password"),
        ("anchorage", "anchorage_access_key"),
        ("anchorage", "anchorage_signing_key"),
    ],
)
def test_wrong_key_makes_custodian_unavailable(
    harness: CustodyHarness, name: str, setting: str
) -> None:
    custodian = harness.configure(name, **{setting: SecretStr("00" * 32)})[name]
    with pytest.raises(ProviderUnavailable):
        custodian.balances()
    assert harness.sandbox.store.find(name, "transfer", reference=harness.reference) == []


@pytest.mark.parametrize("name", ["paxos", "primetrust"])
def test_rejected_token_is_renewed(harness: CustodyHarness, name: str) -> None:
    custodian = harness.configure(name)[name]
    before = custodian.balances()
    for token in harness.sandbox.store.find(name, "token"):
        harness.sandbox.store.delete(name, "token", token["token"])
    assert custodian.balances() == before
    assert len(harness.sandbox.store.find(name, "token")) == 1


@pytest.mark.parametrize(
    ("text", "units"),
    [(".25", 25_000_000), ("1", 100_000_000), ("0.000000019", 1), ("0", 0)],
)
def test_amount_is_parsed_exactly_and_cut_to_units(text: str, units: int) -> None:
    assert response_parsing.required_amount({"x": text}, "x", PAXG) == Amount(PAXG, units)


@pytest.mark.parametrize("value", ["", "-1", "1e9", "NaN", "1,5", 1, None, "9" * 31, "9" * 12])
def test_invalid_amount_has_unknown_outcome(value: object) -> None:
    with pytest.raises(ProviderOutcomeUnknown):
        response_parsing.required_amount({"x": value}, "x", PAXG)


@pytest.mark.parametrize("value", ["", "yesterday", "2026-01-01T00:00:00", None, 5])
def test_invalid_time_has_unknown_outcome(value: object) -> None:
    with pytest.raises(ProviderOutcomeUnknown):
        response_parsing.required_instant({"x": value}, "x")


def test_nanoseconds_are_cut_to_microseconds() -> None:
    instant = response_parsing.required_instant({"x": "2023-08-25T14:25:41.648489333Z"}, "x")
    assert instant == datetime(2023, 8, 25, 14, 25, 41, 648489, tzinfo=UTC)
