"""Statuses of transfers of goods, and how their lines are written."""

from collections.abc import Mapping, Sequence

from app.catalog.products.rules import clean_sku
from app.kit.errors import Invalid
from app.kit.labels import Mark, StatusEnum
from app.kit.states import Transitions
from app.vault.bars.rules import NamedBar, parse_named_bars
from app.vault.rules import parse_units

LINES_MAX = 100
#: What a line has of its product: a number of units, or bars by their serials.
LineUnits = int | Sequence[NamedBar]


class StockTransferStatus(StatusEnum):
    """The status of a transfer of goods between locations."""

    IN_TRANSIT = "in_transit", "In transit", Mark.UNDERWAY
    """Sent, and not all of it is received."""
    RECEIVED = "received", "Received", Mark.DONE
    """All of it is received."""
    SHORT = "short", "Closed with a shortage", Mark.PROBLEM
    """The receiver closed it; what is missing is neither found nor written off yet."""
    WRITTEN_OFF = "written_off", "Shortage written off", Mark.ENDED
    """What was missing is written off, or found in part."""
    CANCELLED = "cancelled", "Cancelled", Mark.ENDED
    """Cancelled before any of it was received."""


_S = StockTransferStatus
TRANSITIONS = Transitions(
    {
        _S.IN_TRANSIT: {_S.RECEIVED, _S.SHORT, _S.CANCELLED},
        _S.SHORT: {_S.RECEIVED, _S.WRITTEN_OFF},
    }
)


def count_units(units: LineUnits) -> int:
    """Return how many units a line has."""
    return units if isinstance(units, int) else len(units)


def parse_lines(text: str) -> Mapping[str, LineUnits]:
    """Return units by SKU, of lines like `AU-EAGLE-1OZ 5`, or for bars with serials like
    `AU-BAR-400OZ: A123, B456 (Valcambi)`; empty lines are left out.

    Raises `Invalid` naming `lines`, with the line that is wrong.
    """
    units_by_sku: dict[str, LineUnits] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            sku, units = _parse_line(line)
        except (ValueError, Invalid):
            raise Invalid(
                "lines",
                f"Line {number}: enter a SKU and the number of units, like AU-EAGLE-1OZ 5, or the"
                " serials of bars, like AU-BAR-400OZ: A123, B456.",
            ) from None
        if sku in units_by_sku:
            raise Invalid("lines", f"Line {number}: {sku} is there already. Enter each SKU once.")
        units_by_sku[sku] = units
    if not 0 < len(units_by_sku) <= LINES_MAX:
        raise Invalid("lines", f"Enter 1 to {LINES_MAX} lines, each with a SKU and units.")
    return units_by_sku


def _parse_line(line: str) -> tuple[str, LineUnits]:
    sku, colon, serials = line.partition(":")
    if colon:
        bars = parse_named_bars("lines", serials)
        if not bars:
            raise Invalid("lines", "Enter the serials after the colon.")
        return clean_sku(sku.strip()), bars
    sku, units = line.split()
    return clean_sku(sku), parse_units("lines", units)
