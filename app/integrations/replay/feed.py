"""A CSV file of prices as a feed.

The first line is `Date,Price`. Each further line is one price in US dollars per troy ounce, for a
month (`1968-01`, meaning its first day) or a day (`1968-01-01`), later than the line before.
"""

import csv
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from app.catalog.rules import Metal
from app.pricing.ports import FeedFailed, Observation

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}(-[0-9]{2})?", re.ASCII)
_PRICE = re.compile(r"[0-9]{1,9}(\.[0-9]{1,18})?", re.ASCII)


class InvalidPriceFile(FeedFailed):
    """The file is not a valid price file. The message names the line and the problem."""


class ReplayFeed:
    """A `PriceFeed` that returns at any time the file's price for that time.

    Raises `InvalidPriceFile` when created from an invalid file.
    """

    name = "replay"

    def __init__(self, path: Path, metal: Metal) -> None:
        self.observations = read_prices(path, metal)
        self._instants = [observation.observed_at for observation in self.observations]

    def fetch(self, now: datetime) -> list[Observation]:
        """Return the file's last price not after `now`, with its own date."""
        count = bisect_right(self._instants, now)
        return self.observations[count - 1 : count] if count else []


def read_prices(path: Path, metal: Metal) -> list[Observation]:
    """Return every price of the file, oldest first. Raises `InvalidPriceFile`."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            return list(_parse(lines, metal))
    except OSError as error:
        raise InvalidPriceFile(f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidPriceFile("is not text in UTF-8") from error


def _parse(lines: Iterable[str], metal: Metal) -> Iterator[Observation]:
    reader = csv.reader(lines, strict=True)
    last = None
    try:
        if next(reader, None) != ["Date", "Price"]:
            raise InvalidPriceFile("line 1: must be Date,Price")
        for row in reader:
            try:
                observation = _observation(row, metal)
            except (FeedFailed, ValueError) as error:
                raise InvalidPriceFile(f"line {reader.line_num}: {error}") from None
            if last is not None and observation.observed_at <= last:
                day, *_ = row
                raise InvalidPriceFile(
                    f"line {reader.line_num}: {day} is not later than the line before"
                )
            last = observation.observed_at
            yield observation
    except csv.Error as error:
        raise InvalidPriceFile(f"line {reader.line_num}: {error}") from error
    if last is None:
        raise InvalidPriceFile("holds no prices")


def _observation(row: list[str], metal: Metal) -> Observation:
    if len(row) != 2:  # noqa: PLR2004 - date and price
        raise ValueError("must be a date and a price")
    date, price = row
    if not _DATE.fullmatch(date):
        raise ValueError(f"{date!r} is not a month (1968-01) or a day (1968-01-01)")
    if not _PRICE.fullmatch(price):
        raise ValueError(f"{price!r} is not a plain decimal price")
    whole = date if len(date) > len("1968-01") else f"{date}-01"
    try:
        observed_at = datetime.fromisoformat(whole).replace(tzinfo=UTC)
    except ValueError:
        raise ValueError(f"{date} is not in the calendar") from None
    return Observation(metal, None, None, Decimal(price), observed_at)
