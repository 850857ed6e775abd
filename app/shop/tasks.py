"""The background tasks of the shop."""

from uuid import UUID

from app.fulfillment.facts import ShipmentChanged
from app.fulfillment.shipments.rules import SubjectType
from app.fulfillment.tracking.facts import ParcelMoved
from app.funding.facts import DepositEnded, PaymentDisputed
from app.kit.db import Database, Session
from app.kit.tasks import Queue, task
from app.screening.facts import ScreeningDecided
from app.shop.cart import service as cart
from app.shop.checkout import held_orders, review_deadlines, waiting_orders
from app.shop.images import service as images
from app.shop.locks import service as locks
from app.shop.orders import disputed, shipping
from app.shop.popularity import service as popularity
from app.shop.prices import service as prices
from app.shop.returns import inspections, labels
from app.shop.storefront import service as storefront


@task("shop.expire_locks", queue=Queue.LEDGER)
def expire_due_locks(session: Session) -> None:
    """Note which price locks have expired, and delete old ones that were never used."""
    locks.expire_due_locks(session)


@task("shop.poll_orders", queue=Queue.LEDGER)
def poll_orders(session: Session) -> None:
    """Stage the job of every order whose payment has ended, or is late, and of every one that was
    not reviewed in time; remind of the others."""
    waiting_orders.stage_due(session)
    waiting_orders.remind(session)
    review_deadlines.remind(session)
    review_deadlines.stage_overdue(session)


@task("shop.end_review", queue=Queue.LEDGER)
def end_review(session: Session, *, order_id: str) -> None:
    """Cancel an order on hold that was not reviewed in time."""
    review_deadlines.end_overdue(session, UUID(order_id))


@task("shop.advance_order", queue=Queue.LEDGER)
def advance_order(session: Session, *, order_id: str) -> None:
    """Sell the goods of an order that is paid, or cancel one that will not be."""
    waiting_orders.advance(session, UUID(order_id))


@task("shop.deposit_ended", queue=Queue.LEDGER, on=DepositEnded)
def handle_ended_deposit(
    session: Session,
    *,
    deposit_id: str,  # noqa: ARG001 - part of the fact; another deposit may bring what is missing
    user_id: str,
) -> None:
    """Advance the orders of the customer whose deposit has ended."""
    waiting_orders.advance_orders_of(session, UUID(user_id))


@task("shop.payment_disputed", queue=Queue.LEDGER, on=PaymentDisputed)
def handle_disputed_payment(session: Session, *, deposit_id: str, dispute_id: str) -> None:
    """Stop the order that a disputed payment paid, or let it go on."""
    disputed.follow_dispute(session, UUID(deposit_id), UUID(dispute_id))


@task("shop.poll_shipments", queue=Queue.LEDGER)
def poll_shipments(session: Session) -> None:
    """Stage the job of every paid order that has no shipment."""
    shipping.stage_unrequested(session)


@task("shop.request_shipments", queue=Queue.LEDGER)
def request_shipments(session: Session, *, order_id: str) -> None:
    """Request the shipments of a paid order."""
    shipping.request_shipments(session, UUID(order_id))


@task("shop.shipment_changed", queue=Queue.LEDGER, on=ShipmentChanged)
def handle_changed_shipment(session: Session, *, subject_type: str, subject_id: str) -> None:
    """Give the order the status that its shipments have together."""
    if subject_type == SubjectType.ORDER:
        shipping.follow_shipments(session, UUID(subject_id))


@task("shop.screening_decided", queue=Queue.LEDGER, on=ScreeningDecided)
def handle_screening_decision(
    session: Session,
    *,
    about: str,
    person_id: str | None,  # noqa: ARG001 - part of the decision
    verdict: str,  # noqa: ARG001 - the recipient is screened again: other hits may be undecided
    case_id: str | None = None,
) -> None:
    """Release or reject the order on hold that a sanctions decision is about."""
    held_orders.handle_screening_decision(
        session, about, UUID(case_id) if case_id is not None else None
    )


@task("shop.forget_carts", queue=Queue.NIGHTLY)
def delete_expired_carts(session: Session) -> None:
    """Delete the carts that were not changed for as long as they are kept."""
    cart.delete_expired(session)


@task("shop.forget_price_changes", queue=Queue.NIGHTLY)
def delete_unconfirmed_price_changes(session: Session) -> None:
    """Delete the changes of price rules that were begun and never confirmed."""
    prices.forget_unconfirmed(session)


@task("shop.count_sales", queue=Queue.NIGHTLY)
def count_sales(session: Session) -> None:
    """Count how many people bought each product lately, and what they bought with it."""
    popularity.count_sales(session)


@task("shop.refresh_terms", queue=Queue.NIGHTLY)
def refresh_terms(session: Session) -> None:
    """Note which price rules count now, where others have begun or ended meanwhile."""
    storefront.refresh_terms(session)


@task("shop.draw_image", queue=Queue.FULFILLMENT, own_transactions=True)
def draw_image(database: Database, *, image_hash: str) -> None:
    """Draw an image of a product in its sizes, or refuse it."""
    images.draw_image(database, image_hash)


@task("shop.buy_return_label", queue=Queue.FULFILLMENT, own_transactions=True)
def buy_return_label(database: Database, *, return_id: str) -> None:
    """Buy the label of an approved return."""
    labels.buy_label(database, UUID(return_id))


@task("shop.cancel_return_label", queue=Queue.FULFILLMENT, own_transactions=True)
def cancel_return_label(database: Database, *, return_id: str) -> None:
    """Cancel the label of a return that ended before the goods came."""
    labels.cancel_label(database, UUID(return_id))


@task("shop.return_parcel_moved", queue=Queue.FULFILLMENT, on=ParcelMoved)
def follow_return_parcel(session: Session, *, parcel_id: str) -> None:
    """Note that the carrier has the parcel of a return."""
    labels.follow_parcel(session, UUID(parcel_id))


@task("shop.draw_return_photo", queue=Queue.FULFILLMENT, own_transactions=True)
def draw_return_photo(database: Database, *, photo_id: str) -> None:
    """Draw a photo of goods that came back, or refuse it."""
    inspections.draw_photo(database, UUID(photo_id))
