"""What a redemption holds until it is decided: pieces, metal and dollars."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from app.catalog.products import queries as products_queries
from app.catalog.products.queries import ProductDetails
from app.kit import ids
from app.kit.db import Session
from app.kit.money import Amount
from app.ledger import chart
from app.ledger import service as ledger
from app.ledger.chart import AccountClass
from app.redemption.errors import PiecesGone
from app.redemption.quotes.queries import QuotedItem, RedemptionQuote
from app.vault.bars import queries as bars_queries
from app.vault.bars.errors import SerialMismatch
from app.vault.locations import queries as locations_queries
from app.vault.locations.queries import LocationSummary
from app.vault.lots.errors import InsufficientStock
from app.vault.lots.service import Goods
from app.vault.stock import queries as stock_queries
from app.vault.stock import service as stock
from app.vault.stock.rules import Shelf, take_from_shelves

#: The cause of the holds.
REDEMPTION_CAUSE = "redemption"
#: Units that another act took since they were seen as free are looked for again so many times.
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class HeldPart:
    """Units of an item at one location, reserved by a hold."""

    hold_id: UUID
    item: QuotedItem
    location_id: UUID
    units: int


@dataclass(frozen=True, slots=True)
class Held:
    """All that is held for a redemption."""

    parts: Sequence[HeldPart]
    metal_hold_id: UUID
    money_hold_id: UUID | None


def hold(
    session: Session,
    quote: RedemptionQuote,
    *,
    metal: Amount,
    dollars: Amount,
    placed_at: datetime,
    expires_at: datetime,
) -> Held:
    """Hold the pieces of a quote, wherever they are free, and what the customer gives for them.

    Raises `PiecesGone` and `InsufficientFunds`.
    """
    products = {
        each.sku: each
        for each in products_queries.list_products(session, {item.sku for item in quote.items})
    }
    place = partial(
        ledger.place_hold,
        session,
        cause=REDEMPTION_CAUSE,
        placed_at=placed_at,
        expires_at=expires_at,
    )
    for _ in range(_ATTEMPTS):
        parts = _find_parts(session, quote)
        locations = locations_queries.locations_by_id(session, {each.location_id for each in parts})
        metal_hold_id, money_hold_id = ids.new(), ids.new() if dollars else None
        acts = [
            (
                chart.stock(
                    products[part.item.sku].asset, AccountClass.STOCK_AVAILABLE, part.location_id
                ).lock_order,
                partial(
                    stock.reserve,
                    session,
                    goods_of(part, products, locations),
                    hold_id=part.hold_id,
                    cause=REDEMPTION_CAUSE,
                    placed_at=placed_at,
                    expires_at=expires_at,
                ),
            )
            for part in parts
        ]
        for hold_id, amount in ((metal_hold_id, metal), (money_hold_id, dollars)):
            if hold_id is not None:
                account = chart.customer(quote.user_id, amount.asset)
                act = partial(place, hold_id=hold_id, account=account, amount=amount)
                acts.append((account.lock_order, act))
        try:
            with session.savepoint():
                _do_in_order(acts)
        except (InsufficientStock, SerialMismatch):
            continue
        return Held(parts, metal_hold_id, money_hold_id)
    raise PiecesGone


def _do_in_order(acts: Sequence[tuple[tuple[str, str, int], Callable[[], None]]]) -> None:
    """Place holds in the order in which all entries lock accounts."""
    for _, act in sorted(acts, key=lambda pair: pair[0]):
        act()


def goods_of(
    part: HeldPart,
    products: Mapping[str, ProductDetails],
    locations: Mapping[UUID, LocationSummary],
) -> Goods:
    """Return the units of a part as goods of the vault."""
    lot_ids = (part.item.lot_id,) if part.item.lot_id else ()
    return Goods(products[part.item.sku], locations[part.location_id], part.units, lot_ids)


def _find_parts(session: Session, quote: RedemptionQuote) -> list[HeldPart]:
    """Return from where the pieces of a quote are taken. Raises `PiecesGone`."""
    skus = {item.sku for item in quote.items}
    shelves: dict[str, list[Shelf]] = {sku: [] for sku in skus}
    for each in stock_queries.list_free_units(session, skus, quote.pickup_branch_id):
        shelves[each.sku].append(Shelf(each.location_id, each.location_code, each.units))
    places = {shelf.location_id for own in shelves.values() for shelf in own}
    named = {item.sku for item in quote.items if item.lot_id}
    bars = (
        {bar.lot_id: bar for bar in bars_queries.list_free_bars(session, named, places)}
        if named
        else {}
    )
    parts: list[HeldPart] = []
    for item in quote.items:
        if item.lot_id is not None:
            if item.lot_id not in bars:
                raise PiecesGone
            taken = [(bars[item.lot_id].location_id, 1)]
        else:
            taken = take_from_shelves(shelves[item.sku], item.quantity)
        if sum(units for _, units in taken) < item.quantity:
            raise PiecesGone
        parts += [HeldPart(ids.new(), item, place, units) for place, units in taken]
    return parts


def release(session: Session, hold_ids: Sequence[UUID], *, at: datetime) -> None:
    """Release those of these holds that have not ended by themselves."""
    pending = bars_queries.find_pending_holds(session, hold_ids)
    if pending:
        ledger.void_holds(session, sorted(pending), at=at)
