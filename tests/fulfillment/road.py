"""An order on its way with a carrier in memory."""

from uuid import UUID

from app.fulfillment.carriers.rules import TrackingStatus
from app.fulfillment.parcels import queries
from app.fulfillment.parcels.queries import ParcelRow
from app.fulfillment.shipments import queries as shipments_queries
from app.fulfillment.shipments.queries import ShipmentRow
from app.shop.orders.queries import GoodsOrder
from tests.fulfillment.dispatch import Dispatch
from tests.mailbox import run_pending_jobs
from tests.scripted_carriers import ScriptedCarrier


class Road:
    """An order on its way."""

    def __init__(self, dispatch: Dispatch, carrier: ScriptedCarrier, coins: int) -> None:
        self.dispatch, self.carrier = dispatch, carrier
        self.goods = dispatch.stall.coins()
        self.order: GoodsOrder = dispatch.order(self.goods, quantity=coins)
        self.shipment_id: UUID = dispatch.shipment(self.order).id
        dispatch.advance(self.shipment_id, "packed")
        self.buy_labels()

    @property
    def shipment(self) -> ShipmentRow:
        return self.shipment_with(self.shipment_id)

    def shipment_with(self, shipment_id: UUID) -> ShipmentRow:
        with self.dispatch.database.reading() as session:
            return shipments_queries.get_shipment(session, shipment_id)

    def shipment_of(self, parcel: ParcelRow) -> str:
        """Return the status of the shipment in which a parcel is."""
        return self.shipment_with(parcel.shipment_id).status

    @property
    def parcels(self) -> list[ParcelRow]:
        with self.dispatch.database.reading() as session:
            return list(queries.list_parcels(session, self.shipment_id))

    def buy_labels(self) -> None:
        run_pending_jobs(self.dispatch.database, "fulfillment.buy_labels")

    def report(self, *statuses: TrackingStatus) -> None:
        """Let the carrier report this status of each parcel, in order."""
        for parcel, status in zip(self.parcels, statuses, strict=True):
            self.carrier.report(self.dispatch.database, parcel.tracking_number, status)
        self.settle()

    def settle(self) -> None:
        run_pending_jobs(self.dispatch.database, "fulfillment.parcel_moved")
        self.dispatch.settle()

    def cases(self) -> list[str]:
        return self.dispatch.case_titles(self.shipment)
