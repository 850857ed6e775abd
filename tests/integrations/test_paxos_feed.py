"""Quotes of Paxos as a price feed, against the sandbox."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.catalog.rules import Token
from app.config import Settings
from app.integrations import registry
from app.integrations.feeds import build_price_feeds
from app.integrations.paxos.client import PaxosClient
from app.integrations.paxos.feed import SCOPES, PaxosFeed
from app.kit.db import Database
from app.pricing.ports import FeedFailed, Observation
from app.providers.errors import ProviderUnavailable
from sandbox.faults import FaultMode
from sandbox.keys import sandbox_key
from tests.provider_sandbox import Sandbox

NOW = datetime(2026, 11, 30, 15, tzinfo=UTC)


def quote(side: str, price: str, **changes: object) -> dict[str, object]:
    document = {
        "id": "1",
        "market": "PAXGUSD",
        "side": side,
        "price": price,
        "created_at": "2026-11-30T14:59:58Z",
    }
    return document | changes


class ScriptedQuotes:
    """Returns one document, and counts how often it is asked."""

    def __init__(self, *items: object) -> None:
        self.payload: dict[str, Any] | Exception | None = {"items": list(items)}
        self.count = 0

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
        assert (path, params) == ("/quotes", {"markets": "PAXGUSD"})
        self.count += 1
        if isinstance(self.payload, Exception):
            raise self.payload
        return self.payload


def sandbox_feed(sandbox: Sandbox, *, scopes: str = SCOPES) -> PaxosFeed:
    url = f"{sandbox.url}/paxos"
    return PaxosFeed(
        PaxosClient(
            f"{url}/v2",
            f"{url}/oauth2/token",
            client_id="pbcex",
            client_secret=sandbox_key("paxos"),
            timeout_seconds=5,
            scopes=scopes,
        )
    )


def test_sandbox_s_quotes_are_the_price_of_paxg(sandbox: Sandbox) -> None:
    sandbox.call_control("paxos", "/price", dollars="4010.00")
    now = datetime.now(UTC)
    [price] = sandbox_feed(sandbox).fetch(now)
    assert price.metal is Token.PAXG
    assert price.bid is not None
    assert price.ask is not None
    assert Decimal(4007) < price.bid < price.mid < price.ask < Decimal(4013)
    assert abs(price.observed_at - now) < timedelta(seconds=5)


def test_feed_of_the_environment_reads_the_sandbox(sandbox: Sandbox, database: Database) -> None:
    values = {"PBCEX_SANDBOX_URL": sandbox.url, "PBCEX_PRICE_FEEDS": "paxos"}
    settings = Settings.load(**values)
    sections = [section.load(**values) for section in registry.SECTIONS]
    adapters = registry.connect(settings, sections, database)
    [feed] = build_price_feeds(settings, adapters.price_feeds)
    assert feed.covers == {Token.PAXG}
    assert [each.metal for each in feed.fetch(datetime.now(UTC))] == [Token.PAXG]


def test_token_without_the_scope_fails(sandbox: Sandbox) -> None:
    with pytest.raises(FeedFailed, match="no permission"):
        sandbox_feed(sandbox, scopes="events:read_event").fetch(datetime.now(UTC))


@pytest.mark.parametrize("mode", [FaultMode.DOWN, FaultMode.GARBAGE, FaultMode.HANG_UP_BEFORE])
def test_outage_fails_and_is_over_with_the_next_request(sandbox: Sandbox, mode: FaultMode) -> None:
    feed, now = sandbox_feed(sandbox), datetime.now(UTC)
    sandbox.schedule_fault("paxos", "quotes.list", mode)
    with pytest.raises(FeedFailed):
        feed.fetch(now)
    assert feed.fetch(now + timedelta(seconds=9)) == []
    assert len(feed.fetch(now + timedelta(seconds=10))) == 1


def test_buy_is_the_ask_and_the_older_quote_sets_the_time() -> None:
    feed = PaxosFeed(
        ScriptedQuotes(
            quote("BUY", "4002.00"),
            quote("SELL", "4000.00", created_at="2026-11-30T14:59:57.5Z"),
            quote("SELL", "60000", market="BTCUSD"),
        )
    )
    assert feed.fetch(NOW) == [
        Observation(
            Token.PAXG,
            Decimal(4000),
            Decimal(4002),
            Decimal("4001.000000"),
            datetime(2026, 11, 30, 14, 59, 57, 500_000, UTC),
        )
    ]


def test_feed_is_asked_once_in_ten_seconds() -> None:
    quotes = ScriptedQuotes(quote("BUY", "4002"), quote("SELL", "4000"))
    feed = PaxosFeed(quotes)
    first = feed.fetch(NOW)
    assert feed.fetch(NOW + timedelta(seconds=9.9)) == first
    assert quotes.count == 1
    quotes.payload = ProviderUnavailable("down")
    with pytest.raises(FeedFailed, match="down"):
        feed.fetch(NOW + timedelta(seconds=10))
    assert feed.fetch(NOW + timedelta(seconds=11)) == []


@pytest.mark.parametrize(
    "items",
    [
        (),
        (quote("BUY", "4002"),),
        (quote("BUY", "4002"), quote("SELL", "4000", market="PAXGEUR")),
        (quote("BUY", "4000"), quote("SELL", "4002")),
        (quote("BUY", "4002"), quote("SELL", "0")),
        (quote("BUY", "4002"), quote("SELL", "NaN")),
        (quote("BUY", "1" * 31), quote("SELL", "4000")),
        (quote("BUY", "4002"), quote("SELL", "4,000")),
        (quote("BUY", "4002"), quote("SELL", "4000", created_at="2026-11-30T14:59:58")),
        (quote("BUY", "4002"), {**quote("SELL", "4000"), "price": 4000}),
        (quote("BUY", "4002"), "SELL"),
    ],
)
def test_quotes_that_make_no_price_fail(items: tuple[object, ...]) -> None:
    with pytest.raises(FeedFailed):
        PaxosFeed(ScriptedQuotes(*items)).fetch(NOW)
