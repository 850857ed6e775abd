"""Redemptions as staff list and read them, and where their goods are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.catalog.products.rules import ProductForm
from app.catalog.rules import TRADABLE, USD
from app.flags.rules import FulfilmentStrategy
from app.kit import ids
from app.kit.db import Session
from app.kit.ids import PublicId
from app.kit.list_query import ListSource
from app.kit.money import Amount
from app.redemption.quotes.models import RedemptionQuoteItem, RedemptionQuoteRow
from app.redemption.requests import queries
from app.redemption.requests.models import RedemptionPart, RedemptionRow
from app.redemption.requests.queries import Redemption
from app.redemption.requests.rules import PREFIX, RedemptionStatus
from app.tax.assessment import Delivery
from app.vault.bars.queries import PREFIX as BAR_PREFIX
from app.vault.locations.models import Location


@dataclass(frozen=True, slots=True)
class ListedRedemption:
    """A redemption in the list of staff."""

    id: UUID
    user_id: UUID
    status: RedemptionStatus
    asset: str
    amount_units: int
    form: ProductForm
    goods_value_units: int
    total_units: int
    destination: Delivery
    strategy: FulfilmentStrategy
    submitted_at: datetime
    expires_at: datetime

    @property
    def public_id(self) -> PublicId:
        """The id as the API and the pages show it."""
        return ids.encode(PREFIX, self.id)

    @property
    def amount(self) -> Amount:
        """The metal that is redeemed."""
        return Amount(TRADABLE[self.asset], self.amount_units)

    @property
    def value(self) -> Amount:
        """What the pieces are worth at mid, as quoted."""
        return Amount(USD, self.goods_value_units)

    @property
    def total(self) -> Amount:
        """What is paid beside the metal."""
        return Amount(USD, self.total_units)


@dataclass(frozen=True, slots=True)
class PlacedPieces:
    """Pieces of a redemption at one location, or one bar."""

    sku: str
    location_code: str
    units: int
    lot_id: UUID | None

    @property
    def bar_id(self) -> PublicId | None:
        """The id of the bar as staff see it; None for units without a serial."""
        return ids.encode(BAR_PREFIX, self.lot_id) if self.lot_id is not None else None


REDEMPTIONS = ListSource(
    ListedRedemption,
    sa.select(
        RedemptionRow.id,
        RedemptionRow.user_id,
        RedemptionRow.status,
        RedemptionQuoteRow.asset,
        RedemptionQuoteRow.amount_units,
        RedemptionQuoteRow.form,
        RedemptionQuoteRow.goods_value_units,
        RedemptionQuoteRow.total_units,
        RedemptionQuoteRow.destination,
        RedemptionRow.strategy,
        RedemptionRow.submitted_at,
        RedemptionRow.expires_at,
    ).join(RedemptionQuoteRow, RedemptionQuoteRow.id == RedemptionRow.quote_id),
    key=RedemptionRow.id,
    sorts={"submitted": RedemptionRow.submitted_at},
    filters={
        "customer": lambda user_id: RedemptionRow.user_id == user_id,
        "status": lambda status: RedemptionRow.status == status,
        "strategy": lambda strategy: RedemptionRow.strategy == strategy,
        "destination": lambda destination: RedemptionQuoteRow.destination == destination,
        "from": lambda instant: RedemptionRow.submitted_at >= instant,
        "to": lambda instant: RedemptionRow.submitted_at < instant,
    },
)


#: The columns of the board: redemptions that are under way, and those that arrived.
BOARD = (
    RedemptionStatus.PENDING_APPROVAL,
    RedemptionStatus.APPROVED,
    RedemptionStatus.ALLOCATED,
    RedemptionStatus.PICKING,
    RedemptionStatus.SHIPPED,
    RedemptionStatus.DELIVERED,
)
_CARDS_MAX = 20


@dataclass(frozen=True, slots=True)
class BoardColumn:
    """Redemptions of a status, of which the board shows some: those that wait longest, or that
    arrived last."""

    status: RedemptionStatus
    cards: Sequence[ListedRedemption]
    count: int


def read_board(session: Session) -> list[BoardColumn]:
    """Return the columns of the board, in the order of the statuses."""
    is_done = RedemptionRow.status == RedemptionStatus.DELIVERED
    submitted = sa.func.extract("epoch", RedemptionRow.submitted_at)
    order = sa.case((is_done, -submitted), else_=submitted)
    status = RedemptionRow.status
    ranked = (
        sa.select(
            RedemptionRow.id,
            sa.func.row_number().over(partition_by=status, order_by=order).label("place"),
            sa.func.count().over(partition_by=status).label("of_status"),
        )
        .where(RedemptionRow.status.in_(BOARD))
        .subquery()
    )
    found = (
        REDEMPTIONS.select.add_columns(ranked.c.of_status)
        .join(ranked, ranked.c.id == RedemptionRow.id)
        .where(ranked.c.place <= _CARDS_MAX)
        .order_by(ranked.c.place)
    )
    counts: dict[RedemptionStatus, int] = {}

    def read_card(of_status: int, **columns: Any) -> ListedRedemption:
        card = ListedRedemption(**columns)
        counts[card.status] = of_status
        return card

    cards = session.select(read_card, found)
    return [
        BoardColumn(
            status, [card for card in cards if card.status is status], counts.get(status, 0)
        )
        for status in BOARD
    ]


def view_redemption(session: Session, actor: Actor, redemption_id: UUID) -> Redemption:
    """Return a redemption with its address, and record that this member of staff read it, once an
    hour. Raises `NotFound`."""
    redemption = queries.get_redemption(session, redemption_id)
    audit.record_viewing(
        session,
        actor=actor,
        action=AuditAction.REDEMPTION_VIEWED,
        subject=redemption.public_id,
        on_behalf_of=redemption.user_id,
    )
    return redemption


def list_places(session: Session, redemption: Redemption) -> Sequence[PlacedPieces]:
    """Return where the pieces of a redemption are taken from, in the order of its quote."""
    part, item = RedemptionPart, RedemptionQuoteItem
    is_of_part = sa.and_(item.quote_id == redemption.quote_id, item.position == part.position)
    return session.select(
        PlacedPieces,
        sa.select(item.sku, Location.code.label("location_code"), part.units, item.lot_id)
        .join_from(part, item, is_of_part)
        .join(Location, Location.id == part.location_id)
        .where(part.redemption_id == redemption.id)
        .order_by(part.position, Location.code),
    )
