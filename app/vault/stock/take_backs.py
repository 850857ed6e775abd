"""Goods of a sale that come back to us: the mirror of `service.sell`, unit by unit.

The caller posts what is returned, with the money that is given back, in one entry of the same
transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
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
from app.vault.lots import queries as lots_queries
from app.vault.lots import service as lots
from app.vault.lots.errors import InsufficientStock
from app.vault.lots.rules import metal_value, take_first_in
from app.vault.lots.service import Goods, TakenGoods
from app.vault.stock.service import put_on_shelf


@dataclass(frozen=True, slots=True)
class ReturnedGoods:
    """Units of a sale that come back, for their price in US dollars before tax, at the price of the
    metal that was promised. `returned_before` of the same goods came back earlier."""

    goods: Goods
    price: Amount
    spot: Decimal
    returned_before: int = 0


def take_back(
    session: Session,
    returned: Sequence[ReturnedGoods],
    *,
    owner_id: UUID,
    references: Sequence[str],
    reference: str,
    at: datetime,
) -> list[NewPosting]:
    """Put units that were sold and never left, back for sale into the lots that they came from, and
    return the postings that undo their sale: what is left to post is their price.

    `references` are those of the sale and of the entries that took units of it back before. Once
    all units are back, each cent and ounce is where it was before the sale.

    Raises `SerialMismatch`, and `InsufficientStock` unless so many units of the sale are out.
    """
    bars.claim(
        session,
        [choice for each in returned for choice in each.goods.bars],
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


def _undo_sale(returned: ReturnedGoods, taken: TakenGoods, owner_id: UUID) -> list[NewPosting]:
    goods, usd = returned.goods, returned.price.asset
    branch_id = goods.location.branch_id
    allocated = chart.stock(goods.product.asset, AccountClass.STOCK_ALLOCATED, goods.location.id)
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
