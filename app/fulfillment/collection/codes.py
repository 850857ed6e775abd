"""The codes against which goods are handed over."""

import hmac

import sqlalchemy as sa

from app.branches import queries as branches_queries
from app.fulfillment.collection.errors import CollectionCodeBlocked, CollectionCodeWrong
from app.fulfillment.shipments.models import Shipment
from app.fulfillment.shipments.queries import ShipmentRow
from app.identity.credentials import one_time_tokens
from app.identity.credentials.one_time_tokens import LinkPurpose
from app.kit import ids
from app.kit.db import Session
from app.notifications import service as notifications
from app.notifications.shipment_kinds import GoodsReady

#: After so many wrong codes only a new one works.
FAILURES_MAX = 5


def send_code(session: Session, shipment: ShipmentRow) -> None:
    """Send the customer a code for a shipment that they collect, its row locked. An earlier one
    stops working."""
    assert shipment.branch_id is not None  # of shipments that are collected
    code_id = one_time_tokens.issue_link(session, shipment.user_id, LinkPurpose.COLLECTION)
    update = sa.update(Shipment).where(Shipment.id == shipment.id)
    session.write(update.values(code_id=code_id, code_failures=0))
    branch = branches_queries.get_any_branch(session, shipment.branch_id)
    address = f", {branch.postal.in_one_line}" if branch.postal else ""
    message = GoodsReady(
        code_id,
        shipment.public_id,
        shipment.number,
        shipment.subject.words,
        f"{branch.name}{address}",
    )
    # Each code is an event of its own.
    event = ids.encode(one_time_tokens.PREFIX, code_id)
    notifications.notify(session, message, to=shipment.user_id, event=event)


def use_code(session: Session, shipment: ShipmentRow, code: str) -> None:
    """Use the code of a shipment, its row locked; it works once.

    Raises `CollectionCodeWrong`, which keeps the count of wrong codes, and `CollectionCodeBlocked`
    after too many of them.
    """
    if shipment.code_failures >= FAILURES_MAX:
        raise CollectionCodeBlocked
    token = shipment.code_id and one_time_tokens.rebuild_token(session, shipment.code_id)
    digits = "".join(code.split())
    if not token or not hmac.compare_digest(
        one_time_tokens.code_of(token).encode(), digits.encode()
    ):
        update = sa.update(Shipment).where(Shipment.id == shipment.id)
        session.write(update.values(code_failures=Shipment.code_failures + 1))
        raise CollectionCodeWrong().keeping_records()
    one_time_tokens.redeem_link(session, token, LinkPurpose.COLLECTION)
