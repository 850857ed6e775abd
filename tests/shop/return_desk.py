"""The people who take goods back: a member of support, and keepers of the vault."""

from dataclasses import dataclass
from uuid import UUID

from app.access import Actor, Role
from app.fulfillment.shipments import queries as shipments_queries
from app.fulfillment.shipments import service as shipments
from app.kit.db import Database
from app.shop.orders import shipping
from app.shop.orders.queries import GoodsOrder
from app.shop.returns import approval, arrivals, inspections, outcomes, queries, requesting
from app.shop.returns.queries import GoodsReturn
from app.shop.returns.requesting import ReturnRequest
from app.shop.returns.rules import Finding, ReturnReason, ReturnWay, ReturnWish
from tests.kyc.document_files import draw_card, encode
from tests.people import People
from tests.shop.stall import Stall

REASON = "as agreed with the customer"
PHOTO = encode(draw_card(size=(320, 240)), "JPEG")


def deliver(database: Database, keeper: Actor, order_id: UUID) -> None:
    """Pick, pack, ship and deliver an order."""
    with database.transaction() as session:
        shipping.request_shipments(session, order_id)
        for shipment in shipments_queries.list_shipments_of(session, order_id):
            shipments.start_picking(session, keeper, shipment.id)
            for line in shipments_queries.list_lines(session, shipment.id):
                code = line.serial or f"{line.sku}*{line.units}"
                shipments.scan(session, keeper, shipment.id, code)
            shipments.pack(session, keeper, shipment.id)
            shipments.ship(session, keeper, shipment.id, evidence="handed over")
            shipments.deliver(session, keeper, shipment.id, evidence="signed")
        shipping.follow_shipments(session, order_id)


@dataclass(frozen=True)
class ReturnDesk:
    """What staff do with the returns of a stall."""

    stall: Stall
    clerk: Actor
    keeper: Actor

    @classmethod
    def open(cls, stall: Stall, people: People) -> "ReturnDesk":
        """Employ its people."""
        return cls(stall, people.staff(Role.SUPPORT), people.staff(Role.INVENTORY))

    @property
    def database(self) -> Database:
        return self.stall.database

    def request(
        self,
        buyer: Actor,
        order: GoodsOrder,
        units: int = 1,
        reason: ReturnReason = ReturnReason.DAMAGED,
        wish: ReturnWish = ReturnWish.REFUND,
    ) -> UUID:
        """Return units of the first line of an order, brought to a branch."""
        wanted = ReturnRequest({0: units}, reason, ReturnWay.BRANCH, wish)
        with self.database.transaction() as session:
            return requesting.request(session, buyer, order.id, wanted).id

    def approve(self, return_id: UUID, location: str) -> None:
        with self.database.transaction() as session:
            requesting.approve(session, self.clerk, return_id, location=location, reason=REASON)

    def refuse(self, return_id: UUID) -> None:
        with self.database.transaction() as session:
            requesting.refuse(session, self.clerk, return_id, reason=REASON)

    def receive(self, return_id: UUID, scans: str) -> None:
        with self.database.transaction() as session:
            arrivals.receive(session, self.keeper, return_id, scans=scans)

    def photograph(self, return_id: UUID) -> UUID:
        with self.database.transaction() as session:
            return inspections.add_photo(
                session, self.keeper, return_id, raw=PHOTO, name="coin.jpg"
            )

    def inspect(self, return_id: UUID, finding: Finding = Finding.AS_CLAIMED) -> None:
        with self.database.transaction() as session:
            inspections.inspect(session, self.keeper, return_id, finding, text="seen by two")

    def take_in(self, return_id: UUID, location: str, scans: str) -> None:
        """Approve a return, receive its goods there and inspect them."""
        self.approve(return_id, location)
        self.receive(return_id, scans)
        self.photograph(return_id)
        self.inspect(return_id)

    def refund(self, return_id: UUID, clerk: Actor | None = None) -> UUID | None:
        with self.database.transaction() as session:
            return approval.refund(session, clerk or self.clerk, return_id, reason=REASON)

    def exchange(self, return_id: UUID) -> None:
        with self.database.transaction() as session:
            outcomes.exchange(session, self.clerk, return_id, reason=REASON)

    def send_back(self, return_id: UUID) -> None:
        with self.database.transaction() as session:
            outcomes.send_back(session, self.clerk, return_id, reason=REASON)

    def now(self, return_id: UUID) -> GoodsReturn:
        with self.database.reading() as session:
            return queries.get_return(session, return_id)
