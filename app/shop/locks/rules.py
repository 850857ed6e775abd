"""States of price locks, where their units are taken from, and how far a price may move."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from app.catalog.rules import USD
from app.kit.formatting import format_amount
from app.kit.labels import LabelledEnum, Mark, StatusEnum
from app.kit.money import Amount
from app.kit.states import Transitions
from app.settings.rules import setting, settings_group

LOCK_PREFIX = "lck"
LINES_MAX = 50
_HUNDRED = 100


class LockStatus(StatusEnum):
    """The status of a lock."""

    OPEN = "open", "Open", Mark.WAITING
    """Its prices and units are kept, until it expires."""
    USED = "used", "Used", Mark.DONE
    """A checkout has taken it."""
    VOIDED = "voided", "Voided", Mark.STOPPED
    """It ended before its time."""
    EXPIRED = "expired", "Expired", Mark.ENDED
    """Its time is over."""


TRANSITIONS = Transitions(
    {LockStatus.OPEN: frozenset({LockStatus.USED, LockStatus.VOIDED, LockStatus.EXPIRED})}
)


class VoidReason(LabelledEnum):
    """Why a lock ended before its time."""

    CANCELLED = "cancelled", "The customer released it"
    PRICE_MOVED = "price_moved", "The market moved too far"


@settings_group("price_locks", "Price locks")
@dataclass(frozen=True, slots=True)
class LockSettings:
    """How long prices and units are kept, and for how much a person can lock them."""

    minutes: int = setting(
        "Lifetime of a price lock",
        10,
        minimum=1,
        maximum=60,
        unit="minutes",
        about="PBCEx keeps prices and units for so long, whatever the market does within the"
        " movement below.",
    )
    move_percent_max: Decimal = setting(
        "Movement that voids a price lock",
        Decimal(2),
        minimum=Decimal("0.1"),
        maximum=Decimal(50),
        unit="percent",
        about="A lock is void at checkout if the ask of one of its metals is further than this from"
        " the ask that it keeps, up or down.",
    )
    value_max: Amount = setting(
        "Largest value of a person's open locks",
        Amount(USD, 250_000_00),
        minimum=Amount(USD, 100_00),
        maximum=Amount(USD, 100_000_000_00),
    )
    pieces_max: int = setting(
        "Most units in a person's open locks", 500, minimum=1, maximum=100_000, unit="units"
    )
    guest_value_max: Amount = setting(
        "Largest value of a guest's open locks",
        Amount(USD, 5_000_00),
        minimum=Amount(USD, 100_00),
        maximum=Amount(USD, 100_000_000_00),
        about="A guest is known by an email address alone, and one person can have many.",
    )
    guest_pieces_max: int = setting(
        "Most units in a guest's open locks", 20, minimum=1, maximum=100_000, unit="units"
    )
    unused_per_hour: int = setting(
        "Price locks of a person that end unused, per hour",
        60,
        minimum=1,
        maximum=10_000,
        unit="price locks",
        about="Goods cannot be kept from others by locking them again and again.",
    )

    def caps(self, *, is_guest: bool) -> tuple[Amount, int]:
        """Return the largest value and the most units of a person's open locks."""
        if is_guest:
            return self.guest_value_max, self.guest_pieces_max
        return self.value_max, self.pieces_max

    @property
    def lifetime(self) -> timedelta:
        """How long prices and units are kept."""
        return timedelta(minutes=self.minutes)


@settings_group("order_cancellation", "Cancelling paid orders")
@dataclass(frozen=True, slots=True)
class CancelTerms:
    """What a customer owes who cancels a paid order. Those in effect when prices are locked count
    for the order."""

    fee: Amount = setting(
        "Fee of cancelling a paid order",
        Amount(USD, 35_00),
        minimum=Amount(USD, 0),
        maximum=Amount(USD, 500_00),
    )
    offset_percent: int = setting(
        "Price at which the metal is taken back",
        0,
        minimum=0,
        maximum=100,
        unit="percent of the way from the bid to the ask",
        about="0 is the bid, 50 the middle, 100 the ask. If it is below the promised price, the"
        " customer owes the difference; if it is above, they gain nothing.",
    )
    vault_hours: int = setting(
        "Goods for the vault can be cancelled for",
        24,
        minimum=0,
        maximum=720,
        unit="hours",
        about="From the order. Goods that leave can be cancelled until they are picked.",
    )

    @property
    def in_words(self) -> str:
        """What a customer reads before they buy."""
        side = {0: "bid", 50: "middle price", 100: "ask"}.get(
            self.offset_percent, f"price {self.offset_percent} percent from bid to ask"
        )
        return (
            "Once it is paid, an order can be cancelled until its goods are picked, and for the"
            f" vault for {self.vault_hours} hours. You then owe a fee of"
            f" {format_amount(self.fee)}, and what the metal has lost: the promised price of the"
            f" metal less our {side} at that moment, if that is lower. A gain stays with us."
        )

    def offset_price(self, bid: Decimal, ask: Decimal) -> Decimal:
        """Return the price at which metal is taken back, in US dollars per troy ounce."""
        return bid + (ask - bid) * self.offset_percent / _HUNDRED


def has_moved(locked: Decimal, now: Decimal, percent_max: Decimal) -> bool:
    """Return whether a price is further from the locked one than so many percent of it."""
    return abs(now - locked) * _HUNDRED > percent_max * locked
