"""Which units a lock takes: from which shelves, and which bars, each at the price of its weight."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from app.catalog.products.rules import accounted_units
from app.kit import ids
from app.kit.db import Session
from app.kit.formatting import format_number_of
from app.kit.money import Amount
from app.shop.locks.errors import TooFewUnits
from app.shop.prices.queries import PricedLine
from app.vault.bars import queries as bars_queries
from app.vault.bars.queries import FreeBar
from app.vault.stock import queries as stock_queries
from app.vault.stock.rules import Shelf, take_from_shelves

_NO_BAR = UUID(int=0)


@dataclass(frozen=True, slots=True)
class AllocatedPart:
    """Units at one location, to be reserved by a new hold; one bar of a product with serials."""

    hold_id: UUID
    location_id: UUID
    units: int
    lot_id: UUID | None = None

    @property
    def order(self) -> tuple[UUID, UUID]:
        """The order in which parts of a product are reserved."""
        return self.location_id, self.lot_id or _NO_BAR


@dataclass(frozen=True, slots=True)
class AllocatedLine:
    """Units at one price, and where they are."""

    priced: PricedLine
    unit_price: Amount
    #: The accounted ounces of one unit.
    ounces: Amount
    parts: Sequence[AllocatedPart]

    @property
    def quantity(self) -> int:
        """The units of all parts."""
        return sum(part.units for part in self.parts)

    @property
    def total(self) -> Amount:
        """What all units cost."""
        return Amount(self.unit_price.asset, self.unit_price.units * self.quantity)


def allocate(
    session: Session, priced: Sequence[PricedLine], branch_id: UUID | None
) -> list[AllocatedLine]:
    """Return from where the units of each line are taken, at one branch or at all; each bar with a
    weight of its own as a line. Raises `TooFewUnits` naming the line."""
    shelves: dict[str, list[Shelf]] = defaultdict(list)
    for each in stock_queries.list_free_units(session, {line.sku for line in priced}, branch_id):
        shelves[each.sku].append(Shelf(each.location_id, each.location_code, each.units))
    bars = _free_bars(session, priced, shelves)
    lines: list[AllocatedLine] = []
    for index, line in enumerate(priced):
        if line.product.is_serialized:
            lines += _bars_of(index, line, bars[line.sku])
            continue
        taken = take_from_shelves(shelves[line.sku], line.quantity)
        _require(index, line, sum(units for _, units in taken))
        parts = [AllocatedPart(ids.new(), location_id, units) for location_id, units in taken]
        lines.append(AllocatedLine(line, line.unit_price, line.product.accounted, parts))
    return lines


def _free_bars(
    session: Session, priced: Sequence[PricedLine], shelves: Mapping[str, Sequence[Shelf]]
) -> Mapping[str, Sequence[FreeBar]]:
    bars: dict[str, list[FreeBar]] = defaultdict(list)
    skus = {line.sku for line in priced if line.product.is_serialized}
    if skus:
        places = {shelf.location_id for sku in skus for shelf in shelves[sku]}
        for bar in bars_queries.list_free_bars(session, skus, places):
            bars[bar.sku].append(bar)
    return bars


def _bars_of(index: int, line: PricedLine, free: Sequence[FreeBar]) -> list[AllocatedLine]:
    _require(index, line, min(len(free), line.quantity))
    allocated = []
    for bar in free[: line.quantity]:
        units = accounted_units(line.product.metal, bar.gross_units, bar.fine_units)
        ounces = Amount(line.product.accounted.asset, units)
        part = AllocatedPart(ids.new(), bar.location_id, 1, bar.lot_id)
        allocated.append(AllocatedLine(line, line.price_of(ounces), ounces, [part]))
    return allocated


def _require(index: int, line: PricedLine, found: int) -> None:
    if found < line.quantity:
        raise TooFewUnits(
            f"Only {format_number_of(found, 'unit')} of {line.sku} {'is' if found == 1 else 'are'}"
            " free. Choose fewer."
            if found
            else f"No unit of {line.sku} is free at the moment.",
            field=f"items.{index}.quantity",
        )
