"""Named reads of redemptions."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.access import Permission
from app.cases import queue_sources
from app.cases.queue_sources import QueueSource
from app.flags.rules import FulfilmentStrategy
from app.keys import service as keys
from app.kit import ids
from app.kit.counts import Count
from app.kit.db import Session
from app.kit.ids import PublicId
from app.kit.list_query import fetch_newest
from app.kit.money import Amount
from app.kit.pagination import Page
from app.kit.postal_addresses import PostalAddress
from app.redemption.quotes import queries as quotes_queries
from app.redemption.quotes.models import RedemptionQuoteItem
from app.redemption.quotes.queries import RedemptionQuote
from app.redemption.requests.models import RedemptionEventRow, RedemptionPart, RedemptionRow
from app.redemption.requests.rules import (
    OPEN,
    PREFIX,
    PaidIn,
    RedeemedUnits,
    RedemptionStatus,
)

TABLE = "redemptions"
#: How many redemptions wait for staff.
WAITING = Count(("SELECT count(*) FROM redemptions WHERE status = 'pending_approval'", None))


@dataclass(frozen=True, slots=True)
class RedemptionEvent:
    """A status that a redemption took."""

    redemption_id: UUID
    status: RedemptionStatus
    #: The customer or member of staff who caused it; None for the system.
    actor_id: UUID | None
    evidence: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class StoredRedemption:
    """A redemption as it is stored."""

    id: UUID
    user_id: UUID
    quote_id: UUID
    status: RedemptionStatus
    strategy: FulfilmentStrategy
    shipping_sealed: bytes | None
    paid_in: PaidIn
    metal_hold_id: UUID
    money_hold_id: UUID | None
    submitted_at: datetime
    expires_at: datetime
    approved_at: datetime | None
    ended_at: datetime | None
    delivered_at: datetime | None


@dataclass(frozen=True, slots=True)
class Redemption(StoredRedemption):
    """A redemption with its quote and its history."""

    quote: RedemptionQuote
    events: Sequence[RedemptionEvent]

    @property
    def public_id(self) -> PublicId:
        """The id as others see it: the reference of its entry in the ledger."""
        return ids.encode(PREFIX, self.id)

    @property
    def metal(self) -> Amount:
        """The metal that the customer gives: redeemed, and sold to pay for the rest."""
        return given_for(self.quote, self.paid_in)[0]

    @property
    def dollars(self) -> Amount:
        """The dollars that the customer gives."""
        return given_for(self.quote, self.paid_in)[1]

    @property
    def shipping_address(self) -> PostalAddress | None:
        """Where it is shipped to; None if it is collected."""
        if self.shipping_sealed is None:
            return None
        opened = keys.open_sealed(
            self.shipping_sealed, table=TABLE, column="shipping_sealed", key=self.id
        )
        return PostalAddress(**json.loads(opened))


def given_for(quote: RedemptionQuote, paid_in: PaidIn) -> tuple[Amount, Amount]:
    """Return the metal and the dollars that a customer gives for the pieces of a quote."""
    if paid_in is PaidIn.METAL:
        return quote.amount + quote.total_in_metal, Amount(quote.total.asset, 0)
    return quote.amount, quote.total


_REDEMPTIONS = sa.select(*RedemptionRow.__table__.columns)
_EVENTS = sa.select(
    RedemptionEventRow.redemption_id,
    RedemptionEventRow.to_status.label("status"),
    RedemptionEventRow.actor_id,
    RedemptionEventRow.evidence,
    RedemptionEventRow.at,
).order_by(RedemptionEventRow.id)


def get_redemption(
    session: Session, redemption_id: UUID, *, user_id: UUID | None = None
) -> Redemption:
    """Return a redemption; with `user_id` only if that customer owns it. Raises `NotFound`."""
    wanted = _REDEMPTIONS.where(RedemptionRow.id == redemption_id)
    if user_id is not None:
        wanted = wanted.where(RedemptionRow.user_id == user_id)
    [redemption] = _complete(session, [session.get(StoredRedemption, wanted)])
    return redemption


def lock_redemption(session: Session, redemption_id: UUID) -> Redemption:
    """Return a redemption as `get_redemption` does, its row locked until the transaction ends."""
    wanted = _REDEMPTIONS.where(RedemptionRow.id == redemption_id).with_for_update()
    [redemption] = _complete(session, [session.get(StoredRedemption, wanted)])
    return redemption


def is_used(session: Session, quote_id: UUID) -> bool:
    """Return whether a redemption has used a quote."""
    used = sa.select(RedemptionRow.id.label("used_by")).where(RedemptionRow.quote_id == quote_id)
    return session.find(lambda used_by: used_by, used) is not None


def list_redemptions(
    session: Session, user_id: UUID, *, limit: int, before: UUID | None
) -> Page[Redemption]:
    """Return a page of a customer's redemptions, newest first."""
    owned = _REDEMPTIONS.where(RedemptionRow.user_id == user_id)
    page = fetch_newest(
        session, StoredRedemption, owned, RedemptionRow.id, limit=limit, before=before
    )
    return Page(_complete(session, page.data), page.next_cursor)


