"""Forged webhooks make us call a provider only so often."""

from collections.abc import Iterator
from functools import partial
from uuid import uuid4

import pytest
import time_machine

from app.custody.rules import SendState
from app.integrations.webhook_lookups import (
    UNKNOWN_LIFETIME,
    UNPROVEN_PER_MINUTE,
    WebhookLookups,
)
from app.kit import clock
from app.kit.db import Database
from app.kit.errors import RateLimited
from app.providers.errors import (
    ProviderUnavailable,
    WebhookSignatureInvalid,
    WebhookVerificationUnavailable,
)
from app.providers.models import ProviderCall
from app.throttle.models import ThrottleCount
from tests.people import People
from tests.rows import delete_rows, read_values
from tests.sandbox_custodians import CustodyHarness


class FakeProvider:
    """A provider that knows these names, and notes what it was asked."""

    def __init__(self, *known: str) -> None:
        self.known = known
        self.asked: list[str] = []

    def look_up(self, name: str) -> str | None:
        self.asked.append(name)
        return name if name in self.known else None


@pytest.fixture
def provider() -> FakeProvider:
    return FakeProvider("genuine")


@pytest.fixture
def name() -> str:
    """A provider's id that no other test uses."""
    return f"test-{uuid4().hex}"


@pytest.fixture(autouse=True)
def traveller() -> Iterator[time_machine.Traveller]:
    """Stop the clock at the begin of a minute."""
    with time_machine.travel(clock.now().replace(second=0), tick=False) as traveller:
        yield traveller


def send_forgeries(lookups: WebhookLookups, provider: FakeProvider, count: int) -> None:
    for _ in range(count):
        forged = uuid4().hex
        with pytest.raises(WebhookSignatureInvalid):
            lookups.find(forged, partial(provider.look_up, forged))


def test_forgeries_above_the_limit_of_a_minute_are_not_looked_up(
    database: Database, provider: FakeProvider, name: str, traveller: time_machine.Traveller
) -> None:
    """All processes share the limit; another minute, or another provider, has its own."""
    processes = [WebhookLookups(name, database) for _ in range(2)]
    for lookups in processes:
        send_forgeries(lookups, provider, UNPROVEN_PER_MINUTE // 2)
    with pytest.raises(RateLimited) as refused:
        processes[0].find("genuine", partial(provider.look_up, "genuine"))
    assert refused.value.retry_after_seconds == 60
    assert len(provider.asked) == UNPROVEN_PER_MINUTE
    other = WebhookLookups(f"{name}-other", database)
    assert other.find("genuine", partial(provider.look_up, "genuine")) == "genuine"
    traveller.shift(60)
    assert processes[0].find("genuine", partial(provider.look_up, "genuine")) == "genuine"


def test_genuine_webhooks_do_not_count(
    database: Database, provider: FakeProvider, name: str
) -> None:
    lookups = WebhookLookups(name, database)
    for _ in range(UNPROVEN_PER_MINUTE + 1):
        lookups.find("genuine", partial(provider.look_up, "genuine"))
    send_forgeries(lookups, provider, UNPROVEN_PER_MINUTE)
    with pytest.raises(RateLimited):
        lookups.find("forged", partial(provider.look_up, "forged"))


def test_failed_and_contradicted_lookups_count(
    database: Database, provider: FakeProvider, name: str
) -> None:
    lookups = WebhookLookups(name, database)

    def fail() -> str:
        raise ProviderUnavailable

    for _ in range(UNPROVEN_PER_MINUTE - 1):
        with pytest.raises(WebhookVerificationUnavailable):
            lookups.find("genuine", fail)
    with pytest.raises(WebhookSignatureInvalid):
        lookups.find("genuine", partial(provider.look_up, "genuine"), matches=lambda _found: False)
    with pytest.raises(RateLimited):
        lookups.find("genuine", fail)


@pytest.mark.parametrize("custodian", ["paxos", "primetrust"])
def test_forgeries_hold_up_no_webhook_of_a_send_under_way(
    harness: CustodyHarness, custodian: str
) -> None:
    """Those of arrivals wait, like any other id that we do not know; polls find them meanwhile."""
    harness.configure(custodian)
    with harness.database.transaction() as session:
        delete_rows(session, ThrottleCount)
        delete_rows(session, ProviderCall)
    address = harness.deposit_address(People(harness.database).customer().user_id)
    reference = harness.send().reference
    client = harness.app.test_client()
    forged = {"resource_type": "asset_transfers", "type": "transfer.crypto_deposit.completed"}
    statuses = [
        client.post(
            f"/webhooks/{custodian}",
            json={**forged, "id": str(number), "resource_id": str(number), "object": {}},
        ).status_code
        for number in range(UNPROVEN_PER_MINUTE + 1)
    ]
    assert statuses == [403] * UNPROVEN_PER_MINUTE + [429]
    with harness.database.reading() as session:
        asked_about = read_values(session, ProviderCall.reference)
    assert str(UNPROVEN_PER_MINUTE - 1) in asked_about
    assert str(UNPROVEN_PER_MINUTE) not in asked_about
    harness.sandbox.call_control(custodian, f"/sends/{reference}/completed")
    assert set(harness.deliver_webhooks()) == {204}
    assert harness.settle().state is SendState.COMPLETED
    harness.receive_tokens(custodian, address, "0.5")
    assert harness.deliver_webhooks() == [429]
    harness.poll()
    assert harness.credits_staged(address) == 1


def test_unknown_name_is_looked_up_again_only_after_its_lifetime(
    database: Database, provider: FakeProvider, name: str, traveller: time_machine.Traveller
) -> None:
    lookups = WebhookLookups(name, database)
    for _ in range(2):
        with pytest.raises(WebhookSignatureInvalid):
            lookups.find("late", partial(provider.look_up, "late"))
    assert provider.asked == ["late"]
    provider.known += ("late",)
    traveller.shift(UNKNOWN_LIFETIME)
    assert lookups.find("late", partial(provider.look_up, "late")) == "late"
