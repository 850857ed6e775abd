"""Notes and coins: how they are counted, and which of them make up a sum. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from app.catalog.rules import USD, CashInstrument
from app.kit.errors import Invalid
from app.kit.labels import LabelledEnum, Mark, StatusEnum
from app.kit.money import Amount, InvalidAmount
from app.kit.states import Transitions

_COUNT = re.compile(r"-?[0-9]{1,6}", re.ASCII)
#: By how many fewer than possible of a denomination a sum may have to be paid. Two 25s are five
#: 10s, two 50s are five 20s: one is enough, and one more is for certain.
_FEWER_MAX = 2


class DrawerStatus(StatusEnum):
    """The status of a drawer."""

    OPEN = "open", "Open", Mark.UNDERWAY
    """A teller works with it."""
    COUNTED = "counted", "Variance waits", Mark.REVIEW
    """It was counted, and a second person has to confirm the variance."""
    CLOSED = "closed", "Closed", Mark.DONE
    """It was counted, and its cash is in the safe."""


TRANSITIONS = Transitions(
    {
        DrawerStatus.OPEN: frozenset({DrawerStatus.COUNTED, DrawerStatus.CLOSED}),
        DrawerStatus.COUNTED: frozenset({DrawerStatus.COUNTED, DrawerStatus.CLOSED}),
    }
)


class CashMovementKind(LabelledEnum):
    """Why cash came into a drawer or a safe, or left it."""

    FLOAT = "float", "Float"
    """From the safe into a drawer that is opened."""
    REFILL = "refill", "From the safe"
    """From the safe into an open drawer."""
    DROP = "drop", "To the safe"
    """From an open drawer into the safe."""
    HAND_OVER = "hand_over", "Between tills"
    """From one drawer into another one."""
    DELIVERY = "delivery", "Delivered by the bank"
    """From our account at the bank into the safe."""
    COLLECTION = "collection", "Collected by the bank"
    """From the safe into our account at the bank."""
    DEPOSIT = "deposit", "Paid in by a customer"
    """From a customer, onto their balance."""
    WITHDRAWAL = "withdrawal", "Paid out to a customer"
    """To a customer, from their balance."""
    VARIANCE = "variance", "Variance"
    """What the count of a drawer had more or less than its movements."""
    CLOSE = "close", "Close"
    """From a drawer that was counted into the safe."""


class Piece(NamedTuple):
    """One kind of what is in a drawer. Cheques and money orders are counted in cents."""

    name: str
    label: str
    #: What one of it is worth, in cents.
    units: int
    instrument: CashInstrument


#: In the order in which counts are stored.
PIECES: tuple[Piece, ...] = (
    *(
        Piece(f"usd_{units}", label, units, CashInstrument.CASH)
        for units, label in (
            (10_000, "$100"),
            (5_000, "$50"),
            (2_000, "$20"),
            (1_000, "$10"),
            (500, "$5"),
            (200, "$2"),
            (100, "$1"),
            (50, "50¢"),
            (25, "25¢"),
            (10, "10¢"),
            (5, "5¢"),
            (1, "1¢"),
        )
    ),
    Piece("cheques", "Cashier's cheques in USD", 1, CashInstrument.CASHIERS_CHEQUE),
    Piece("money_orders", "Money orders in USD", 1, CashInstrument.MONEY_ORDER),
)
_NOTES = tuple(piece for piece in PIECES if piece.instrument is CashInstrument.CASH)


@dataclass(frozen=True, slots=True)
class CashPieces:
    """How many there are of each of `PIECES`; a difference may be negative."""

    counts: tuple[int, ...] = (0,) * len(PIECES)

    @classmethod
    def of(cls, by_name: Mapping[str, int]) -> "CashPieces":
        """Return so many pieces of each name."""
        assert by_name.keys() <= {piece.name for piece in PIECES}, by_name
        return cls(tuple(by_name.get(piece.name, 0) for piece in PIECES))

    @property
    def amount(self) -> Amount:
        """What they are worth."""
        return Amount(
            USD,
            sum(count * piece.units for count, piece in zip(self.counts, PIECES, strict=True)),
        )

    @property
    def is_payable(self) -> bool:
        """Whether none is negative."""
        return min(self.counts) >= 0

    def of_instrument(self, instrument: CashInstrument) -> "CashPieces":
        """Return those of one instrument."""
        pairs = zip(self.counts, PIECES, strict=True)
        return CashPieces(
            tuple(count if piece.instrument is instrument else 0 for count, piece in pairs)
        )

    def listed(self) -> Iterator[tuple[Piece, int]]:
        """Yield each kind of which there are some, with their number."""
        for piece, count in zip(PIECES, self.counts, strict=True):
            if count:
                yield piece, count

    def __str__(self) -> str:
        """Return them as people read them: `12 × $100, 1 × 1¢`."""
        return ", ".join(
            f"{count:,} × {piece.label}"
            if piece.instrument is CashInstrument.CASH
            else f"{piece.label.removesuffix(' in USD')} {Amount(USD, count)} USD"
            for piece, count in self.listed()
        )

    def __add__(self, other: "CashPieces") -> "CashPieces":
        return CashPieces(tuple(a + b for a, b in zip(self.counts, other.counts, strict=True)))

    def __sub__(self, other: "CashPieces") -> "CashPieces":
        return self + -other

    def __neg__(self) -> "CashPieces":
        return CashPieces(tuple(-count for count in self.counts))

    def __bool__(self) -> bool:
        return any(self.counts)


def parse_pieces(fields: Mapping[str, str]) -> CashPieces:
    """Return the pieces that a person counted; an empty field is none. Raises `Invalid` naming the
    field."""
    return CashPieces.of(
        {piece.name: parse_piece(piece, fields.get(piece.name, "")) for piece in PIECES}
    )


def parse_piece(piece: Piece, text: str) -> int:
    """Return how many there are by a text, cents for cheques; an empty one is none. Notes that are
    given back have a minus. Raises `Invalid` naming the piece."""
    text = text.strip().replace(",", "").replace("\N{MINUS SIGN}", "-")
    if not text.strip("0."):
        return 0
    if piece.instrument is CashInstrument.CASH:
        if not _COUNT.fullmatch(text):
            raise Invalid(piece.name, f"Enter how many {piece.label} there are, in digits.")
        return int(text)
    try:
        return Amount.parse(USD, text).units
    except InvalidAmount:
        raise Invalid(piece.name, "Enter their sum, like 2500.00.") from None


def suggest(amount: Amount, held: CashPieces) -> CashPieces | None:
    """Return notes and coins that make up the amount, out of those that are held: as few large
    ones in place of small ones as possible. None if they cannot.
    """
    available = [count for count, piece in zip(held.counts, PIECES, strict=True) if piece in _NOTES]
    worth = [count * piece.units for count, piece in zip(available, _NOTES, strict=True)]
    taken = _take(amount.units, available, [sum(worth[at:]) for at in range(len(worth))], 0, set())
    if taken is None:
        return None
    return CashPieces((*taken, *(0 for _ in range(len(PIECES) - len(_NOTES)))))


def _take(
    rest: int, available: Sequence[int], left: Sequence[int], at: int, dead: set[tuple[int, int]]
) -> tuple[int, ...] | None:
    """Return how many of each note from position `at` on make up the rest. `left` is what all from
    there on are worth, `dead` what was tried in vain."""
    if rest == 0:
        return (0,) * (len(available) - at)
    if at == len(available) or left[at] < rest or (at, rest) in dead:
        return None
    units = _NOTES[at].units
    most = min(available[at], rest // units)
    for count in range(most, max(most - _FEWER_MAX, 0) - 1, -1):
        taken = _take(rest - count * units, available, left, at + 1, dead)
        if taken is not None:
            return (count, *taken)
    dead.add((at, rest))
    return None
