"""Orders at Dillon Gage over FizTrade's protocol, against the sandbox."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from app.catalog.rules import Metal
from app.config.providers import sandbox_secret
from app.fulfillment.restock.purchase_orders.ports import LOCK_ENDED, WholesaleLine
from app.integrations.fiztrade.adapter import FizTrade, read_spot_time
from app.integrations.fiztrade.client import FizTradeClient
from app.integrations.http_calls import ProviderCaller
from app.kit import clock, ids
from app.kit.db import Database
from app.providers.errors import (
    ProviderOutcomeUnknown,
    ProviderRefused,
    ProviderUnavailable,
    ResponseUnreadable,
)
from app.providers.service import CallLog
from sandbox import clock as sandbox_clock
from sandbox.app import run_periodic_tasks
from sandbox.faults import FaultMode
from tests.provider_sandbox import Sandbox

LINES = [WholesaleLine("1EAGLE", 10), WholesaleLine("SE", 200)]
METALS = frozenset({Metal.AU, Metal.AG})


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    shared = Sandbox.shared()
    shared.reset()
    yield shared
    shared.call_control("fiztrade", "/spot")
    sandbox_clock.set_to(None)


@pytest.fixture
def fiztrade(database: Database, sandbox: Sandbox) -> FizTrade:
    return connect(database, sandbox, sandbox_secret("fiztrade"))


def connect(database: Database, sandbox: Sandbox, token: str) -> FizTrade:
    client = FizTradeClient(f"{sandbox.url}/fiztrade", token, timeout_seconds=5)
    caller = ProviderCaller("fiztrade", CallLog(database))
    return FizTrade(client, caller, trader="trader@pbcex.example")


def new_reference() -> str:
    return ids.encode("pur", ids.new())


def test_a_price_is_locked_the_order_is_placed_and_what_is_sent_is_followed(
    fiztrade: FizTrade, sandbox: Sandbox
) -> None:
    reference = new_reference()
    lock = fiztrade.lock(reference, LINES, METALS)
    assert {code: str(cost) for code, cost in lock.costs.items()} == {
        "1EAGLE": "41070.00",
        "SE": "10750.00",
    }
    assert str(lock.spots[Metal.AG]) == "50.25"
    assert lock.ends_at - clock.now() <= timedelta(seconds=20)
    assert fiztrade.find(reference) is None
    placed = fiztrade.execute(reference, lock.token, number=70000001, address=None)
    assert placed.confirmation.startswith("FIZ")
    sandbox.call_control("fiztrade", "/send", transactionId=reference, units={"SE": 150})
    found = fiztrade.find(reference)
    assert found is not None
    assert (found.confirmation, found.sent) == (placed.confirmation, {"1EAGLE": 0, "SE": 150})
    other = new_reference()
    again = fiztrade.lock(other, LINES, METALS)
    fiztrade.execute(other, again.token, number=70000002, address=None)
    run_periodic_tasks(sandbox.app)
    sent = fiztrade.find(other)
    assert sent is not None
    assert (sent.sent["SE"], len(sent.tracking)) == (200, 1)
    sandbox.call_control("fiztrade", "/cancel", transactionId=other)
    listed = {
        each.reference: each for each in fiztrade.list_orders(clock.now() - timedelta(days=1))
    }
    assert listed[other].is_cancelled
    assert not listed[reference].is_cancelled


def test_errors_inside_of_success_are_refusals_and_never_show_the_token(
    database: Database, fiztrade: FizTrade, sandbox: Sandbox
) -> None:
    with pytest.raises(ProviderRefused, match="NOPE is not in your favorites"):
        fiztrade.lock(new_reference(), [WholesaleLine("NOPE", 1)], METALS)
    with pytest.raises(ProviderRefused, match="metal_not_sold"):
        fiztrade.lock(new_reference(), LINES, frozenset({Metal.CU}))
    with pytest.raises(ProviderRefused, match="Invalid token") as refused:
        connect(database, sandbox, "a-wrong-token").find(new_reference())
    assert "a-wrong-token" not in str(refused.value)
    reference = new_reference()
    lock = fiztrade.lock(reference, LINES, METALS)
    sandbox_clock.set_to(clock.now() + timedelta(seconds=21))
    with pytest.raises(ProviderRefused) as ended:
        fiztrade.execute(reference, lock.token, number=70000003, address=None)
    assert ended.value.code == LOCK_ENDED


@pytest.mark.parametrize(
    ("mode", "is_done"), [(FaultMode.TIMEOUT_BEFORE, False), (FaultMode.TIMEOUT_AFTER, True)]
)
def test_an_order_without_an_answer_is_not_repeated_and_found_by_our_reference(
    fiztrade: FizTrade, sandbox: Sandbox, mode: FaultMode, *, is_done: bool
) -> None:
    reference = new_reference()
    lock = fiztrade.lock(reference, LINES, METALS)
    sandbox.schedule_fault("fiztrade", "trades.execute", mode)
    with pytest.raises(ProviderOutcomeUnknown):
        fiztrade.execute(reference, lock.token, number=70000004, address=None)
    assert (fiztrade.find(reference) is not None) == is_done


def test_stale_prices_are_not_locked_and_chicago_shows_an_hour_twice(
    fiztrade: FizTrade, sandbox: Sandbox
) -> None:
    for spot in ({"stale": 1}, {"offset": -300}):
        sandbox.call_control("fiztrade", "/spot", **spot)
        with pytest.raises(ProviderUnavailable):
            fiztrade.lock(new_reference(), LINES, METALS)
    wall = int(datetime(2026, 11, 1, 1, 30, tzinfo=UTC).timestamp() * 1000)
    for hour in (6, 7):
        now = datetime(2026, 11, 1, hour, 30, 5, tzinfo=UTC)
        assert read_spot_time(f"/Date({wall})/", now) == now - timedelta(seconds=5)
    with pytest.raises(ResponseUnreadable):
        read_spot_time("2026-11-01", clock.now())
