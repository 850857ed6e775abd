"""How goods are split into parcels. Pure. Values are cents, weights grams."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from app.catalog.products.rules import OUNCE

#: What one person lifts.
WEIGHT_MAX = 30_000
#: Box and filling.
PACKAGING_GRAMS = 500
_GRAMS_PER_OUNCE = 31_1035  # times 10^-4
#: The outer measures of a box in millimetres, up to a weight with its packaging.
_BOXES = ((2_000, (230, 160, 70)), (10_000, (300, 230, 120)), (WEIGHT_MAX + 500, (400, 300, 200)))
_LARGEST = (500, 400, 300)


@dataclass(frozen=True, slots=True)
class PackedUnits:
    """Units of a line of a shipment, of which each has this value and weight."""

    position: int
    units: int
    unit_value: int
    unit_grams: int


@dataclass(slots=True)
class PlannedParcel:
    """Units that go in one box."""

    units: list[tuple[int, int]] = field(default_factory=list)
    value: int = 0
    grams: int = PACKAGING_GRAMS


def grams_of(gross_units: int) -> int:
    """Return the grams of a gross weight in 10^-8 troy ounces, rounded up."""
    return -(-gross_units * _GRAMS_PER_OUNCE // (OUNCE * 10_000))


def box_of(grams: int) -> tuple[int, int, int]:
    """Return the measures of the box for a parcel of this weight, in millimetres."""
    return next((box for most, box in _BOXES if grams <= most), _LARGEST)


def split(goods: Sequence[PackedUnits], value_max: int) -> list[PlannedParcel]:
    """Return parcels, none of which is worth more than `value_max`, nor heavier than a person lifts
    unless it is a single piece. Raises `ValueError` for a piece that is worth more."""
    parcels = [PlannedParcel()]
    for line in goods:
        if line.unit_value > value_max:
            raise ValueError(f"a piece of line {line.position} is worth more than a parcel may be")
        left = line.units
        while left:
            parcel = parcels[-1]
            fits = min(left, _room(parcel, line, value_max))
            if not fits:
                parcels.append(PlannedParcel())
                continue
            parcel.units.append((line.position, fits))
            parcel.value += fits * line.unit_value
            parcel.grams += fits * line.unit_grams
            left -= fits
    return parcels


def _room(parcel: PlannedParcel, line: PackedUnits, value_max: int) -> int:
    """Return how many units of a line a parcel has room for; at least one if it is empty."""
    by_value = (value_max - parcel.value) // line.unit_value if line.unit_value else line.units
    by_weight = max(0, WEIGHT_MAX + PACKAGING_GRAMS - parcel.grams) // max(1, line.unit_grams)
    room = min(by_value, by_weight)
    return room if parcel.units else max(1, room)
