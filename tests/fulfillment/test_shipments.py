"""Shipments of orders: what moves in stock and books at each step, and what the order says."""

import json
from dataclasses import replace

import pytest
import sqlalchemy as sa

from app.access import Actor
from app.catalog.products.rules import ProductForm
from app.fulfillment.shipments import service as shipments
from app.fulfillment.shipments.errors import (
    AlreadyPicking,
    GoodsNotScanned,
    RecipientNotCleared,
    ShipmentMovedOn,
)
from app.fulfillment.shipments.models import Shipment
from app.fulfillment.shipments.rules import Progress, ShipmentStatus
from app.keys import service as keys
from app.kit.errors import Invalid, PermissionDenied
from app.kit.postal_addresses import to_fields
from app.screening.models import Screening
from app.shop.orders import shipping
from app.tax.assessment import Delivery
from app.vault.bars.errors import SerialMismatch
from tests.fulfillment.dispatch import STEPS, Dispatch
from tests.people import People
from tests.rows import change_rows
from tests.sanctions import LISTED_NAME
from tests.shop.sales_range import tier
from tests.shop.stall import NEW_HAMPSHIRE
from tests.vault.goods import Goods, open_location, postings_of


def test_order_is_picked_packed_shipped_and_delivered_and_the_books_agree_at_each_step(
    dispatch: Dispatch, people: People
) -> None:
    stall = dispatch.stall
    sku = stall.range.add(tier("5"), form=ProductForm.BAR, gross="10", is_serialized=True)
    bars = Goods(stall.database, sku, open_location(people, stall.branch_id))
    bars.receive_bars("C3, Rand Refinery, 10, 999.9", cost="40500.00")
    coins = stall.coins()
    order = dispatch.order(coins, bars)
    of_coins, of_bars = sorted(
        dispatch.shipments(order), key=lambda each: each.location_id != coins.location.id
    )
    assert (of_bars.status, of_bars.subject_number) == ("requested", str(order.number))
    assert of_bars.address == order.shipping_address
    assert str(of_coins.value + of_bars.value) == str(order.goods)
    seen = []
    for status in STEPS:
        for shipment in (of_bars, of_coins):
            dispatch.step(shipment.id, status)
        seen.append((dispatch.now(order).status, dispatch.units(bars), dispatch.units(coins)))
        dispatch.verify()
    assert seen == [
        ("picking", {"allocated": 1}, {"available": 9, "allocated": 1}),
        ("picking", {"picked": 1}, {"available": 9, "picked": 1}),
        ("shipped", {"shipped": 1}, {"available": 9, "shipped": 1}),
        ("delivered", {}, {"available": 9}),
    ]
    assert postings_of(dispatch.database, f"{of_bars.public_id}:delivered") == {
        ("customer.goods", bars.sku): "1",
        ("stock.shipped", bars.sku): "-1",
    }
    statuses = [event.status for event in dispatch.now(order).events]
    assert statuses == ["allocated", "picking", "shipped", "delivered"]


def test_order_of_several_locations_is_partially_shipped_until_all_parcels_have_left(
    dispatch: Dispatch,
) -> None:
    order = dispatch.order(dispatch.stall.coins(), dispatch.stall.coins())
    first, second = dispatch.shipments(order)
    dispatch.advance(first.id, "delivered")
    seen = dispatch.now(order)
    assert (seen.status, seen.partially_shipped) == ("picking", True)
    dispatch.advance(second.id, "shipped")
    seen = dispatch.now(order)
    assert (seen.status, seen.partially_shipped) == ("shipped", False)


def test_recipient_on_the_sanctions_list_gets_nothing(dispatch: Dispatch) -> None:
    """They were not on it when the order was placed."""
    order = dispatch.order(dispatch.stall.coins())
    shipment = dispatch.shipment(order)
    with dispatch.database.transaction() as session:
        address = json.dumps(to_fields(replace(NEW_HAMPSHIRE, recipient=LISTED_NAME)))
        sealed = keys.seal(address, table="shipments", column="address_sealed", key=shipment.id)
        change_rows(session, Shipment, Shipment.id == shipment.id, address_sealed=sealed)
    dispatch.step(shipment.id, "picking")
    with pytest.raises(RecipientNotCleared):
        dispatch.step(shipment.id, "packed")
    with dispatch.database.reading() as session:
        about = sa.select(Screening.about).where(Screening.about == shipment.public_id)
        assert session.select(lambda about: about, about)
    assert dispatch.shipment(order).status == "picking"


