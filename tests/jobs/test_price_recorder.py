"""The ticker records prices from all feeds, once per interval."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest
import sqlalchemy as sa
import time_machine

from app.catalog.rules import Metal, Priced
from app.integrations.simulated.feed import SimulatedFeed
from app.jobs import price_recorder
from app.kit.db import Database, DatabaseUnavailable
from app.pricing import queries as pricing_queries
from app.pricing.models import MarketPriceRow, SourcePrice
from app.pricing.ports import FeedFailed, Observation
from tests.rows import delete_rows

NOW = datetime(2200, 2, 10, 15, tzinfo=UTC)


class ScriptedFeed:
    covers = frozenset[Priced]({Metal.AU})

    def __init__(self, name: str, fetch: Callable[[datetime], list[Observation]]) -> None:
        self.name = name
        self.fetch = fetch


def gold(mid: str) -> Callable[[datetime], list[Observation]]:
    return lambda now: [Observation(Metal.AU, None, None, Decimal(mid), now)]


def failing(error: Exception) -> Callable[[datetime], list[Observation]]:
    def fetch(_now: datetime) -> list[Observation]:
        raise error

    return fetch


@pytest.fixture(autouse=True)
def new_market(database: Database) -> Iterator[None]:
    """Delete all market prices before and after the test."""
    _forget_prices(database)
    yield
    _forget_prices(database)


def _forget_prices(database: Database) -> None:
    with database.transaction() as session:
        delete_rows(session, MarketPriceRow)
        delete_rows(session, SourcePrice)


def market(database: Database) -> list[tuple[Decimal, str]]:
    with database.reading() as session:
        return [(price.mid, price.source) for price in pricing_queries.market_prices(session)]


def failures(feed: str) -> float:
    return price_recorder.FEED_FAILURES.labels(feed)._value.get()


def test_failing_feed_does_not_stop_the_others(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    feeds = [
        ScriptedFeed("down", failing(FeedFailed("refused with HTTP 500"))),
        ScriptedFeed("broken", failing(ZeroDivisionError())),
        ScriptedFeed("good", gold("4000")),
    ]
    before = failures("down"), failures("broken"), failures("good")
    with time_machine.travel(NOW, tick=False):
        assert price_recorder.record_prices(database, feeds, interval_seconds=2)
    assert market(database) == [(Decimal(4000), "good")]
    assert "price feed down failed: refused with HTTP 500" in caplog.text
    assert "price feed broken failed unexpectedly" in caplog.text
    after = failures("down"), failures("broken"), failures("good")
    assert after == (before[0] + 1, before[1] + 1, before[2])


def test_second_ticker_skips_the_interval(database: Database) -> None:
    first, second = [ScriptedFeed("a", gold("4000"))], [ScriptedFeed("b", gold("4001"))]
    with time_machine.travel(NOW, tick=False) as clock:
        assert price_recorder.record_prices(database, first, interval_seconds=2)
        clock.shift(1)
        assert not price_recorder.record_prices(database, second, interval_seconds=2)
        assert market(database) == [(Decimal(4000), "a")]
        clock.shift(1)
        assert price_recorder.record_prices(database, second, interval_seconds=2)
        assert market(database) == [(Decimal(4001), "b")]


def test_disputed_price_is_logged(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    feeds = [ScriptedFeed("a", gold("4000")), ScriptedFeed("b", gold("5000"))]
    with time_machine.travel(NOW, tick=False):
        assert price_recorder.record_prices(database, feeds, interval_seconds=2)
    assert market(database) == []
    assert "AU price disputed: a 4000, b 5000" in caplog.text


def test_feeds_are_fetched_outside_any_transaction(database: Database) -> None:
    def fetch(now: datetime) -> list[Observation]:
        assert database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
        return gold("4000")(now)

    with time_machine.travel(NOW, tick=False):
        price_recorder.record_prices(database, [ScriptedFeed("a", fetch)], interval_seconds=2)
    assert market(database) == [(Decimal(4000), "a")]


def test_step_records_and_returns_the_rest_of_the_interval(database: Database) -> None:
    with time_machine.travel(NOW, tick=False):
        ticks = price_recorder.Ticker(
            database, [ScriptedFeed("a", gold("4000"))], interval_seconds=30
        )
        assert 29 < ticks.step() <= 30
    assert market(database) == [(Decimal(4000), "a")]


def test_start_names_what_has_no_source(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    price_recorder.Ticker(database, [ScriptedFeed("a", gold("4000"))], interval_seconds=2)
    assert "PBCEX_PRICE_FEEDS names no source for AG, PT, PD, CU, PAXG" in caplog.text
    caplog.clear()
    simulated = SimulatedFeed("seed", is_open=lambda _now: True)
    price_recorder.Ticker(database, [simulated], interval_seconds=2)
    assert caplog.text == ""


def test_unreachable_database_raises_database_down() -> None:
    unreachable = Database(sa.create_engine("postgresql+psycopg://a:b@127.0.0.1:9/none"))
    feeds = [ScriptedFeed("a", gold("4000"))]
    with pytest.raises(DatabaseUnavailable):
        price_recorder.Ticker(unreachable, feeds, interval_seconds=1).step()
