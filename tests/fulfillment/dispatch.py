"""A dispatch room: orders that leave, and a member of staff who packs them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, Role
from app.cases.models import Case
from app.catalog.rules import USD
from app.fulfillment.shipments import queries as shipments_queries
from app.fulfillment.shipments import service as shipments
from app.fulfillment.shipments.queries import ShipmentRow
from app.identity.credentials import one_time_tokens
from app.kit.db import Database
from app.kit.money import Amount
from app.ledger.chart import AccountClass
from app.reconciliation.invariants import find_violations
from app.shop.checkout.rules import OrderReviewRules
from app.shop.orders import queries as orders_queries
from app.shop.orders import shipping
from app.shop.orders.queries import GoodsOrder
from app.tax.assessment import Delivery
from tests.fixed_settings import fixed_settings
from tests.mailbox import run_pending_jobs
from tests.shop.stall import NEW_HAMPSHIRE, Stall, proven
from tests.vault.goods import Goods

STATES = {
    "available": AccountClass.STOCK_AVAILABLE,
    "allocated": AccountClass.STOCK_ALLOCATED,
    "picked": AccountClass.STOCK_PICKED,
    "shipped": AccountClass.STOCK_SHIPPED,
}
STEPS = ("picking", "packed", "shipped", "delivered")
TO_HOME = {"delivery": Delivery.SHIP, "shipping_address": NEW_HAMPSHIRE}


@dataclass(frozen=True)
class Dispatch:
    """Orders of a stall that leave it."""

    stall: Stall
    clerk: Actor

    @classmethod
    def open(cls, stall: Stall) -> "Dispatch":
        return cls(stall, stall.people.staff(Role.INVENTORY))

    @property
    def database(self) -> Database:
        return self.stall.database

    def order(self, *goods: Goods, quantity: int = 1, **request: Any) -> GoodsOrder:
        """Sell goods that are sent home, unless the request says otherwise, and request their
        shipments."""
        buyer = proven(self.stall.buyer(USD="5000000"))
        branch_id = request.get("pickup_branch_id")
        lock = self.stall.lock(buyer, *goods, quantity=quantity, pickup_branch_id=branch_id)
        with fixed_settings(OrderReviewRules(first_order_from=Amount.parse(USD, "10000000"))):
            order = self.stall.buy(buyer, lock, **(request or TO_HOME))
        with self.database.transaction() as session:
            shipping.stage_unrequested(session)
        self.settle()
        return order

    def shipments(self, order: GoodsOrder) -> list[ShipmentRow]:
        with self.database.reading() as session:
            return shipments_queries.list_shipments_of(session, order.id)

    def shipment(self, order: GoodsOrder) -> ShipmentRow:
        """Return the only shipment of an order."""
        [shipment] = self.shipments(order)
        return shipment

    def act(self, verb: Callable[..., None], shipment_id: UUID, **details: str) -> None:
        """Do one act of the clerk, and let the order follow."""
        with self.database.transaction() as session:
            verb(session, self.clerk, shipment_id, **details)
        self.settle()

    def step(self, shipment_id: UUID, status: str) -> None:
        """Do the act that gives a shipment this status."""
        match status:
            case "picking":
                self.act(shipments.start_picking, shipment_id)
            case "packed":
                self.scan_all(shipment_id)
                self.act(shipments.pack, shipment_id)
            case "shipped":
                self.act(shipments.ship, shipment_id, evidence="given to the carrier")
            case "delivered":
                self.act(shipments.deliver, shipment_id, evidence="signed")

    def advance(self, shipment_id: UUID, to: str) -> None:
        """Do every act up to a status."""
        for status in STEPS[: STEPS.index(to) + 1]:
            self.step(shipment_id, status)

    def scan(self, shipment_id: UUID, code: str) -> None:
        with self.database.transaction() as session:
            shipments.scan(session, self.clerk, shipment_id, code)

    def scan_all(self, shipment_id: UUID) -> None:
        with self.database.transaction() as session:
            for line in shipments_queries.list_lines(session, shipment_id):
                code = line.serial or f"{line.sku}*{line.units}"
                shipments.scan(session, self.clerk, shipment_id, code)

    def code_of(self, shipment_id: UUID) -> str:
        """Return the code that was sent last for a shipment."""
        with self.database.reading() as session:
            code_id = shipments_queries.get_shipment(session, shipment_id).code_id
            assert code_id is not None
            token = one_time_tokens.rebuild_token(session, code_id)
        assert token is not None
        return one_time_tokens.code_of(token)

    def step_evidence(self, shipment_id: UUID) -> list[str | None]:
        with self.database.reading() as session:
            steps = shipments_queries.list_steps(session, [shipment_id])[shipment_id]
        return [step.evidence for step in steps]

    def messages_about(self, shipment: ShipmentRow) -> list[str]:
        """Return the kinds of the messages about a shipment, in order of the alphabet."""
        with self.database.reading() as session:
            kinds = session.rows(
                "SELECT args ->> 'kind' FROM outbox WHERE task = 'messages.deliver'"
                " AND args -> 'values' ->> 'shipment' = %s",
                (shipment.public_id,),
            )
        return sorted(kind for (kind,) in kinds)

    def case_titles(self, shipment: ShipmentRow) -> list[str]:
        """Return the titles of the cases about a shipment, oldest first."""
        about = sa.select(Case.title).where(Case.subject == shipment.public_id)
        with self.database.reading() as session:
            return session.select(lambda title: title, about.order_by(Case.id))

    def settle(self) -> None:
        run_pending_jobs(self.database, "shop.request_shipments")
        run_pending_jobs(self.database, "shop.shipment_changed")

    def now(self, order: GoodsOrder) -> GoodsOrder:
        with self.database.reading() as session:
            return orders_queries.get_order(session, order.id)

    def units(self, goods: Goods) -> dict[str, int]:
        """Return the units on each kind of account that has some."""
        found = {name: goods.in_state(state) for name, state in STATES.items()}
        return {name: units for name, units in found.items() if units}

    def verify(self) -> None:
        """Check every invariant of the books, of lots and of bars."""
        with self.database.reading() as session:
            assert find_violations(session) == []