def test_shipments_are_requested_once_and_not_for_goods_that_stay(dispatch: Dispatch) -> None:
    kept = dispatch.order(dispatch.stall.coins(), delivery=Delivery.VAULT)
    order = dispatch.order(dispatch.stall.coins())
    for each in (kept, order):
        with dispatch.database.transaction() as session:
            shipping.request_shipments(session, each.id)
    assert [len(dispatch.shipments(each)) for each in (kept, order)] == [0, 1]


def test_shipment_is_cancelled_until_picking_begins(dispatch: Dispatch) -> None:
    order = dispatch.order(dispatch.stall.coins(), dispatch.stall.coins())
    first, second = dispatch.shipments(order)

    def cancel() -> None:
        with dispatch.database.transaction() as session:
            shipments.cancel(session, None, order.id, evidence="the customer cancelled")

    dispatch.act(shipments.start_picking, second.id)
    with pytest.raises(AlreadyPicking):
        cancel()
    assert [each.status for each in dispatch.shipments(order)] == ["requested", "picking"]
    dispatch.act(shipments.stop_picking, second.id)
    assert dispatch.now(order).status == "allocated"
    cancel()
    cancel()
    assert [each.status for each in dispatch.shipments(order)] == ["cancelled", "cancelled"]
    with pytest.raises(ShipmentMovedOn):
        dispatch.act(shipments.start_picking, first.id)


def test_acts_out_of_order_and_of_others_are_refused_and_change_nothing(dispatch: Dispatch) -> None:
    shipment = dispatch.shipment(dispatch.order(dispatch.stall.coins()))
    for status in ("shipped", "delivered"):
        with pytest.raises(ShipmentMovedOn):
            dispatch.step(shipment.id, status)
    with pytest.raises(ShipmentMovedOn):
        dispatch.scan(shipment.id, "anything")
    other: Actor = replace(dispatch.clerk, permissions=frozenset())
    with pytest.raises(PermissionDenied), dispatch.database.transaction() as session:
        shipments.start_picking(session, other, shipment.id)


@pytest.mark.parametrize(
    ("statuses", "together", "is_partial"),
    [
        ("", None, False),
        ("cancelled", None, False),
        ("requested cancelled", "requested", False),
        ("requested picking", "picking", False),
        ("packed delivered", "picking", True),
        ("shipped delivered", "shipped", False),
        ("delivered cancelled delivered", "delivered", False),
    ],
)
def test_progress_of_several_shipments(
    statuses: str, together: str | None, is_partial: bool
) -> None:
    progress = Progress.of([ShipmentStatus(each) for each in statuses.split()])
    assert (progress.status, progress.is_partial) == (together, is_partial)


def test_wrong_goods_stop_the_packer_and_right_ones_are_counted(
    dispatch: Dispatch, people: People
) -> None:
    stall = dispatch.stall
    sku = stall.range.add(tier("5"), form=ProductForm.BAR, gross="10", is_serialized=True)
    bars = Goods(stall.database, sku, open_location(people, stall.branch_id))
    bars.receive_bars("A1, Rand Refinery, 10, 999.9\nB2, Rand Refinery, 10, 999.9", cost="82000.00")
    coins = stall.coins()
    sold = dispatch.order(bars)
    shipment = dispatch.shipment(sold)
    dispatch.step(shipment.id, "picking")
    with pytest.raises(SerialMismatch, match="B2 is not in this shipment"):
        dispatch.scan(shipment.id, "b2")
    with pytest.raises(GoodsNotScanned):
        dispatch.act(shipments.pack, shipment.id)
    dispatch.scan(shipment.id, "a1")
    with pytest.raises(Invalid, match="scanned already"):
        dispatch.scan(shipment.id, "A1")
    dispatch.act(shipments.pack, shipment.id)

    shipment = dispatch.shipments(dispatch.order(coins, quantity=3))[0]
    dispatch.step(shipment.id, "picking")
    dispatch.scan(shipment.id, coins.sku)
    with pytest.raises(Invalid, match="Only 2 units"):
        dispatch.scan(shipment.id, f"{coins.sku}*3")
    dispatch.scan(shipment.id, f"{coins.sku} * 2")
    dispatch.act(shipments.pack, shipment.id)
    assert dispatch.shipments(sold)[0].status == "packed"
