"""The loop that records prices: ask every feed outside any transaction, then store in one.

Any number of these may run; the database gives one of them the turn of each interval.
"""

import logging
import time
from collections.abc import Sequence
from threading import Event

from prometheus_client import Counter

from app.kit import clock
from app.kit.db import Database
from app.kit.errors import Unavailable
from app.pricing import service
from app.pricing.ports import FeedFailed, Observation, PriceFeed
from app.pricing.rules import PricingRules

log = logging.getLogger(__name__)

FEED_FAILURES = Counter(
    "pbcex_price_feed_failures", "Fetches of a price feed that failed", ["feed"]
)
PRICES_REFUSED = Counter("pbcex_prices_refused", "Merged prices not accepted", ["metal", "outcome"])


def run(
    database: Database,
    feeds: Sequence[PriceFeed],
    rules: PricingRules,
    *,
    interval_seconds: float,
    stop: Event,
) -> None:
    """Record prices every interval until `stop` is set. An unreachable database is waited for."""
    if not feeds:
        log.warning("no price feed is configured: nothing will be tradable")
    while not stop.is_set():
        started = time.monotonic()
        try:
            record_once(database, feeds, rules, interval_seconds=interval_seconds)
        except Unavailable as refusal:
            log.warning("prices were not recorded: %s", refusal)
        stop.wait(max(0, started + interval_seconds - time.monotonic()))


def record_once(
    database: Database, feeds: Sequence[PriceFeed], rules: PricingRules, *, interval_seconds: float
) -> bool:
    """Ask every feed and record what they say; False when another process did so already."""
    observations = {feed.name: _fetch(feed) for feed in feeds}
    with database.transaction() as session:
        now = clock.now()
        if not service.may_record(session, now=now, interval_seconds=interval_seconds):
            return False
        recorded = service.record_ticks(session, observations, now, rules)
    for metal, result in recorded.items():
        if result.outcome is service.Outcome.ACCEPTED:
            continue
        PRICES_REFUSED.labels(metal.value, result.outcome.value).inc()
        # A slow source alone is outdated most rounds; that is worth no alarm.
        level = logging.DEBUG if result.outcome is service.Outcome.OUTDATED else logging.WARNING
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
