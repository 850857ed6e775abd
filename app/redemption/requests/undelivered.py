"""Redeemed pieces that were not delivered: their metal goes back to the customer's balance."""

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from app.access import Actor
from app.catalog.products import queries as products_queries
from app.catalog.rules import USD
from app.fulfillment.shipments import queries as shipments_queries
from app.fulfillment.undelivered.errors import NothingToGiveBack
from app.fulfillment.undelivered.ports import Undelivered
from app.kit import clock
from app.kit.db import Session
from app.kit.ids import PublicId
from app.kit.money import Amount
from app.ledger import chart
from app.ledger import service as ledger
from app.ledger.service import NewPosting
from app.redemption.requests import queries, status_changes
from app.redemption.requests.queries import Redemption
from app.vault.locations import queries as locations_queries
from app.vault.lots.service import Goods
from app.vault.stock.take_backs import ReturnedGoods, take_back

CAUSE = "redemption_undelivered"


class UndeliveredRedemptions:
    """Gives the metal of undelivered pieces of redemptions back."""

    def lock(self, session: Session, subject_id: UUID) -> None:
        """Lock the row of a redemption."""
        queries.lock_redemption(session, subject_id)

    def give_back(
        self, session: Session, actor: Actor, undelivered: Undelivered, *, reason: str
    ) -> None:
        """Credit the accounted ounces of undelivered pieces, and put those that are here back for
        sale. Fee, shipping and insurance stay. Raises `NothingToGiveBack`."""
        redemption = queries.lock_redemption(session, undelivered.subject_id)
        ounces = _count_ounces(session, redemption, undelivered)
        now, reference = clock.now(), _reference_of(undelivered.shipment)
        taken: list[NewPosting] = []
        if undelivered.are_here:
            shipments = shipments_queries.list_shipments_of(session, redemption.id)
            taken = take_back(
                session,
                _list_goods(session, undelivered),
                owner_id=redemption.user_id,
                references=[
                    redemption.public_id,
                    *(_reference_of(each.public_id) for each in shipments),
                ],
                reference=reference,
                at=now,
            )
        ledger.post(
            session,
            cause=CAUSE,
            reference=reference,
            posted_at=now,
            postings=[
                *taken,
                ledger.debit(chart.position(ounces.asset), ounces),
                ledger.credit(chart.customer(redemption.user_id, ounces.asset), ounces),
            ],
        )
        status_changes.record_event(
            session,
            redemption,
            redemption.status,
            before=redemption.status,
            at=now,
            actor=actor,
            evidence=f"{ounces} {ounces.asset.code} given back: {reason}",
        )


def _reference_of(shipment: PublicId) -> str:
    return f"{shipment}:given_back"


def _count_ounces(session: Session, redemption: Redemption, undelivered: Undelivered) -> Amount:
    by_place = {
        (each.sku, each.location_id, each.lot_id): each.ounces.units // each.units
        for each in queries.list_units(session, redemption)
    }
    total = 0
    for line in undelivered.lines:
        one = by_place.get((line.sku, undelivered.location_id, line.lot_id))
        if one is None:
            raise NothingToGiveBack
        total += one * line.units
    return Amount(redemption.quote.asset, total)


def _list_goods(session: Session, undelivered: Undelivered) -> Sequence[ReturnedGoods]:
    skus = {line.sku for line in undelivered.lines}
    products = {each.sku: each for each in products_queries.list_products(session, skus)}
    location = locations_queries.get_location(session, undelivered.location_id)
    nothing = Amount(USD, 0)
    # Their metal was given, not bought: nothing of its worth in dollars was posted.
    return [
        ReturnedGoods(
            Goods(products[line.sku], location, line.units, (line.lot_id,) if line.lot_id else ()),
            nothing,
            Decimal(0),
        )
        for line in undelivered.lines
    ]
