"""The verbs of needs: find out what is needed, and end a need once something was done about it."""

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from app.fulfillment.restock.errors import NeedEnded, ShelfFull
from app.fulfillment.restock.needs import queries
from app.fulfillment.restock.needs.models import RestockNeed
from app.fulfillment.restock.needs.rules import TRANSITIONS, NeedStatus, ShelfState, suggest_units
from app.fulfillment.restock.purchase_orders.rules import RestockRules
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.formatting import format_count
from app.settings.queries import current
from app.vault.alerts.queries import LOW
from app.vault.alerts.service import StockPlace

# Who reads what is on order, and adds to it, waits for others who do. They see each other's orders.
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('restock', 0))"


def lock(session: Session) -> None:
    """Lock what is on order until the transaction ends. Take it before any row of restock."""
    session.row(_LOCK)


def refresh(session: Session) -> None:
    """Bring the open needs up to date with stock, sales and what is on order."""
    lock(session)
    rules = current(session, RestockRules)
    places = session.select(lambda sku, location_id, **_: StockPlace(sku, location_id), LOW)
    needed = set()
    for place, shelf in sorted(queries.list_shelves(session, places).items()):
        units = suggest_units(shelf, sales_days=rules.sales_days, cover_days=rules.cover_days)
        if units:
            needed.add(place)
            _open(session, place, shelf, units)
    for need in queries.list_open_needs(session):
        if StockPlace(need.sku, need.location_id) not in needed:
            end(session, need.id, NeedStatus.CLOSED)


def want(session: Session, place: StockPlace, units: int) -> UUID:
    """Open the need of a place for so many units, or change the open one, and return its id. The
    caller holds the lock. Raises `ShelfFull`."""
    shelf = queries.list_shelves(session, [place])[place]
    if shelf.room is not None and units > shelf.room:
        raise ShelfFull(
            f"There is room for {format_count(shelf.room)} more units of {place.sku}, with what is"
            " on order."
        )
    return _open(session, place, shelf, units)


def end(session: Session, need_id: UUID, status: NeedStatus) -> None:
    """End an open need. Raises `NeedEnded` if it has ended."""
    TRANSITIONS.transition(NeedStatus.OPEN, status)
    ended = session.select(
        lambda need_id: need_id,
        sa.update(RestockNeed)
        .where(RestockNeed.id == need_id, RestockNeed.status == NeedStatus.OPEN)
        .values(status=status, ended_at=clock.now())
        .returning(RestockNeed.id.label("need_id")),
    )
    if not ended:
        raise NeedEnded


def _open(session: Session, place: StockPlace, shelf: ShelfState, units: int) -> UUID:
    known = {
        "units": units,
        "available": shelf.available,
        "on_order": shelf.on_order,
        "sold": shelf.sold,
        "fill_to": shelf.fill_to,
    }
    opened = (
        insert(RestockNeed)
        .values(
            id=ids.new(),
            sku=place.sku,
            location_id=place.location_id,
            status=NeedStatus.OPEN,
            opened_at=clock.now(),
            **known,
        )
        .on_conflict_do_update(
            index_elements=["sku", "location_id"],
            index_where=sa.text("status = 'open'"),
            set_=known,
        )
        .returning(RestockNeed.id.label("need_id"))
    )
    need_id: UUID = session.get(lambda need_id: need_id, opened)
    return need_id
