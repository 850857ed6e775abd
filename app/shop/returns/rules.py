"""Statuses, reasons and terms of returns. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from app.catalog.rules import USD
from app.kit.errors import Invalid
from app.kit.labels import LabelledEnum, Mark, StatusEnum
from app.kit.money import Amount, Rounding, round_units
from app.kit.states import Transitions
from app.settings.rules import setting, settings_group
from app.shop.refunds.rules import MarketLoss
from app.vault.bars.errors import SerialMismatch
from app.vault.rules import parse_units

#: The prefix of a return's public id: the reference of its entries.
PREFIX = "rma"
PHOTO_PREFIX = "rph"
PHOTOS_MAX = 12
#: The longest side of a photo as it is kept, in pixels.
PHOTO_SIDE = 1200
_NOTHING = Amount(USD, 0)


class ReturnStatus(StatusEnum):
    """The status of a return."""

    REQUESTED = "requested", "Requested", Mark.REVIEW
    """Staff decide whether the goods may come back."""
    APPROVED = "approved", "Waiting for the goods", Mark.WAITING
    """The customer sends or brings the goods."""
    IN_TRANSIT = "in_transit", "On its way back", Mark.UNDERWAY
    """The carrier has the parcel."""
    RECEIVED = "received", "To be inspected", Mark.REVIEW
    """The goods are with PBCEx. They are still the customer's."""
    INSPECTED = "inspected", "Inspected", Mark.REVIEW
    """Staff decide what becomes of the goods."""
    REFUNDED = "refunded", "Refunded", Mark.DONE
    """The price went back. The goods are in quarantine."""
    EXCHANGED = "exchanged", "Exchanged", Mark.DONE
    """The customer gets other units of the product. The goods are in quarantine."""
    SENT_BACK = "sent_back", "Back to the customer", Mark.RETURNED
    """The customer gets the same goods again."""
    REFUSED = "refused", "Refused", Mark.FAILED
    """Staff refused it before the goods came."""
    CANCELLED = "cancelled", "Cancelled", Mark.ENDED
    """It ended before the goods came."""


_S = ReturnStatus
#: What may follow each status.
TRANSITIONS = Transitions(
    {
        _S.REQUESTED: frozenset({_S.APPROVED, _S.REFUSED, _S.CANCELLED}),
        # What is brought to a branch arrives without a carrier.
        _S.APPROVED: frozenset({_S.IN_TRANSIT, _S.RECEIVED, _S.CANCELLED}),
        _S.IN_TRANSIT: frozenset({_S.RECEIVED}),
        _S.RECEIVED: frozenset({_S.INSPECTED}),
        _S.INSPECTED: frozenset({_S.REFUNDED, _S.EXCHANGED, _S.SENT_BACK}),
    }
)
#: Returns that claim units: their customers cannot be erased.
OPEN = frozenset({_S.REQUESTED, _S.APPROVED, _S.IN_TRANSIT, _S.RECEIVED, _S.INSPECTED})
#: Returns whose goods may arrive.
EXPECTED = frozenset({_S.APPROVED, _S.IN_TRANSIT})


class ReturnReason(LabelledEnum):
    """Why a customer returns goods."""

    DAMAGED = "damaged", "Damaged"
    """They arrived damaged."""
    WRONG_ITEM = "wrong_item", "Not what was ordered"
    """Another product, or not as described."""
    NOT_AUTHENTIC = "not_authentic", "Not authentic"
    """The customer doubts that they are genuine."""
    CHANGED_MIND = "changed_mind", "Changed their mind"
    """Nothing is wrong with them. There is no right to withdraw from buying precious metals: the
    lower of price and market is refunded."""

    @property
    def is_fault(self) -> bool:
        """Whether PBCEx bears it: price and shipping are refunded in full."""
        return self is not ReturnReason.CHANGED_MIND


class ReturnWay(LabelledEnum):
    """How the goods come back."""

    PARCEL = "parcel", "By parcel"
    """With a label that PBCEx pays for."""
    BRANCH = "branch", "Brought to a branch"


class ReturnWish(LabelledEnum):
    """What the customer wants for the goods."""

    REFUND = "refund", "A refund"
    EXCHANGE = "exchange", "Other units of the same product"


