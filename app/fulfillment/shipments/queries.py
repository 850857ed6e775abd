"""Named reads of shipments."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, branch_scope
from app.catalog.products.models import Product
from app.catalog.rules import USD
from app.flags.rules import FulfilmentStrategy
from app.fulfillment.partners.models import PartnerShipment
from app.fulfillment.shipments.models import Shipment, ShipmentEvent, ShipmentLine
from app.fulfillment.shipments.rules import (
    LEFT,
    PREFIX,
    Progress,
    ShipmentStatus,
    ShipmentSubject,
    ShippedUnits,
    SubjectType,
)
from app.keys import service as keys
from app.kit import ids
from app.kit.db import Session
from app.kit.ids import PublicId
from app.kit.list_query import ListSource
from app.kit.money import Amount
from app.kit.postal_addresses import PostalAddress
from app.tax.assessment import Delivery
from app.vault.bars.models import Bar
from app.vault.bars.rules import NamedBar
from app.vault.locations.models import Location

TABLE = "shipments"
_DIGITS_MAX = 18
_SUBJECT_PREFIXES = {
    SubjectType.ORDER: "ord",
    SubjectType.REDEMPTION: "rdm",
    SubjectType.RETURN: "rma",
}


@dataclass(frozen=True, slots=True)
class ShipmentRow:
    """A shipment. `value_units` is what its goods were worth when they were bought, in cents."""

    id: UUID
    number: int
    subject_type: SubjectType
    subject_id: UUID
    subject_number: str
    user_id: UUID
    location_id: UUID
    location_code: str
    status: ShipmentStatus
    delivery: Delivery
    address_sealed: bytes | None
    branch_id: UUID | None
    strategy: FulfilmentStrategy | None
    strategy_reason: str | None
    #: Whether a partner sends it from its depot.
    is_entrusted: bool
    code_id: UUID | None
    code_failures: int
    units: int
    value_units: int
    requested_at: datetime
    replaces_id: UUID | None

    @property
    def public_id(self) -> PublicId:
        """The id as the API and the pages show it: what references of its entries begin with."""
        return ids.encode(PREFIX, self.id)

    @property
    def subject(self) -> ShipmentSubject:
        """What it was requested for."""
        return ShipmentSubject(self.subject_type, self.subject_id, self.subject_number)

    @property
    def subject_public_id(self) -> PublicId:
        """The public id of what it was requested for."""
        return ids.encode(_SUBJECT_PREFIXES[self.subject_type], self.subject_id)

    @property
    def value(self) -> Amount:
        """What its goods were worth when they were bought."""
        return Amount(USD, self.value_units)

    @property
    def address(self) -> PostalAddress | None:
        """Where it goes; None for goods that are collected."""
        if self.address_sealed is None:
            return None
        text = keys.open_sealed(
            self.address_sealed, table=TABLE, column="address_sealed", key=self.id
        )
        return PostalAddress(**json.loads(text))


@dataclass(frozen=True, slots=True)
class ShipmentLineRow:
    """Units of a product in a shipment, or one bar."""

    position: int
    sku: str
    product_name: str
    is_serialized: bool
    units: int
    scanned_units: int
    value_units: int
    lot_id: UUID | None
    hold_id: UUID | None
    refiner: str | None
    serial: str | None

    @property
    def missing(self) -> int:
        """The units that are not scanned yet."""
        return self.units - self.scanned_units

    @property
    def shipped(self) -> ShippedUnits:
        """The units as they were requested."""
        value = Amount(USD, self.value_units)
        return ShippedUnits(self.sku, self.units, value, self.lot_id, self.hold_id)

    @property
    def bar(self) -> NamedBar | None:
        """The bar as staff name it; None for units without a serial."""
        return NamedBar(self.serial, self.refiner) if self.serial else None


@dataclass(frozen=True, slots=True)
class ShipmentStep:
    """A status that a shipment took."""

    shipment_id: UUID
    status: ShipmentStatus
    #: The member of staff who caused it; None for the system.
    actor_id: UUID | None
    evidence: str | None
    at: datetime


def _sum(column: sa.ColumnElement[int]) -> sa.ScalarSelect[int]:
    total = sa.cast(sa.func.coalesce(sa.func.sum(column), 0), sa.BigInteger)
    return (
        sa.select(total)
        .where(ShipmentLine.shipment_id == Shipment.id)
        .correlate(Shipment)
        .scalar_subquery()
    )


_SHIPMENTS = sa.select(
    Shipment.id,
    Shipment.number,
    Shipment.subject_type,
    Shipment.subject_id,
    Shipment.subject_number,
    Shipment.user_id,
    Shipment.location_id,
    Location.code.label("location_code"),
    Shipment.status,
    Shipment.delivery,
    Shipment.address_sealed,
    Shipment.branch_id,
    Shipment.strategy,
    Shipment.strategy_reason,
    sa.exists()
    .where(PartnerShipment.shipment_id == Shipment.id)
    .correlate(Shipment)
    .label("is_entrusted"),
    Shipment.code_id,
    Shipment.code_failures,
    _sum(ShipmentLine.units.expression).label("units"),
    _sum(ShipmentLine.value_units.expression).label("value_units"),
    Shipment.requested_at,
    Shipment.replaces_id,
).join(Location, Location.id == Shipment.location_id)
SHIPMENTS = ListSource(
    ShipmentRow,
    _SHIPMENTS,
    key=Shipment.id,
    sorts={"requested": Shipment.id, "number": Shipment.number},
    filters={
        "number": lambda number: Shipment.number == number,
        "subject": lambda text: Shipment.subject_number == text,
        "customer": lambda user_id: Shipment.user_id == user_id,
        "status": lambda status: Shipment.status == status,
        "location": lambda text: Location.code == text.upper(),
        "strategy": lambda strategy: Shipment.strategy == strategy,
        "delivery": lambda delivery: Shipment.delivery == delivery,
    },
)
_LINES = (
    sa.select(
        ShipmentLine.position,
        ShipmentLine.sku,
        Product.name.label("product_name"),
        Product.is_serialized,
        ShipmentLine.units,
        ShipmentLine.scanned_units,
        ShipmentLine.value_units,
        ShipmentLine.lot_id,
        ShipmentLine.hold_id,
        Bar.refiner,
        Bar.serial,
    )
    .join(Product, Product.sku == ShipmentLine.sku)
    .outerjoin(Bar, Bar.lot_id == ShipmentLine.lot_id)
)
_STEPS = sa.select(
    ShipmentEvent.shipment_id,
    ShipmentEvent.to_status.label("status"),
    ShipmentEvent.actor_id,
    ShipmentEvent.evidence,
    ShipmentEvent.at,
)


def get_shipment(session: Session, shipment_id: UUID) -> ShipmentRow:
    """Return a shipment. Raises `NotFound`."""
    return session.get(ShipmentRow, _SHIPMENTS.where(Shipment.id == shipment_id))


def lock_shipment(session: Session, shipment_id: UUID) -> ShipmentRow:
    """Return a shipment, its row locked until the transaction ends. Raises `NotFound`."""
    found = _SHIPMENTS.where(Shipment.id == shipment_id)
    return session.get(ShipmentRow, found.with_for_update(of=Shipment))


def _has_number(number: str) -> sa.ColumnElement[bool]:
    """Match the shipment with this number for people; none by a text that cannot be one."""
    if number.isdecimal() and len(number) <= _DIGITS_MAX:
        return Shipment.number == int(number)
    return sa.false()


def find_shipment(session: Session, number: str) -> ShipmentRow | None:
    """Return the shipment with this number for people, or the first one of the order or redemption
    with this number that is to be picked or packed; None without one."""
    at_work = Shipment.status.in_((ShipmentStatus.REQUESTED, ShipmentStatus.PICKING))
    is_meant = _has_number(number)
    found = _SHIPMENTS.where(sa.or_(is_meant, sa.and_(Shipment.subject_number == number, at_work)))
    return session.find(ShipmentRow, found.order_by(Shipment.id))


def find_waiting(session: Session, actor: Actor, number: str) -> ShipmentRow | None:
    """Return the shipment with this number, or of the order or redemption with this number, that
    waits to be collected at the actor's branch, or at any for actors of all; None without one."""
    is_meant = _has_number(number)
    found = _SHIPMENTS.where(
        sa.or_(is_meant, Shipment.subject_number == number),
        Shipment.status == ShipmentStatus.PACKED,
        Shipment.delivery == Delivery.PICKUP,
    )
    branch_id = branch_scope(actor)
    if branch_id is not None:
        found = found.where(Shipment.branch_id == branch_id)
    return session.find(ShipmentRow, found.order_by(Shipment.id))


