"""States of bars, their weights, and how a list of bars is written."""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from uuid import UUID

from app.catalog.products.rules import OUNCE, accounted_units, parse_ounces
from app.catalog.rules import Metal
from app.kit.errors import Invalid
from app.kit.labels import Mark, StatusEnum
from app.ledger.chart import AccountClass
from app.vault.rules import clean_text

BARS_MAX = 500
_PROBLEMS_MAX = 5
_SERIAL = re.compile(r"[A-Z0-9][A-Z0-9 ./-]{0,29}", re.ASCII)
_SHARE = re.compile(r"0?\.[0-9]{3,4}", re.ASCII)
_PER_THOUSAND = re.compile(r"[0-9]{3}(?:\.[0-9])?", re.ASCII)
_YEAR = re.compile(r"[0-9]{4}", re.ASCII)
_YEARS = (1800, 2100)
_CELLS = ("serial", "refiner", "gross weight", "fineness", "year", "assay reference")
_CELLS_REQUIRED = 4
#: From which gross weight a bar is a large one, and in which steps it is weighed, rounded down.
_LARGE_BARS = {
    Metal.AU: (350 * OUNCE, 25 * OUNCE // 1000),
    Metal.AG: (750 * OUNCE, OUNCE // 10),
}
_FINE_STEP = OUNCE // 1000
#: By how much a bar may differ from what its product weighs: a bar of 400 ounces has 350 to 430,
#: one of 1,000 ounces has 750 to 1,100.
_TOLERANCE = Decimal("0.25")


class BarState(StatusEnum):
    """The state of a bar. Those of bars that are there are classes of accounts, `stock.…`."""

    AVAILABLE = "available", "Available", Mark.DONE
    """For sale."""
    QUARANTINE = "quarantine", "In quarantine", Mark.REVIEW
    """To be examined."""
    IN_TRANSIT = "in_transit", "In transit", Mark.UNDERWAY
    """On its way from its location to another one."""
    ALLOCATED = "allocated", "Allocated", Mark.SAME
    """A customer owns it; it is on the shelf."""
    PICKED = "picked", "Picked", Mark.WAITING
    """A customer owns it; it is packed to go out."""
    SHIPPED = "shipped", "Shipped", Mark.UNDERWAY
    """A customer owns it; it is on its way to them."""
    DELIVERED = "delivered", "Delivered", Mark.ENDED
    """Its owner has it."""
    WRITTEN_OFF = "written_off", "Written off", Mark.PROBLEM
    """It is no longer there, and was not sold."""
    RETURNED = "returned", "Returned", Mark.ENDED
    """Its supplier has it again."""

    @classmethod
    def of(cls, account_class: AccountClass) -> "BarState":
        """Return the state of the bars that an account of this class counts."""
        return cls(account_class.rpartition(".")[2])


#: The states of bars that customers own.
OWNED = (BarState.ALLOCATED, BarState.PICKED, BarState.SHIPPED, BarState.DELIVERED)
#: The states of bars that are not in a vault.
GONE = (BarState.DELIVERED, BarState.WRITTEN_OFF, BarState.RETURNED)


@dataclass(frozen=True, slots=True)
class BarChoice:
    """The bars that an act names: `units` of a product at a location."""

    sku: str
    location_id: UUID
    units: int
    lot_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class MeasuredBar:
    """What is stamped on a bar, and what it weighs in 10^-8 troy ounces."""

    serial: str
    refiner: str
    gross_units: int
    fineness: Decimal
    fine_units: int
    year: int | None
    assay_reference: str | None

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from every other bar in the vault."""
        return (self.refiner.lower(), self.serial)

    def accounted_units(self, metal: Metal) -> int:
        """Return the ounces by which it is accounted."""
        return accounted_units(metal, self.gross_units, self.fine_units)


@dataclass(frozen=True, slots=True)
class NamedBar:
    """A bar as staff name it: by its serial and, where several refiners use that, its refiner."""

    serial: str
    refiner: str | None = None

    def __str__(self) -> str:
        return f"{self.serial} ({self.refiner})" if self.refiner else self.serial


def parse_named_bars(field: str, text: str) -> tuple[NamedBar, ...]:
    """Return the bars of a text like `A123, B456 (Valcambi)`, with commas between them or each on a
    line; none of an empty text. Raises `Invalid` naming the field."""
    parts = [part.strip() for part in _split_bars(text) if part.strip()]
    if len(parts) > BARS_MAX:
        raise Invalid(field, f"Enter at most {BARS_MAX} serials.")
    bars = []
    for part in parts:
        serial, opening, rest = part.partition("(")
        refiner = rest.removesuffix(")").strip()
        try:
            bar = NamedBar(clean_serial(serial), refiner or None)
        except Invalid:
            bar = None
        if bar is None or (opening and not (refiner and rest.endswith(")"))):
            raise Invalid(
                field, f"{part} is no serial. Enter it like A123, or like A123 (Valcambi)."
            )
        bars.append(bar)
    return tuple(bars)


def _split_bars(text: str) -> list[str]:
    """Return what is between line ends and commas. The name of a refiner, which is in parentheses,
    may have commas."""
    parts, depth = [""], 0
    for char in text:
        depth += (char == "(") - (char == ")")
        if char in "\r\n" or (char == "," and depth <= 0):
            parts.append("")
            depth = 0
        else:
            parts[-1] += char
    return parts


def clean_serial(text: str) -> str:
    """Return the serial in capital letters. Raises `Invalid` for another form."""
    serial = " ".join(text.upper().split())
    if not _SERIAL.fullmatch(serial):
        raise Invalid("serial", "Enter the serial: up to 30 letters and digits.")
    return serial


def parse_fineness(text: str) -> Decimal:
    """Return the share of fine metal, written as one or in parts per thousand, of four significant
    figures at most. Raises `Invalid`."""
    if _SHARE.fullmatch(text):
        fineness = Decimal(text)
    elif _PER_THOUSAND.fullmatch(text):
        fineness = Decimal(text).scaleb(-3)
    else:
        fineness = Decimal(0)
    if not fineness:
        raise Invalid("fineness", "Enter the fineness with four figures, like 995.8 or 0.9958.")
    return fineness.quantize(Decimal("0.0001"))


def parse_year(text: str) -> int | None:
    """Return the year, or None for an empty text. Raises `Invalid`."""
    if not text:
        return None
    first, last = _YEARS
    if not _YEAR.fullmatch(text) or not first <= int(text) <= last:
        raise Invalid("year", "Enter the year with four digits, or leave it empty.")
    return int(text)


def weigh(metal: Metal, gross_units: int) -> int:
    """Return the gross weight as the market states it: in steps of 0.025 ounces for a large bar of
    gold and of 0.10 ounces for one of silver, rounded down."""
    least, step = _LARGE_BARS.get(metal, (0, 1))
    return gross_units // step * step if gross_units >= least else gross_units


def fine_units(gross_units: int, fineness: Decimal) -> int:
    """Return the fine weight of a measured bar: gross weight by fineness, to the nearest 0.001
    ounces, halves up, as the market's weight lists do."""
    steps = (gross_units * fineness / _FINE_STEP).quantize(Decimal(1), ROUND_HALF_UP)
    return min(int(steps) * _FINE_STEP, gross_units)


def parse_bars(text: str, metal: Metal, product_gross_units: int) -> list[MeasuredBar]:
    """Return the bars of a pasted list, one a line: serial, refiner, gross weight in troy ounces,
    fineness, and then year and assay reference, which may be missing. Cells are separated by tabs,
    semicolons or commas. A first line of titles is left out.

    Raises `Invalid` naming `bars`, with the lines that are wrong.
    """
    bars: dict[tuple[str, str], int] = {}
    found: list[MeasuredBar] = []
    problems: list[str] = []
    for number, cells in _read_lines(text):
        try:
            bar = _parse_bar(cells, metal, product_gross_units)
        except Invalid as problem:
            problems.append(f"Line {number}: {problem.message}")
            continue
        if bar.key in bars:
            problems.append(f"Line {number}: this bar is in line {bars[bar.key]}, too.")
        bars.setdefault(bar.key, number)
        found.append(bar)
    if problems:
        more = len(problems) - _PROBLEMS_MAX
        rest = [f"{more} more lines are wrong."] if more > 0 else []
        raise Invalid("bars", " ".join([*problems[:_PROBLEMS_MAX], *rest]))
    if not 0 < len(found) <= BARS_MAX:
        raise Invalid("bars", f"Enter 1 to {BARS_MAX} bars, one a line.")
    return found


def _read_lines(text: str) -> list[tuple[int, list[str]]]:
    delimiter = next((mark for mark in "\t;" if mark in text), ",")
    reader = csv.reader(text.splitlines(), delimiter=delimiter)
    try:
        lines = [
            (reader.line_num, [cell.strip() for cell in cells])
            for cells in reader
            if any(cell.strip() for cell in cells)
        ]
    except csv.Error:
        raise Invalid("bars", "Enter one bar a line, with its cells separated by commas.") from None
    for _number, [serial, *_] in lines[:1]:
        if serial.lower().startswith("serial"):
            return lines[1:]
    return lines


def _parse_bar(cells: Sequence[str], metal: Metal, product_gross_units: int) -> MeasuredBar:
    if not _CELLS_REQUIRED <= len(cells) <= len(_CELLS):
        raise Invalid("bars", f"Enter {', '.join(_CELLS[:-1])} and {_CELLS[-1]}.")
    serial, refiner, gross_text, fineness_text, year, assay = [*cells, "", ""][: len(_CELLS)]
    gross = weigh(metal, parse_ounces("gross", gross_text))
    if abs(gross - product_gross_units) > product_gross_units * _TOLERANCE:
        expected = f"{Decimal(product_gross_units) / OUNCE:.3f}"
        raise Invalid("gross", f"A bar of this product weighs about {expected} troy ounces.")
    fineness = parse_fineness(fineness_text)
    fine = fine_units(gross, fineness)
    if not fine:
        raise Invalid("gross", "The bar has less than 0.001 ounces of fine metal.")
    return MeasuredBar(
        clean_serial(serial),
        _clean_refiner(refiner),
        gross,
        fineness,
        fine,
        parse_year(year),
        clean_text("assay_reference", assay) if assay else None,
    )


def _clean_refiner(text: str) -> str:
    try:
        return " ".join(clean_text("refiner", text).split())
    except Invalid:
        raise Invalid("refiner", "Enter the refiner.") from None
