"""Named reads of alerts."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, Permission
from app.catalog.products.models import Product
from app.kit.counts import Count
from app.kit.list_query import ListSource
from app.ledger import queries as ledger_queries
from app.ledger.chart import AccountClass
from app.vault.alerts.models import StockAlert
from app.vault.locations.models import Location
from app.vault.locations.rules import RESTOCKED_KINDS
from app.vault.reorder_points.models import ReorderPoint
from app.vault.reorder_points.queries import IS_OF_PLACE, REORDER_BELOW
from app.vault.stock.rules import StockLevel

_account = ledger_queries.GUARDED_ACCOUNTS
_AVAILABLE = _account.c.posted - _account.c.held
#: Each product at each location where fewer units are available than should be.
LOW = (
    sa.select(
        Product.sku,
        Location.id.label("location_id"),
        _AVAILABLE.label("available"),
        sa.case((_AVAILABLE > 0, StockLevel.LOW.value), else_=StockLevel.CRITICAL.value).label(
            "level"
        ),
    )
    .join(Location, Location.id == _account.c.owner_id)
    .join(Product, Product.sku == _account.c.asset)
    .outerjoin(ReorderPoint, IS_OF_PLACE)
    .where(
        _account.c.account_class == AccountClass.STOCK_AVAILABLE,
        # No IN: its values would be bound only when the statement, compiled once, is sent.
        sa.or_(*(Location.kind == kind for kind in sorted(RESTOCKED_KINDS))),
        REORDER_BELOW > _AVAILABLE,
    )
)


_OPEN_COUNT = Count(("SELECT count(*) FROM stock_alerts WHERE closed_at IS NULL", None))


@dataclass(frozen=True, slots=True)
class AlertRow:
    """An open alert."""

    id: UUID
    sku: str
    product_name: str
    location_code: str
    level: StockLevel
    available: int
    reorder_below: int
    opened_at: datetime


OPEN_ALERTS = ListSource(
    AlertRow,
    sa.select(
        StockAlert.id,
        StockAlert.sku,
        Product.name.label("product_name"),
        Location.code.label("location_code"),
        StockAlert.level,
        sa.func.coalesce(_AVAILABLE, 0).label("available"),
        REORDER_BELOW.label("reorder_below"),
        StockAlert.opened_at,
    )
    .join(Product, Product.sku == StockAlert.sku)
    .join(Location, Location.id == StockAlert.location_id)
    .outerjoin(ReorderPoint, IS_OF_PLACE)
    .outerjoin(
        _account,
        sa.and_(
            _account.c.asset == StockAlert.sku,
            _account.c.owner_id == StockAlert.location_id,
            _account.c.account_class == AccountClass.STOCK_AVAILABLE,
        ),
    )
    .where(StockAlert.closed_at.is_(None)),
    key=StockAlert.id,
    sorts={"opened": StockAlert.id, "sku": StockAlert.sku},
    filters={
        "sku": lambda text: StockAlert.sku == text.upper(),
        "location": lambda text: Location.code == text.upper(),
        "level": lambda level: StockAlert.level == level,
    },
)


def open_count(actor: Actor) -> Count | None:
    """Return the count of open alerts; None for a person who does not receive goods."""
    return _OPEN_COUNT if Permission.VAULT_RECEIVE in actor.permissions else None