def list_shipments_of(
    session: Session, subject_id: UUID, *, lock: bool = False
) -> list[ShipmentRow]:
    """Return the shipments of an order or redemption, the oldest first; with `lock` their rows are
    locked until the transaction ends."""
    found = _SHIPMENTS.where(Shipment.subject_id == subject_id).order_by(Shipment.id)
    return session.select(ShipmentRow, found.with_for_update(of=Shipment) if lock else found)


def list_deliveries(session: Session, subject_ids: Collection[UUID]) -> dict[UUID, datetime]:
    """Return when goods of these orders and returns were last delivered, by the location that they
    were sent from."""
    found = (
        sa.select(Shipment.location_id, sa.func.max(ShipmentEvent.at).label("delivered_at"))
        .join(ShipmentEvent, ShipmentEvent.shipment_id == Shipment.id)
        .where(
            Shipment.subject_id.in_(subject_ids),
            ShipmentEvent.to_status == ShipmentStatus.DELIVERED,
        )
        .group_by(Shipment.location_id)
    )
    return dict(
        session.select(lambda location_id, delivered_at: (location_id, delivered_at), found)
    )


def list_open_shipments(session: Session, user_id: UUID) -> list[ShipmentRow]:
    """Return the shipments of a customer that are neither delivered nor cancelled."""
    ended = (ShipmentStatus.DELIVERED, ShipmentStatus.CANCELLED)
    found = _SHIPMENTS.where(Shipment.user_id == user_id, Shipment.status.not_in(ended))
    return session.select(ShipmentRow, found.order_by(Shipment.id))


