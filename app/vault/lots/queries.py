"""Named reads of lots."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa

from app.catalog.products.models import Product
from app.catalog.rules import SYNTHETIC, USD, Metal
from app.kit import ids
from app.kit.db import Session
from app.kit.list_query import ListSource
from app.kit.money import Amount
from app.ledger import queries as ledger_queries
from app.vault.bars.models import BarStateChange
from app.vault.bars.rules import BarState
from app.vault.locations.models import Location
from app.vault.lots.models import Lot, LotMovement
from app.vault.lots.rules import LotPart


@dataclass(frozen=True, slots=True)
class LotRow:
    """One product of one delivery, and what it cost."""

    id: UUID
    sku: str
    metal: Metal
    location_code: str
    units: int
    ounces_units: int
    spot: Decimal
    metal_usd: int
    premium_usd: int
    supplier: str
    supplier_reference: str
    received_by: UUID | None
    received_at: datetime

    @property
    def public_id(self) -> str:
        """The id as others see it."""
        return ids.encode("lot", self.id)

    @property
    def ounces(self) -> Amount:
        """The accounted ounces of all units."""
        return Amount(SYNTHETIC[self.metal], self.ounces_units)

    @property
    def cost(self) -> Amount:
        """What was paid for all units."""
        return Amount(USD, self.metal_usd + self.premium_usd)

    @property
    def premium(self) -> Amount:
        """What was paid above the metal."""
        return Amount(USD, self.premium_usd)


@dataclass(frozen=True, slots=True)
class BarHistoryRow:
    """A state that a bar came to, and the entry of the ledger that moved it. `cause` is None for an
    act that left it in its state: an assay that it failed."""

    state: BarState
    location_code: str
    reached_at: datetime
    cause: str | None
    reference: str


_LOTS = (
    sa.select(
        Lot.id,
        Lot.sku,
        Product.metal,
        Location.code.label("location_code"),
        Lot.units,
        Lot.ounces_units,
        Lot.spot,
        Lot.metal_usd,
        Lot.premium_usd,
        Lot.supplier,
        Lot.supplier_reference,
        Lot.received_by,
        Lot.received_at,
    )
    .join(Product, Product.sku == Lot.sku)
    .join(Location, Location.id == Lot.location_id)
)
LOTS = ListSource(
    LotRow,
    _LOTS,
    key=Lot.id,
    sorts={"received": Lot.id},
    filters={
        "sku": lambda text: Lot.sku == text.upper(),
        "location": lambda text: Location.code == text.upper(),
    },
)


def get_lot(session: Session, lot_id: UUID) -> LotRow:
    """Return a lot. Raises `NotFound`."""
    return session.get(LotRow, _LOTS.where(Lot.id == lot_id))


def list_bar_history(session: Session, lot_id: UUID) -> list[BarHistoryRow]:
    """Return the states that a bar came to, in order."""
    entry = ledger_queries.ENTRIES
    return session.select(
        BarHistoryRow,
        sa.select(
            BarStateChange.state,
            Location.code.label("location_code"),
            BarStateChange.reached_at,
            entry.c.cause,
            BarStateChange.reference,
        )
        .join(Location, Location.id == BarStateChange.location_id)
        .outerjoin(entry, entry.c.reference == BarStateChange.reference)
        .where(BarStateChange.lot_id == lot_id)
        .order_by(BarStateChange.reached_at, entry.c.id),
    )


def list_parts_out(
    session: Session,
    sku: str,
    location_id: UUID,
    references: Sequence[str],
    lot_ids: Sequence[UUID] = (),
) -> list[LotPart]:
    """Return what the entries of these references took out of the lots of a product at a location
    and did not put back, in the order in which it was taken; of some of its lots, if they are
    given."""
    units = sa.cast(-sa.func.sum(LotMovement.units), sa.BigInteger)
    found = (
        sa.select(
            LotMovement.lot_id,
            units.label("units"),
            (Lot.ounces_units // Lot.units * units).label("ounces_units"),
            sa.cast(-sa.func.sum(LotMovement.premium_usd), sa.BigInteger).label("premium_usd"),
        )
        .join(Lot, Lot.id == LotMovement.lot_id)
        .where(
            LotMovement.reference.in_(references),
            LotMovement.location_id == location_id,
            Lot.sku == sku,
        )
        .group_by(LotMovement.lot_id, Lot.ounces_units, Lot.units)
        .having(units > 0)
        .order_by(LotMovement.lot_id)
    )
    if lot_ids:
        found = found.where(LotMovement.lot_id.in_(lot_ids))
    return session.select(LotPart, found)
