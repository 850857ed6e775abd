"""The port that every price feed implements."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from app.catalog.rules import Metal, Priced, Token

# Far beyond any metal's price, and well within what the columns can hold.
PRICE_MIN = Decimal("0.0001")
PRICE_MAX = Decimal(1_000_000_000)


class FeedFailed(Exception):
    """The feed returned no usable price. The message says why and never holds a key."""


@dataclass(frozen=True, slots=True)
class Observation:
    """The price of one metal from one source, in US dollars per troy ounce.

    Raises `FeedFailed` for impossible values, so that every feed gets the same checks.
    """

    metal: Priced
    bid: Decimal | None
    ask: Decimal | None
    mid: Decimal
    observed_at: datetime

    def __post_init__(self) -> None:
        bid = self.mid if self.bid is None else self.bid
        ask = self.mid if self.ask is None else self.ask
        if not all(price.is_finite() for price in (bid, self.mid, ask)):
            raise FeedFailed(f"{self.metal}: a price is not a number")
        if not PRICE_MIN <= bid <= self.mid <= ask <= PRICE_MAX:
            raise FeedFailed(
                f"{self.metal}: bid {bid}, mid {self.mid}, ask {ask} are not in order, "
                f"or not between {PRICE_MIN} and {PRICE_MAX} dollars an ounce"
            )
        if self.observed_at.tzinfo is None:
            raise FeedFailed(f"{self.metal}: the time of observation has no zone")


class PriceFeed(Protocol):
    """One source of prices."""

    @property
    def name(self) -> str:
        """The name stored with every tick. It never changes for a source."""
        ...

    @property
    def covers(self) -> frozenset[Priced]:
        """The metals and tokens that the source has a price of."""
        ...

    def fetch(self, now: datetime) -> list[Observation]:
        """Return the source's prices at `now`: at most one observation per metal, none if nothing
        is new. Uses the network, so never call it inside a transaction.

        Raises `FeedFailed` on any failure.
        """
        ...


def without_source(feeds: Iterable[PriceFeed]) -> list[Priced]:
    """Return the metals and tokens that none of these feeds has a price of."""
    covered = frozenset[Priced]().union(*(feed.covers for feed in feeds))
    return [priced for priced in (*Metal, *Token) if priced not in covered]
