"""Record prices: fetch every feed outside any transaction, then store the prices in one.

Any number of tickers may run; the database lets one of them record in each interval.
"""

import logging
import time
from collections.abc import Sequence

from prometheus_client import Counter

from app.kit import clock
from app.kit.db import Database
from app.pricing import queries as pricing_queries
from app.pricing import service as pricing
from app.pricing.ports import FeedFailed, Observation, PriceFeed, without_source

log = logging.getLogger(__name__)

FEED_FAILURES = Counter(
    "pbcex_price_feed_failures", "Fetches of a price feed that failed", ["feed"]
)
PRICES_REFUSED = Counter("pbcex_prices_refused", "Merged prices not accepted", ["metal", "outcome"])


class Ticker:
    """Records prices once per interval."""

    def __init__(
        self,
        database: Database,
        feeds: Sequence[PriceFeed],
        *,
        interval_seconds: float,
    ) -> None:
        if missing := without_source(feeds):
            log.warning(
                "PBCEX_PRICE_FEEDS names no source for %s: orders that need its price are refused",
                ", ".join(missing),
            )
        self._database, self._feeds = database, feeds
        self._interval_seconds = interval_seconds

    def step(self) -> float:
        """Record prices once; return the seconds until the next interval.

        Raises `Unavailable` if the database is unavailable.
        """
        started = time.monotonic()
        record_prices(self._database, self._feeds, interval_seconds=self._interval_seconds)
        return max(0, started + self._interval_seconds - time.monotonic())


def record_prices(
    database: Database, feeds: Sequence[PriceFeed], *, interval_seconds: float
) -> bool:
    """Fetch every feed and record the prices.

    Return False if another process has recorded prices in this interval already.
    """
    observations = {feed.name: _fetch(feed) for feed in feeds}
    with database.transaction() as session:
        now = clock.now()
        if not pricing.claim_recording_turn(session, now=now, interval_seconds=interval_seconds):
            return False
        rules = pricing_queries.current_rules(session)
        recorded = pricing.record_ticks(session, observations, now, rules)
    for metal, result in recorded.items():
        if result.outcome is pricing.TickOutcome.ACCEPTED:
            continue
        PRICES_REFUSED.labels(metal.value, result.outcome.value).inc()
        # A single slow source is outdated in most intervals, and a price does not change while the
        # market is closed: no reasons for an alarm.
        is_expected = result.outcome is pricing.TickOutcome.OUTDATED or not rules.is_open(now)
        level = logging.DEBUG if is_expected else logging.WARNING
        log.log(level, "%s price %s: %s", metal.value, result.outcome.value, result.detail)
    return True


def _fetch(feed: PriceFeed) -> list[Observation]:
    """Return a feed's prices; an empty list if it fails, so that the others are recorded."""
    try:
        return feed.fetch(clock.now())
    except FeedFailed as failure:
        log.warning("price feed %s failed: %s", feed.name, failure)
    except Exception:
        log.exception("price feed %s failed unexpectedly", feed.name)
    FEED_FAILURES.labels(feed.name).inc()
    return []
