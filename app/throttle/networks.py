"""Counts of one hour by the network of a sender, for what one network may do a few times only.

The /48 around a network of IPv6 is counted as well, with ten times the allowance. Hours are those
of the clock.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.kit.db import Session
from app.kit.errors import RateLimited
from app.kit.networks import SITE_FACTOR, site_of
from app.throttle import service as throttle

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class HourlyCount:
    """How often a network, or the site around it, has done something in this hour."""

    network: str
    number: int
    allowed: int


def count_in_hour(
    session: Session, what: str, network: str, now: datetime, *, allowed: int, hits: int = 1
) -> list[HourlyCount]:
    """Add `hits` to what the network has done in this hour. Return its count, and its site's."""
    site, hour = site_of(network), hour_of(now)
    allowances = [(network, allowed), *([(site, allowed * SITE_FACTOR)] if site else [])]
    return [
        HourlyCount(
            name,
            throttle.count_hits(
                session,
                f"{what}:{name}:{hour.timestamp():.0f}",
                window_seconds=int(_HOUR.total_seconds()),
                hits=hits,
            ),
            most,
        )
        for name, most in allowances
    ]


def hour_of(now: datetime) -> datetime:
    """Return when the hour of the instant began."""
    return now.replace(minute=0, second=0, microsecond=0)


def refusal_until_next_hour(detail: str, now: datetime) -> RateLimited:
    """Return the refusal until the hour is over."""
    wait = hour_of(now) + _HOUR - now
    return RateLimited(detail, retry_after_seconds=int(wait.total_seconds()) + 1)
