"""Refunds of goods that were not delivered: they came back, or were lost on their way."""

from collections.abc import Sequence
from uuid import UUID

from app.access import Actor
from app.fulfillment.undelivered.errors import NothingToGiveBack
from app.fulfillment.undelivered.ports import Undelivered
from app.kit import clock
from app.kit.db import Session
from app.shop.orders import service as orders
from app.shop.refunds import by_staff, messages, refundable, service
from app.shop.refunds.by_staff import REFUNDABLE
from app.shop.refunds.refundable import SoldPart
from app.shop.refunds.rules import RefundCause
from app.shop.refunds.service import NewRefund


class UndeliveredOrders:
    """Gives the price of undelivered goods of orders back."""

    def lock(self, session: Session, subject_id: UUID) -> None:
        """Lock the row of an order."""
        refundable.lock_order(session, subject_id)

    def give_back(
        self, session: Session, actor: Actor, undelivered: Undelivered, *, reason: str
    ) -> None:
        """Refund undelivered goods with their tax. Where all goods of an order are lost, shipping
        and insurance go back too.

        Raises `NothingToGiveBack` if they were refunded before, or others are still being packed.
        """
        order, now = refundable.lock_order(session, undelivered.subject_id), clock.now()
        parts = refundable.list_parts(session, order.id)
        returned = _choose_parts(parts, undelivered)
        if order.status not in REFUNDABLE:
            raise NothingToGiveBack
        is_all = all(part.units == returned.get(part.position, 0) for part in parts)
        terms = by_staff.draw_up_parts(
            session,
            order,
            parts,
            returned,
            with_shipping=is_all and not undelivered.are_here,
        )
        cause = RefundCause.RETURNED if undelivered.are_here else RefundCause.REFUNDED
        refund = NewRefund(cause, terms, now, actor, reason, goods_stay=not undelivered.are_here)
        reference = service.give_back(session, order, parts, refund)
        if is_all:
            orders.mark_refunded(
                session, order.id, order.status, actor_id=actor.user_id, at=now, evidence=reference
            )
        sentence = "These goods did not reach you."
        messages.notify_of_refund(session, order, terms, reference, sentence)


def _choose_parts(parts: Sequence[SoldPart], undelivered: Undelivered) -> dict[int, int]:
    """Return how many units of each part of an order, by its position, were not delivered. Raises
    `NothingToGiveBack` if fewer are left."""
    chosen: dict[int, int] = {}
    for line in undelivered.lines:
        wanted = line.units
        for part in parts:
            place = (part.sku, part.location_id, part.lot_id)
            if place == (line.sku, undelivered.location_id, line.lot_id):
                units = min(wanted, part.units - chosen.get(part.position, 0))
                chosen[part.position] = chosen.get(part.position, 0) + units
                wanted -= units
        if wanted:
            raise NothingToGiveBack
    return {position: units for position, units in chosen.items() if units}