class Finding(LabelledEnum):
    """What an inspection found."""

    AS_SOLD = "as_sold", "As they were sold"
    """Genuine, complete and undamaged."""
    AS_CLAIMED = "as_claimed", "As the customer says"
    """Damaged, wrong or not authentic when they arrived."""
    CHANGED = "changed", "Damaged or changed by the customer"
    NOT_OURS = "not_ours", "Not what PBCEx sold"


@settings_group("returns", "Returns of goods")
@dataclass(frozen=True, slots=True)
class ReturnRules:
    """How long goods can be returned, and what is refunded without a fault of PBCEx."""

    days: int = setting(
        "Goods can be returned for",
        14,
        minimum=0,
        maximum=90,
        unit="days",
        about="From when they were delivered or collected.",
    )
    bid_percent: Decimal = setting(
        "Added to the bid for goods without a fault",
        Decimal(0),
        minimum=Decimal(0),
        maximum=Decimal(20),
        unit="percent",
        about="Customers who changed their mind get the price that they paid or the bid of the day"
        " with this much added, whichever is lower.",
    )


@dataclass(frozen=True, slots=True)
class KeptOfLine:
    """What is not refunded of units of a line: what the metal lost, and the rest."""

    loss: MarketLoss
    fee: Amount


def keep_to_market(
    line_position: int, price: Amount, ounces: Amount, locked: Decimal, offset: Decimal
) -> KeptOfLine:
    """Return what is kept of the price of units, so that the lower of it and what their metal is
    worth at `offset` is refunded. Prices of metal are in US dollars per troy ounce.

    The value of the metal is to the cent, halves up.
    """
    loss = MarketLoss(line_position, ounces, locked, offset)
    exact = Fraction(offset) * Fraction(ounces.units, ounces.asset.unit) * USD.unit
    value = Amount(USD, round_units(exact, Rounding.HALF_UP))
    return KeptOfLine(loss, max(price - loss.amount - value, _NOTHING))


def offset_price(bid: Decimal, percent: Decimal) -> Decimal:
    """Return the bid with so many percent added."""
    return bid * (100 + percent) / 100


@dataclass(frozen=True, slots=True)
class ExpectedUnits:
    """Units of a part of an order that may come back: a bar by its serial, other units by their
    SKU. `claimed` of them are expected in the return, and `free` are claimed by none."""

    position: int
    sku: str
    code: str
    claimed: int
    free: int = 0


def match_scans(scans: Mapping[str, int], expected: Sequence[ExpectedUnits]) -> dict[int, int]:
    """Return how many units of each part came, by position, where so many units were scanned by
    each serial or SKU. Instead of a bar that is claimed, another free one of its product may come.

    Raises `SerialMismatch` for goods that are none of these, and `Invalid` naming `scans` for more
    than are expected, or nothing.
    """
    wanted: Counter[str] = Counter()
    for part in expected:
        wanted[part.sku] += part.claimed
    came: dict[int, int] = {}
    for code, count in scans.items():
        own = [part for part in expected if part.code == code and part.claimed + part.free]
        if not own:
            raise SerialMismatch(
                f"{code} is not expected with this return. Put it aside, and scan what it lists."
            )
        missing = count
        for part in sorted(own, key=lambda part: -part.claimed):
            units = min(missing, part.claimed or part.free, wanted[part.sku])
            if units:
                came[part.position] = units
                wanted[part.sku] -= units
                missing -= units
        if missing:
            raise Invalid("scans", f"{missing} units of {code} are more than are expected.")
    if not came:
        raise Invalid("scans", "Scan what came: serials of bars, and other goods by SKU.")
    return came


def parse_scans(text: str) -> dict[str, int]:
    """Return how many units were scanned by each serial or SKU, one a line, several as `SKU*5`.

    Raises `Invalid` naming `scans`.
    """
    scans: Counter[str] = Counter()
    for line in text.splitlines():
        name, star, count = line.partition("*")
        code = " ".join(name.upper().split())
        if code:
            scans[code] += parse_units("scans", count.strip()) if star else 1
    return dict(scans)