def list_every_redemption(session: Session, user_id: UUID) -> list[Redemption]:
    """Return all redemptions of a customer, oldest first."""
    owned = _REDEMPTIONS.where(RedemptionRow.user_id == user_id)
    return _complete(session, session.select(StoredRedemption, owned.order_by(RedemptionRow.id)))


def list_open_redemptions(session: Session, user_id: UUID) -> list[PublicId]:
    """Return the ids of a customer's redemptions whose goods have not arrived."""
    owned = sa.select(RedemptionRow.id.label("redemption_id")).where(
        RedemptionRow.user_id == user_id, RedemptionRow.status.in_(OPEN)
    )
    return session.select(
        lambda redemption_id: ids.encode(PREFIX, redemption_id), owned.order_by(RedemptionRow.id)
    )


def list_units(session: Session, redemption: Redemption) -> list[RedeemedUnits]:
    """Return the goods of a redemption by where they are, in the order in which they are held."""
    part, item = RedemptionPart, RedemptionQuoteItem
    found = (
        sa.select(
            item.sku,
            part.location_id,
            item.lot_id,
            part.units,
            (item.ounces_units * part.units).label("ounces_units"),
            part.hold_id,
        )
        .join_from(
            part,
            item,
            sa.and_(item.quote_id == redemption.quote_id, item.position == part.position),
        )
        .where(part.redemption_id == redemption.id)
        .order_by(item.sku, part.location_id, item.lot_id)
    )

    def units(ounces_units: int, **columns: Any) -> RedeemedUnits:
        return RedeemedUnits(ounces=Amount(redemption.quote.asset, ounces_units), **columns)

    return session.select(units, found)


def _complete(session: Session, rows: Sequence[StoredRedemption]) -> list[Redemption]:
    if not rows:
        return []
    quotes = quotes_queries.list_quotes(session, [row.quote_id for row in rows])
    own = RedemptionEventRow.redemption_id.in_([row.id for row in rows])
    events = session.select(RedemptionEvent, _EVENTS.where(own))
    return [
        Redemption(
            **{column.name: getattr(row, column.name) for column in fields(row)},
            quote=quotes[row.quote_id],
            events=[event for event in events if event.redemption_id == row.id],
        )
        for row in rows
    ]


queue_sources.register(
    QueueSource(
        "redemption",
        "Redemption",
        Permission.REDEMPTIONS_DECIDE,
        PREFIX,
        lambda _actor: sa.select(
            RedemptionRow.id.label("subject_id"),
            RedemptionRow.user_id,
            RedemptionRow.submitted_at.label("since"),
        ).where(RedemptionRow.status == RedemptionStatus.PENDING_APPROVAL),
    )
)
