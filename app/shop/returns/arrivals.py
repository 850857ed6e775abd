"""Goods of a return arrive: they are scanned, and on our shelf. They are still the customer's."""

from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, Permission, require
from app.catalog.products import queries as products_queries
from app.kit import clock
from app.kit.db import Session
from app.shop.orders.models import ShopOrderPart
from app.shop.refunds import refundable
from app.shop.returns import messages, queries, rules, status_changes
from app.shop.returns.errors import ReturnMovedOn
from app.shop.returns.queries import GoodsReturn
from app.shop.returns.rules import EXPECTED, ExpectedUnits, ReturnStatus
from app.vault.bars.models import Bar
from app.vault.locations import queries as locations_queries
from app.vault.lots.service import Goods
from app.vault.movements.rules import MovementCause
from app.vault.stock import service as stock
from app.vault.stock import take_backs


def receive(session: Session, actor: Actor, return_id: UUID, *, scans: str) -> None:
    """Note which goods of a return came, one scan a line: a bar by its serial, other goods by SKU,
    several as `SKU*5`. What did not come is not claimed any more.

    Raises `PermissionDenied`, `NotFound`, `ReturnMovedOn`, `SerialMismatch` for goods that are not
    of the return, and `Invalid` naming `scans`.
    """
    require(actor, Permission.SHIPMENTS_WORK)
    scanned = rules.parse_scans(scans)
    order, returned = status_changes.lock(session, return_id)
    if returned.status not in EXPECTED:
        raise ReturnMovedOn
    came = rules.match_scans(scanned, _list_expected(session, returned))
    changes = {
        position: came.get(position, 0) - returned.units.get(position, 0)
        for position in sorted({*came, *returned.units})
    }
    status_changes.claim(session, order.id, changes)
    status_changes.put_parts(session, returned.id, came)
    _put_on_shelf(session, queries.get_return(session, return_id))
    missing = sum(returned.units.values()) - sum(came.values())
    evidence = f"{missing} units did not come" if missing else None
    now = clock.now()
    status_changes.change(
        session,
        queries.get_return(session, return_id),
        ReturnStatus.RECEIVED,
        at=now,
        actor=actor,
        evidence=evidence,
        received_at=now,
    )
    news = "The goods that you return have arrived. We look at them, and then tell you more."
    if missing:
        news += f" {missing} units were not in it: you keep them."
    messages.notify_of_change(session, returned, news)


def _list_expected(session: Session, returned: GoodsReturn) -> list[ExpectedUnits]:
    """Return what may come: the units of the return, and other bars of its products."""
    parts = refundable.list_parts(session, returned.order_id)
    skus = {part.sku for part in returned.parts}
    found = (
        sa.select(ShopOrderPart.position, Bar.serial)
        .join(Bar, Bar.lot_id == ShopOrderPart.lot_id)
        .where(ShopOrderPart.order_id == returned.order_id)
    )
    serials = dict(session.select(lambda position, serial: (position, serial), found))
    return [
        ExpectedUnits(
            part.position,
            part.sku,
            serials.get(part.position, part.sku),
            returned.units.get(part.position, 0),
            part.free_units if part.position in serials else 0,
        )
        for part in parts
        if part.sku in skus
    ]


def _put_on_shelf(session: Session, returned: GoodsReturn) -> None:
    """Post that the goods of a return are on the shelf, and the customer's."""
    assert returned.location_id is not None  # approved_return_has_a_location
    skus = {part.sku for part in returned.parts}
    products = {each.sku: each for each in products_queries.list_products(session, skus)}
    shelf, now = locations_queries.get_location(session, returned.location_id), clock.now()
    left_from = {part.bar_location_id or part.location_id for part in returned.parts}
    locations = locations_queries.locations_by_id(session, left_from)
    postings = []
    for part in sorted(returned.parts, key=lambda part: (part.sku, str(part.lot_id))):
        goods = Goods(
            products[part.sku],
            locations[part.bar_location_id or part.location_id],
            part.units,
            (part.lot_id,) if part.lot_id else (),
        )
        postings += take_backs.accept(
            session, goods, shelf, owner_id=returned.user_id, reference=returned.public_id, at=now
        )
    stock.post(
        session,
        cause=MovementCause.GOODS_ACCEPTED,
        reference=returned.public_id,
        posted_at=now,
        postings=postings,
    )
