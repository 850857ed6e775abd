"""The loop that records prices: ask every feed outside any transaction, then store in one.

Any number of these may run; the database gives one of them the turn of each interval.
"""

import logging
import time
from collections.abc import Sequence

from prometheus_client import Counter

from app.kit import clock
from app.kit.db import Database
from app.pricing import service as pricing
from app.pricing.ports import FeedFailed, Observation, PriceFeed
from app.pricing.rules import PricingRules

log = logging.getLogger(__name__)

FEED_FAILURES = Counter(
    "pbcex_price_feed_failures", "Fetches of a price feed that failed", ["feed"]
)
PRICES_REFUSED = Counter("pbcex_prices_refused", "Merged prices not accepted", ["metal", "outcome"])


class Ticker:
    """Records prices every interval."""

    def __init__(
        self,
        database: Database,
        feeds: Sequence[PriceFeed],
        rules: PricingRules,
        *,
        interval_seconds: float,
    ) -> None:
        if not feeds:
            log.warning("no price feed is configured: nothing will be tradable")
        self._database, self._feeds, self._rules = database, feeds, rules
        self._interval_seconds = interval_seconds

    def step(self) -> float:
        """Record once; answers the seconds until the next interval.

        Raises `Unavailable` when the database is away.
        """
        started = time.monotonic()
        record_prices(
            self._database, self._feeds, self._rules, interval_seconds=self._interval_seconds
        )
        return max(0, started + self._interval_seconds - time.monotonic())


def record_prices(
    database: Database, feeds: Sequence[PriceFeed], rules: PricingRules, *, interval_seconds: float
) -> bool:
    """Ask every feed and record what they say; False when another process did so already."""
    observations = {feed.name: _fetch(feed) for feed in feeds}
    with database.transaction() as session:
        now = clock.now()
        if not pricing.claim_recording_turn(session, now=now, interval_seconds=interval_seconds):
            return False
        recorded = pricing.record_ticks(session, observations, now, rules)
    for metal, result in recorded.items():
        if result.outcome is pricing.TickOutcome.ACCEPTED:
            continue
        PRICES_REFUSED.labels(metal.value, result.outcome.value).inc()
        # A slow source alone is outdated most rounds; that is worth no alarm.
        level = logging.DEBUG if result.outcome is pricing.TickOutcome.OUTDATED else logging.WARNING
        log.log(level, "%s price %s: %s", metal.value, result.outcome.value, result.detail)
    return True


def _fetch(feed: PriceFeed) -> list[Observation]:
    """One feed's failure, even by a mistake of ours, never stops the others."""
    try:
        return feed.fetch(clock.now())
    except FeedFailed as failure:
        log.warning("price feed %s failed: %s", feed.name, failure)
    except Exception:
        log.exception("price feed %s failed unexpectedly", feed.name)
    FEED_FAILURES.labels(feed.name).inc()
    return []
