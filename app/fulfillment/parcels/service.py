"""The verbs of parcels: split a shipment into them, and buy their labels."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.branches import queries as branches_queries
from app.cases import service as cases
from app.catalog.products import queries as products_queries
from app.flags.rules import FulfilmentStrategy
from app.fulfillment.carriers.ports import Consignment, LabelSellers, Parcel
from app.fulfillment.carriers.rules import Carrier
from app.fulfillment.labels import queries as labels_queries
from app.fulfillment.labels import service as labels
from app.fulfillment.parcels import queries, rules
from app.fulfillment.parcels.errors import NotInsurable
from app.fulfillment.parcels.models import ShipmentParcel, ShipmentParcelUnits
from app.fulfillment.parcels.queries import ParcelRow
from app.fulfillment.parcels.rules import PackedUnits
from app.fulfillment.partners.ports import PartnerOrder
from app.fulfillment.shipments import queries as shipments_queries
from app.fulfillment.shipments.queries import ShipmentLineRow, ShipmentRow
from app.fulfillment.shipments.rules import ShipmentStatus
from app.fulfillment.strategies import business_days
from app.fulfillment.strategies.rules import FulfillmentRules
from app.fulfillment.tracking import service as tracking
from app.identity.accounts import queries as account_queries
from app.kit import clock, ids
from app.kit.db import Database, Session
from app.kit.errors import NotFound
from app.kit.ports import resolve
from app.kit.postal_addresses import PostalAddress
from app.outbox import service as outbox
from app.providers.errors import ProviderRefused
from app.settings.queries import current
from app.vault.locations import queries as locations_queries
from app.vault.lots.rules import share_out

#: The kind of the case of a label that the carrier does not sell; its key is the parcel.
LABEL_REFUSED = "fulfillment.label_refused"
#: On the outside of a parcel: it says nothing of what is inside.
SENDER = "PBC Logistics"


def pack(session: Session, shipment: ShipmentRow, lines: Sequence[ShipmentLineRow]) -> None:
    """Split the goods of a shipment, its row locked, into parcels by what its strategy insures, and
    stage the job that buys their labels, if their carrier sells any to us.

    Raises `NotInsurable`.
    """
    assert shipment.strategy is not None  # of shipments that are sent
    settings = current(session, FulfillmentRules)
    terms = settings.terms_of(shipment.strategy)
    try:
        planned = rules.split(_packed_units(session, lines), terms.parcel_max.units)
    except ValueError:
        raise NotInsurable from None
    location = locations_queries.get_location(session, shipment.location_id)
    branch = branches_queries.get_any_branch(session, location.branch_id)
    ships_on = business_days.shipping_day(clock.now(), branch.time_zone, settings.cut_off_hour)
    carrier = choose_carrier(shipment.strategy)
    for number, parcel in enumerate(planned, start=1):
        parcel_id = ids.new()
        session.write(
            sa.insert(ShipmentParcel).values(
                id=parcel_id,
                shipment_id=shipment.id,
                number=number,
                value_units=parcel.value,
                grams=parcel.grams,
                carrier=carrier,
                speed=terms.speed,
                ships_on=ships_on,
            )
        )
        for position, units in parcel.units:
            session.write(
                sa.insert(ShipmentParcelUnits).values(
                    parcel_id=parcel_id, position=position, units=units
                )
            )
    if carrier in resolve(LabelSellers):
        outbox.stage(
            session,
            "fulfillment.buy_labels",
            {"shipment_id": str(shipment.id)},
            provider=carrier.value,
        )


def add_of_partner(
    session: Session,
    shipment: ShipmentRow,
    lines: Sequence[ShipmentLineRow],
    order: PartnerOrder,
) -> None:
    """Add the parcels in which a partner sends a shipment, its row locked, and track them. It
    insures them together for what the goods are worth."""
    assert shipment.strategy is not None  # of shipments that are sent
    count = len(order.parcels)
    grams = sum(each.units * each.unit_grams for each in _packed_units(session, lines))
    speed = current(session, FulfillmentRules).terms_of(shipment.strategy).speed
    for number, sent in enumerate(order.parcels, start=1):
        parcel_id = ids.new()
        session.write(
            sa.insert(ShipmentParcel).values(
                id=parcel_id,
                shipment_id=shipment.id,
                number=number,
                value_units=max(1, share_out(shipment.value_units, [1] * count)[number - 1]),
                grams=rules.PACKAGING_GRAMS + grams // count,
                carrier=sent.carrier,
                speed=speed,
                ships_on=clock.now().date(),
            )
        )
        tracking.follow(
            session,
            parcel_id=parcel_id,
            carrier=sent.carrier,
            tracking_number=sent.tracking_number,
            since=order.submitted_at,
        )


def buy_labels(database: Database, shipment_id: UUID) -> None:
    """Buy the label of each parcel of a packed shipment, once. A label that the carrier does not
    sell opens a case.

    Uses transactions of its own, and raises what `labels.buy_label` raises for a later try.
    """
    with database.reading() as session:
        shipment = shipments_queries.get_shipment(session, shipment_id)
        parcels = queries.list_parcels(session, shipment_id)
        if shipment.status is not ShipmentStatus.PACKED:
            return
        consignments = [(parcel, _consign(session, shipment, parcel)) for parcel in parcels]
    for parcel, consignment in consignments:
        try:
            labels.buy_label(
                database,
                parcel_id=parcel.id,
                carrier=parcel.carrier,
                speed=parcel.speed,
                consignment=consignment,
                ships_on=parcel.ships_on,
            )
        except ProviderRefused as refusal:
            with database.transaction() as session:
                _report_refused(session, shipment, parcel, refusal)


def relabel(database: Database, shipment_id: UUID, corrected_at: datetime) -> None:
    """Cancel the labels of a packed shipment that were bought before its address was corrected, and
    buy others, once. A label that the carrier does not cancel any more opens a case.

    Uses transactions of its own, and raises what `labels` raises for a later try.
    """
    with database.reading() as session:
        shipment = shipments_queries.get_shipment(session, shipment_id)
        parcels = queries.list_parcels(session, shipment_id)
        bought = {each.id: labels_queries.bought_label(session, each.id) for each in parcels}
    for parcel in parcels:
        label = bought[parcel.id]
        if label is None or label.bought_at > corrected_at:
            continue
        try:
            labels.cancel_label(database, parcel.id)
        except ProviderRefused as refusal:
            with database.transaction() as session:
                _report_refused(session, shipment, parcel, refusal)
    buy_labels(database, shipment_id)


def _packed_units(session: Session, lines: Sequence[ShipmentLineRow]) -> list[PackedUnits]:
    skus = {line.sku for line in lines}
    products = {each.sku: each for each in products_queries.list_products(session, skus)}
    return [
        PackedUnits(
            line.position,
            line.units,
            max(1, -(-line.value_units // line.units)),
            rules.grams_of(products[line.sku].gross_units),
        )
        for line in lines
    ]


def choose_carrier(strategy: FulfilmentStrategy) -> Carrier:
    """Return the carrier of a strategy's parcels: FedEx, which both use; UPS where JM Bullion has
    only that."""
    sellers = resolve(LabelSellers)
    only_ups = strategy is FulfilmentStrategy.JM and set(sellers) == {Carrier.UPS}
    return Carrier.UPS if only_ups else Carrier.FEDEX


def _consign(session: Session, shipment: ShipmentRow, parcel: ParcelRow) -> Consignment:
    """Return what the carrier learns of a parcel. Raises `NotFound` for a branch without an
    address."""
    location = locations_queries.get_location(session, shipment.location_id)
    branch = branches_queries.get_any_branch(session, location.branch_id)
    if branch.postal is None or shipment.address is None:
        raise NotFound
    customer = account_queries.get_person(session, shipment.user_id)
    sender = replace(branch.postal, recipient=SENDER, company=None, phone=branch.phone)
    length, width, height = rules.box_of(parcel.grams)
    return Consignment(
        sender,
        name_person(
            shipment.address, f"{customer.first_name} {customer.last_name}", customer.phone
        ),
        Parcel(parcel.grams, length, width, height, parcel.value),
    )


def name_person(address: PostalAddress, name: str, phone: str | None) -> PostalAddress:
    """Return the address with name and phone of the person, where it has none of its own."""
    return replace(address, recipient=address.recipient or name, phone=address.phone or phone)


def _report_refused(
    session: Session, shipment: ShipmentRow, parcel: ParcelRow, refusal: ProviderRefused
) -> None:
    cases.open_once(
        session,
        kind=LABEL_REFUSED,
        subject=shipment.public_id,
        key=parcel.public_id,
        title=f"{parcel.carrier.label} refused the label of a parcel, or to cancel it",
        facts={
            "Shipment": str(shipment.number),
            "Parcel": str(parcel.number),
            "Reason": refusal.code,
        },
        person_id=shipment.user_id,
    )
