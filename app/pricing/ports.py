"""Where prices come from: the port that every feed implements."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from app.catalog.rules import Priced

# Far outside any metal's price, and well inside what the columns can hold.
PRICE_MIN = Decimal("0.0001")
PRICE_MAX = Decimal(1_000_000_000)


class FeedFailed(Exception):
    """A feed has no usable answer. The message names what was wrong and never carries a key."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What one source said about one metal, in US dollars per troy ounce.

    Raises `FeedFailed` for values that no price can have, so that every feed is checked alike.
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
        """Stored with every tick; never changes for a source."""
        ...

    def fetch(self, now: datetime) -> list[Observation]:
        """What the source says at `now`: at most one observation per metal, none if it has no
        news. May use the network, so it is never called inside a transaction.

        Raises `FeedFailed` on any trouble.
        """
        ...
