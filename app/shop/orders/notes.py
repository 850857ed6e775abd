"""Notes of staff on an order: for staff alone, or for its customer too. They never change."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.cases import rules as cases_rules
from app.keys import service as keys
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.labels import LabelledEnum
from app.notifications import service as notifications
from app.notifications.order_kinds import GoodsOrderNote
from app.shop.orders import queries
from app.shop.orders.models import ShopOrderNote

_TABLE, _COLUMN = "shop_order_notes", "text_sealed"


class NoteReader(LabelledEnum):
    """Who reads a note."""

    STAFF = "staff", "Our staff"
    CUSTOMER = "customer", "The customer, too"


@dataclass(frozen=True, slots=True)
class OrderNote:
    """A note, opened."""

    actor_id: UUID
    is_for_customer: bool
    text: str
    at: datetime

    @property
    def reader(self) -> NoteReader:
        """Who reads it."""
        return NoteReader.CUSTOMER if self.is_for_customer else NoteReader.STAFF


def add_note(session: Session, actor: Actor, order_id: UUID, text: str, reader: NoteReader) -> None:
    """Add a note to an order. The customer is notified of one that is for them.

    Raises `NotFound`, and `Invalid` naming `note`.
    """
    text, note_id, now = cases_rules.clean_note(text), ids.new(), clock.now()
    order = queries.get_order(session, order_id)
    is_for_customer = reader is NoteReader.CUSTOMER
    session.write(
        sa.insert(ShopOrderNote).values(
            id=note_id,
            order_id=order_id,
            actor_id=actor.user_id,
            is_for_customer=is_for_customer,
            text_sealed=keys.seal(text, table=_TABLE, column=_COLUMN, key=note_id),
            at=now,
        )
    )
    audit.record(
        session,
        actor=actor,
        action=AuditAction.GOODS_ORDER_NOTED,
        subject=order.public_id,
        on_behalf_of=order.user_id,
        after={"for": reader},
    )
    if is_for_customer:
        message = GoodsOrderNote(order.public_id, order.number, text)
        notifications.notify(session, message, to=order.user_id, event=ids.encode("odn", note_id))


def list_notes(
    session: Session, order_id: UUID, *, reader: NoteReader = NoteReader.STAFF
) -> list[OrderNote]:
    """Return the notes of an order that this reader may read, oldest first."""
    select = sa.select(
        ShopOrderNote.id.label("note_id"),
        ShopOrderNote.actor_id,
        ShopOrderNote.is_for_customer,
        ShopOrderNote.text_sealed,
        ShopOrderNote.at,
    ).where(ShopOrderNote.order_id == order_id)
    if reader is NoteReader.CUSTOMER:
        select = select.where(ShopOrderNote.is_for_customer)
    return session.select(_open, select.order_by(ShopOrderNote.id))


def list_own_notes(session: Session, actor: Actor, order_id: UUID) -> list[OrderNote]:
    """Return the notes for the customer of the actor's own order. Raises `NotFound`."""
    queries.get_order(session, order_id, user_id=actor.user_id)
    return list_notes(session, order_id, reader=NoteReader.CUSTOMER)


def _open(
    *, note_id: UUID, actor_id: UUID, is_for_customer: bool, text_sealed: bytes, at: datetime
) -> OrderNote:
    text = keys.open_sealed(text_sealed, table=_TABLE, column=_COLUMN, key=note_id).decode()
    return OrderNote(actor_id, is_for_customer, text, at)
