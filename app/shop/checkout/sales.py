"""The entry of an order's sale: goods, payments, tax and charges, all at once."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.catalog.products.queries import ProductSummary
from app.catalog.rules import USD
from app.kit import ids
from app.kit.db import Session
from app.kit.money import Amount
from app.ledger import service as ledger
from app.ledger.errors import HoldNotPending
from app.shop.checkout.postings import post_charges, post_payments
from app.shop.checkout.rules import Charges, share_charges
from app.shop.orders.rules import PREFIX, OrderedUnits, OrderPayment
from app.trading.errors import QuoteExpired
from app.vault.locations.queries import LocationSummary
from app.vault.lots.service import Goods
from app.vault.stock import service as stock
from app.vault.stock.service import SoldGoods

SALE_CAUSE = "goods_sold"
_NOTHING = Amount(USD, 0)


@dataclass(frozen=True, slots=True)
class Sale:
    """An order to post. `hold_ids` reserve its goods, and what pays at once if it was kept."""

    order_id: UUID
    customer_id: UUID
    units: Sequence[OrderedUnits]
    charges: Charges
    payments: Sequence[OrderPayment]
    hold_ids: Sequence[UUID]


def goods_of(
    units: OrderedUnits,
    products: Mapping[str, ProductSummary],
    locations: Mapping[UUID, LocationSummary],
) -> Goods:
    """Return units of an order as goods of the vault."""
    lot_ids = (units.lot_id,) if units.lot_id else ()
    return Goods(products[units.sku], locations[units.location_id], units.units, lot_ids)


def post_sale(
    session: Session,
    sale: Sale,
    products: Mapping[str, ProductSummary],
    locations: Mapping[UUID, LocationSummary],
    *,
    at: datetime,
) -> None:
    """Post the one entry of a sale.

    Raises `QuoteExpired` if its units were released meanwhile, `InsufficientFunds`,
    `InsufficientStock` and `SerialMismatch`.
    """
    reference = ids.encode(PREFIX, sale.order_id)
    sold = [
        SoldGoods(goods_of(each, products, locations), each.price, each.spot) for each in sale.units
    ]
    # The job that ends holds may come between the look at the lock and the sale.
    with session.refusing(HoldNotPending, QuoteExpired):
        goods = stock.sell(
            session,
            sold,
            owner_id=sale.customer_id,
            reference=reference,
            at=at,
            hold_ids=sale.hold_ids,
        )
        ledger.post(
            session,
            cause=SALE_CAUSE,
            reference=reference,
            posted_at=at,
            postings=[
                *goods,
                *post_payments(sale.customer_id, sale.payments),
                *post_charges(_by_branch(sale, locations)),
            ],
            hold_ids=sale.hold_ids,
        )


def _by_branch(sale: Sale, locations: Mapping[UUID, LocationSummary]) -> Mapping[UUID, Charges]:
    """Return each branch's part of the charges."""
    goods: defaultdict[UUID, Amount] = defaultdict(lambda: _NOTHING)
    taxes: defaultdict[UUID, Amount] = defaultdict(lambda: _NOTHING)
    for each in sale.units:
        branch_id = locations[each.location_id].branch_id
        goods[branch_id] += each.price
        taxes[branch_id] += each.tax
    return share_charges(goods, taxes, sale.charges)
