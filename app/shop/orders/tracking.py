"""Tracking of an order without signing in, by its number and the contact of its customer."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.identity.accounts.rules import normalize_email
from app.identity.models import User
from app.kit import phones
from app.kit.db import Session
from app.kit.errors import Invalid
from app.shop.orders import queries
from app.shop.orders.models import ShopOrder
from app.shop.orders.queries import OrderEvent
from app.shop.orders.rules import OrderStatus
from app.tax.assessment import Delivery


@dataclass(frozen=True, slots=True)
class TrackedOrder:
    """What a person who knows number and contact learns of an order: no goods and no amounts."""

    id: UUID
    number: int
    status: OrderStatus
    destination: Delivery
    placed_at: datetime
    events: list[OrderEvent] = field(default_factory=list)


_ORDER = sa.select(
    ShopOrder.id, ShopOrder.number, ShopOrder.status, ShopOrder.destination, ShopOrder.placed_at
)


def track_order(session: Session, number: int, contact: str) -> TrackedOrder:
    """Return the order with this number, if its customer has this email address or verified phone.

    A wrong number and a wrong contact are refused alike, by the same single statement, so that
    neither the response nor its time tells which was wrong. Raises `Invalid` for a contact that is
    neither, and `NotFound`.
    """
    owners = sa.select(User.id).where(User.erased_at.is_(None), _has_contact(contact))
    found = _ORDER.where(ShopOrder.number == number, ShopOrder.user_id.in_(owners))
    order = session.get(TrackedOrder, found)
    order.events.extend(queries.list_events(session, order.id))
    return order


def _has_contact(contact: str) -> sa.ColumnElement[bool]:
    if "@" in contact:
        try:
            return User.email_key == normalize_email(contact)
        except Invalid as problem:
            raise Invalid("contact", problem.message) from None
    phone = phones.parse_phone(contact)
    if phone is None:
        raise Invalid(
            "contact",
            "Enter the email address or the phone number of the order, like name@example.com or"
            " +12025550123.",
        )
    return sa.and_(User.phone == phone, User.phone_verified_at.is_not(None))
