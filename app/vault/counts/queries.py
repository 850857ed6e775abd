"""Named reads of counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on

from app.catalog.products.models import Product
from app.kit import ids
from app.kit.db import Session
from app.kit.list_query import ListSource
from app.vault.counts.models import CountLine, StockCount
from app.vault.counts.rules import CountStatus
from app.vault.locations.models import Location


@dataclass(frozen=True, slots=True)
class CountSummary:
    """A count of a location, of the products in `skus` or, if that is empty, of all."""

    id: UUID
    location_id: UUID
    location_code: str
    location_name: str
    skus: list[str]
    status: CountStatus
    started_by: UUID
    started_at: datetime
    submitted_by: UUID | None
    submitted_at: datetime | None
    ended_at: datetime | None

    @property
    def public_id(self) -> str:
        """The id as others see it."""
        return ids.encode("cnt", self.id)

    @property
    def is_blind(self) -> bool:
        """Whether what is expected is not shown: the count was never submitted."""
        return self.submitted_at is None


@dataclass(frozen=True, slots=True)
class CurrentLine:
    """The line of a product that counts: what was counted last, and what the ledger had then."""

    sku: str
    product_name: str
    is_serialized: bool
    units: int
    expected_units: int
    counted_by: UUID
    counted_at: datetime

    @property
    def variance(self) -> int:
        """Units found beyond what was expected; negative if some are missing."""
        return self.units - self.expected_units


_COUNTS = sa.select(
    StockCount.id,
    StockCount.location_id,
    Location.code.label("location_code"),
    Location.name.label("location_name"),
    StockCount.skus,
    StockCount.status,
    StockCount.started_by,
    StockCount.started_at,
    StockCount.submitted_by,
    StockCount.submitted_at,
    StockCount.ended_at,
).join(Location, Location.id == StockCount.location_id)
COUNTS = ListSource(
    CountSummary,
    _COUNTS,
    key=StockCount.id,
    sorts={"started": StockCount.id},
    filters={
        "location": lambda text: Location.code == text.upper(),
        "status": lambda status: StockCount.status == status,
    },
)


def get_count(session: Session, count_id: UUID) -> CountSummary:
    """Return the count. Raises `NotFound`."""
    return session.get(CountSummary, _COUNTS.where(StockCount.id == count_id))


def lock_count(session: Session, count_id: UUID) -> CountSummary:
    """Return the count, its row locked. Raises `NotFound`."""
    locked = _COUNTS.where(StockCount.id == count_id).with_for_update(of=StockCount)
    return session.get(CountSummary, locked)


def list_counters(session: Session, count_id: UUID) -> Sequence[UUID]:
    """Return who entered lines, also those that others replaced."""
    counters = sa.select(CountLine.counted_by).where(CountLine.count_id == count_id).distinct()
    return session.select(lambda counted_by: counted_by, counters)


def list_lines(session: Session, count_id: UUID) -> Sequence[CurrentLine]:
    """Return the lines of a count that are current, in the order of their SKUs."""
    lines = (
        sa.select(
            CountLine.sku,
            Product.name.label("product_name"),
            Product.is_serialized,
            CountLine.units,
            CountLine.expected_units,
            CountLine.counted_by,
            CountLine.counted_at,
        )
        .join(Product, Product.sku == CountLine.sku)
        .where(CountLine.count_id == count_id)
        .ext(distinct_on(CountLine.sku))
        .order_by(CountLine.sku, CountLine.id.desc())
    )
    return session.select(CurrentLine, lines)
