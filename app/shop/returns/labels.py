"""The parcels of returns: their labels, and what their carrier says of them."""

from uuid import UUID

from app.cases import service as cases
from app.fulfillment.carriers.ports import LabelSellers
from app.fulfillment.carriers.rules import TrackingStatus
from app.fulfillment.labels import queries as labels_queries
from app.fulfillment.labels import service as labels
from app.fulfillment.parcels import returning
from app.fulfillment.parcels.returning import IncomingParcel, SentUnits
from app.fulfillment.tracking import queries as tracking_queries
from app.kit import clock
from app.kit.db import Database, Session
from app.kit.errors import NotFound
from app.kit.ports import resolve
from app.outbox import service as outbox
from app.providers.errors import ProviderRefused
from app.shop.orders import queries as orders_queries
from app.shop.returns import messages, queries, status_changes
from app.shop.returns.queries import GoodsReturn
from app.shop.returns.rules import EXPECTED, ReturnStatus, ReturnWay

#: The kind of the case of a label that the carrier does not sell; its key is the return.
LABEL_REFUSED = "shop.return_label_refused"
_MOVES = frozenset(
    {TrackingStatus.PICKED_UP, TrackingStatus.IN_TRANSIT, TrackingStatus.OUT_FOR_DELIVERY}
)


def check_parcel(session: Session, returned: GoodsReturn) -> None:
    """Raise `NotInsurable` unless the goods of a return fit into one insured parcel."""
    returning.check_fits(session, _sent(returned))


def stage_buying(session: Session, returned: GoodsReturn) -> None:
    """Stage the job that buys the label of a return, if it comes by parcel and its carrier sells
    any to us."""
    if returned.way is ReturnWay.PARCEL:
        _stage(session, "shop.buy_return_label", returned)


def stage_cancelling(session: Session, returned: GoodsReturn) -> None:
    """Stage the job that cancels the label of a return that was approved."""
    if returned.status is ReturnStatus.APPROVED and returned.way is ReturnWay.PARCEL:
        _stage(session, "shop.cancel_return_label", returned)


def _stage(session: Session, task: str, returned: GoodsReturn) -> None:
    carrier = returning.find_carrier()
    if carrier in resolve(LabelSellers):
        args = {"return_id": str(returned.id)}
        outbox.stage(session, task, args, provider=carrier.value)


def buy_label(database: Database, return_id: UUID) -> None:
    """Buy the label of an approved return, once, and send it to the customer. A label that the
    carrier does not sell opens a case.

    Uses transactions of its own, and raises what `labels.buy_label` raises for a later try.
    """
    with database.reading() as session:
        returned = queries.get_return(session, return_id)
        order = orders_queries.get_order(session, returned.order_id)
    if returned.status is not ReturnStatus.APPROVED:
        return
    assert order.shipping_address is not None  # of goods that were shipped
    assert returned.location_id is not None  # approved_return_has_a_location
    incoming = IncomingParcel(
        returned.id,
        returned.user_id,
        order.shipping_address,
        returned.location_id,
        _sent(returned),
    )
    try:
        returning.buy_label(database, incoming)
    except ProviderRefused as refusal:
        with database.transaction() as session:
            _report_refused(session, returned, refusal)
        return
    with database.transaction() as session:
        messages.notify_of_label(session, returned)


def cancel_label(database: Database, return_id: UUID) -> None:
    """Cancel the label of a return that ended, so that it costs nothing; once. Uses transactions of
    its own, and raises what `labels.cancel_label` raises for a later try."""
    labels.cancel_label(database, return_id)


def read_label(session: Session, returned: GoodsReturn) -> bytes:
    """Return the label of a return whose goods are expected, as PDF. Raises `NotFound`."""
    if returned.status not in EXPECTED:
        raise NotFound
    return labels_queries.label_document(session, returned.id)


def follow_parcel(session: Session, parcel_id: UUID) -> None:
    """Note that the carrier has the parcel of a return; nothing for other parcels."""
    if not queries.is_expected(session, parcel_id):
        return
    _, returned = status_changes.lock(session, parcel_id)
    track = tracking_queries.parcel_track(session, parcel_id)
    if track is None or track.status not in _MOVES:
        return
    if returned.status is ReturnStatus.APPROVED:
        status_changes.change(
            session,
            returned,
            ReturnStatus.IN_TRANSIT,
            at=clock.now(),
            evidence=f"{track.carrier.label} {track.tracking_number}",
        )


def _sent(returned: GoodsReturn) -> list[SentUnits]:
    return [SentUnits(part.sku, part.units, part.unit_price_units) for part in returned.parts]


def _report_refused(session: Session, returned: GoodsReturn, refusal: ProviderRefused) -> None:
    cases.open_once(
        session,
        kind=LABEL_REFUSED,
        subject=returned.public_id,
        key=returned.public_id,
        title="The carrier does not sell the label of a return",
        facts={"Return": str(returned.number), "Reason": refusal.code},
        person_id=returned.user_id,
    )