def list_every_shipment(session: Session, user_id: UUID) -> list[ShipmentRow]:
    """Return all shipments of a customer, oldest first."""
    found = _SHIPMENTS.where(Shipment.user_id == user_id)
    return session.select(ShipmentRow, found.order_by(Shipment.id))


def list_successors(session: Session, shipment_id: UUID) -> list[ShipmentRow]:
    """Return the shipments that were split off from one, or send its goods again."""
    found = _SHIPMENTS.where(Shipment.replaces_id == shipment_id)
    return session.select(ShipmentRow, found.order_by(Shipment.id))


def find_progress(session: Session, subject_id: UUID) -> Progress:
    """Return how far all shipments of an order or redemption are together."""
    statuses = sa.select(Shipment.status).where(Shipment.subject_id == subject_id)
    return Progress.of(session.select(lambda status: status, statuses))


def has_left(session: Session, subject_id: UUID) -> bool:
    """Return whether goods of an order or redemption are not on our shelves any more."""
    statuses = sa.select(Shipment.status).where(Shipment.subject_id == subject_id)
    return not LEFT.isdisjoint(session.select(lambda status: status, statuses))


def list_lines(session: Session, shipment_id: UUID) -> Sequence[ShipmentLineRow]:
    """Return the goods of a shipment, in the order of its request."""
    own = _LINES.where(ShipmentLine.shipment_id == shipment_id)
    return session.select(ShipmentLineRow, own.order_by(ShipmentLine.position))


def list_steps(
    session: Session, shipment_ids: Collection[UUID]
) -> Mapping[UUID, Sequence[ShipmentStep]]:
    """Return the statuses that each of these shipments took, oldest first."""
    found = _STEPS.where(ShipmentEvent.shipment_id.in_(shipment_ids)).order_by(ShipmentEvent.id)
    steps: dict[UUID, list[ShipmentStep]] = {shipment_id: [] for shipment_id in shipment_ids}
    for step in session.select(ShipmentStep, found):
        steps[step.shipment_id].append(step)
    return steps
