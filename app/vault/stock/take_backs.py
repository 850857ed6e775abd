"""Goods of a sale that come back to us: the mirror of `service.sell`, unit by unit; also those that
their customer had already.

The caller posts what is returned, with the money that is given back, in one entry of the same
transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from app.kit.db import Session
from app.kit.money import Amount
from app.ledger import chart
from app.ledger import service as ledger
from app.ledger.chart import AccountClass
from app.ledger.service import NewPosting
from app.vault.alerts import service as alerts
from app.vault.alerts.service import StockPlace
from app.vault.bars import service as bars
from app.vault.bars.rules import BarState
from app.vault.locations.queries import LocationSummary
from app.vault.lots import queries as lots_queries
from app.vault.lots import service as lots
from app.vault.lots.errors import InsufficientStock
from app.vault.lots.rules import metal_value, take_first_in
from app.vault.lots.service import Goods, TakenGoods
from app.vault.movements.rules import MovementCause
from app.vault.stock import service as stock
from app.vault.stock.service import put_on_shelf


@dataclass(frozen=True, slots=True)
class ReturnedGoods:
    """Units of a sale that come back, for their price in US dollars before tax, at the price of the
    metal that was promised. `returned_before` of the same goods came back earlier. `shelf` is where
    they are now, if they were delivered and came back; None if they never left."""

    goods: Goods
    price: Amount
    spot: Decimal
    returned_before: int = 0
    shelf: LocationSummary | None = None

    @property
    def on_shelf(self) -> Goods:
        """The goods where they are now, as their customer owns them."""
        return replace(self.goods, location=self.shelf) if self.shelf else self.goods


def accept(
    session: Session,
    goods: Goods,
    shelf: LocationSummary,
    *,
    owner_id: UUID,
    reference: str,
    at: datetime,
) -> list[NewPosting]:
    """Return the postings of goods that were delivered, and that their owner brought or sent back:
    they are still theirs, and on our shelf. Raises `SerialMismatch`.
    """
    bars.claim(session, goods.bars, BarState.DELIVERED, owner_id=owner_id)
    on_shelf = replace(goods, location=shelf)
    for choice in on_shelf.bars:
        bars.move(session, choice, BarState.ALLOCATED, reference=reference, at=at)
    account = chart.stock(goods.product.asset, AccountClass.STOCK_ALLOCATED, shelf.id)
    return [
        ledger.credit(chart.customer_goods(goods.product.asset, owner_id), goods.amount),
        ledger.debit(account, goods.amount),
    ]


def take_back(
    session: Session,
    returned: Sequence[ReturnedGoods],
    *,
    owner_id: UUID,
    references: Sequence[str],
    reference: str,
    at: datetime,
) -> list[NewPosting]:
    """Put units that were sold, back for sale into the lots that they came from, and return the
    postings that undo their sale: what is left to post is their price. They are for sale where they
    were sold from, whatever their shelf: `relocate` follows.

    `references` are those of the sale and of the entries that took units of it back before. Once
    all units are back, each cent and ounce is where it was before the sale.

    Raises `SerialMismatch`, and `InsufficientStock` unless so many units of the sale are out.
    """
    bars.claim(
        session,
        [choice for each in returned for choice in each.on_shelf.bars],
        BarState.ALLOCATED,
        owner_id=owner_id,
    )
    postings: list[NewPosting] = []
    in_order = sorted(returned, key=lambda each: (each.goods.location.id, each.goods.product.sku))
    for each in in_order:
        goods = each.goods
        out = lots_queries.list_parts_out(
            session, goods.product.sku, goods.location.id, references, goods.lot_ids
        )
        # What was taken last comes back first.
        taken = TakenGoods(goods, tuple(take_first_in(out[::-1], goods.units)))
        if sum(part.units for part in taken.parts) < goods.units:
            raise InsufficientStock
        lots.put_into_lots(
            session, goods, taken.parts, AccountClass.STOCK_AVAILABLE, reference=reference, at=at
        )
        postings += _undo_sale(each, taken, owner_id)
    alerts.check(
        session, [StockPlace(each.goods.product.sku, each.goods.location.id) for each in in_order]
    )
    return postings


def relocate(
    session: Session, goods: Goods, shelf: LocationSummary, *, reference: str, at: datetime
) -> None:
    """Note that goods for sale are on another shelf than the one that they were sold from, since
    they came back there. Raises `InsufficientStock` and `SerialMismatch`."""
    available, on_the_way = AccountClass.STOCK_AVAILABLE, AccountClass.STOCK_IN_TRANSIT
    reference = f"{reference}:moved"
    postings = stock.change_state(session, goods, available, on_the_way, reference=reference, at=at)
    [moved] = lots.move_lots(session, [goods], shelf, reference=reference, at=at)
    postings += stock.arrive(moved, on_the_way, shelf)
    stock.post(
        session,
        cause=MovementCause.STOCK_RECEIVED,
        reference=reference,
        posted_at=at,
        postings=postings,
    )


def _undo_sale(returned: ReturnedGoods, taken: TakenGoods, owner_id: UUID) -> list[NewPosting]:
    goods, usd = returned.goods, returned.price.asset
    branch_id = goods.location.branch_id
    shelf_id = returned.on_shelf.location.id
    allocated = chart.stock(goods.product.asset, AccountClass.STOCK_ALLOCATED, shelf_id)
    metal = _metal_share(returned, taken)
    return [
        *put_on_shelf(goods, AccountClass.STOCK_AVAILABLE, taken.ounces),
        ledger.debit(chart.inventory_premium(usd, branch_id), taken.premium),
        ledger.credit(
            chart.AccountKey(usd, AccountClass.SALES_PREMIUM_COST, branch_id), taken.premium
        ),
        ledger.credit(allocated, goods.amount),
        ledger.debit(chart.customer_goods(goods.product.asset, owner_id), goods.amount),
        ledger.debit(chart.position(usd), metal),
        ledger.debit(chart.sales_premium(usd, branch_id), returned.price - metal),
    ]


def _metal_share(returned: ReturnedGoods, taken: TakenGoods) -> Amount:
    """Return what their metal was sold for: the difference of rounded sums, so that several returns
    are together what the sale had."""
    units, before = taken.goods.units, returned.returned_before
    one = taken.ounces.units // units
    asset = taken.ounces.asset
    until_now = metal_value(Amount(asset, one * (before + units)), returned.spot)
    return until_now - metal_value(Amount(asset, one * before), returned.spot)
