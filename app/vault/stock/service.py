"""The verbs of stock: reserve units, sell them, move them from state to state.

The verbs return the postings of their part. The caller posts them, with the money that is paid, in
one entry of the same transaction.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from app.kit.db import Session
from app.kit.money import Amount
from app.ledger import chart
from app.ledger import service as ledger
from app.ledger.chart import AccountClass
from app.ledger.errors import InsufficientFunds
from app.ledger.service import NewPosting
from app.vault.alerts import service as alerts
from app.vault.alerts.service import StockPlace
from app.vault.bars import service as bars
from app.vault.bars.rules import BarState
from app.vault.locations.queries import LocationSummary
from app.vault.lots import service as lots
from app.vault.lots.errors import InsufficientStock
from app.vault.lots.rules import metal_value
from app.vault.lots.service import Goods, TakenGoods


@dataclass(frozen=True, slots=True)
class SoldGoods:
    """Goods for sale: `price` of all units in US dollars before tax, and the price of the metal
    that was promised with it, per troy ounce."""

    goods: Goods
    price: Amount
    spot: Decimal


def reserve(
    session: Session,
    goods: Goods,
    *,
    hold_id: UUID,
    cause: str,
    placed_at: datetime,
    expires_at: datetime | None = None,
) -> None:
    """Reserve units for sale. Raises `InsufficientStock` and `SerialMismatch`."""
    reserve_all(session, {hold_id: goods}, cause=cause, placed_at=placed_at, expires_at=expires_at)


def reserve_all(
    session: Session,
    reserved: Mapping[UUID, Goods],
    *,
    cause: str,
    placed_at: datetime,
    expires_at: datetime | None = None,
) -> None:
    """Reserve goods as `reserve` does, each by its hold; they are in the order of SKU, location and
    bar."""
    choices = [(hold_id, choice) for hold_id, goods in reserved.items() for choice in goods.bars]
    bars.claim(session, [choice for _, choice in choices], BarState.AVAILABLE)
    with session.refusing(InsufficientFunds, InsufficientStock):
        for hold_id, goods in reserved.items():
            ledger.place_hold(
                session,
                hold_id=hold_id,
                account=_account(goods, AccountClass.STOCK_AVAILABLE),
                amount=goods.amount,
                cause=cause,
                placed_at=placed_at,
                expires_at=expires_at,
            )
    for hold_id, choice in choices:
        bars.reserve(session, choice, hold_id)
    places = (StockPlace(goods.product.sku, goods.location.id) for goods in reserved.values())
    alerts.check(session, places)


def sell(
    session: Session,
    sold: Sequence[SoldGoods],
    *,
    owner_id: UUID,
    reference: str,
    at: datetime,
    hold_ids: Sequence[UUID] = (),
) -> list[NewPosting]:
    """Take units, reserved by these holds or free, out of their lots, and return the postings that
    make them the goods of `owner_id`: what is left to post is the payment of their price.

    Margin is the premium that is paid less the premium they cost; the metal leaves at its price for
    `position`, as it came.

    Raises `InsufficientStock` and `SerialMismatch`.
    """
    taken, postings = give_to(
        session,
        [line.goods for line in sold],
        owner_id=owner_id,
        reference=reference,
        at=at,
        hold_ids=hold_ids,
    )
    for line, part in zip(sold, taken, strict=True):
        metal, usd = metal_value(part.ounces, line.spot), line.price.asset
        premium = chart.sales_premium(usd, line.goods.location.branch_id)
        postings += [
            ledger.credit(chart.position(usd), metal),
            ledger.credit(premium, line.price - metal),
        ]
    return postings


def give_to(
    session: Session,
    goods: Sequence[Goods],
    *,
    owner_id: UUID,
    reference: str,
    at: datetime,
    hold_ids: Sequence[UUID] = (),
) -> tuple[list[TakenGoods], list[NewPosting]]:
    """Take units, reserved by these holds or free, out of their lots. Return them with the postings
    that make them the goods of `owner_id` on our shelf: their ounces are due to `position`, and
    what is left to post is what the customer gives for them.

    Raises `InsufficientStock` and `SerialMismatch`.
    """
    taken = lots.take_from_lots(
        session,
        goods,
        AccountClass.STOCK_AVAILABLE,
        reference=reference,
        at=at,
        hold_ids=hold_ids,
    )
    postings: list[NewPosting] = []
    for part in taken:
        for choice in part.goods.bars:
            bars.move(
                session,
                choice,
                BarState.ALLOCATED,
                reference=reference,
                at=at,
                owner_id=owner_id,
            )
        usd, branch_id = part.premium.asset, part.goods.location.branch_id
        cost = chart.AccountKey(usd, AccountClass.SALES_PREMIUM_COST, branch_id)
        amount = part.goods.amount
        postings += [
            *take_off_shelf(part, AccountClass.STOCK_AVAILABLE),
            ledger.debit(cost, part.premium),
            ledger.debit(_account(part.goods, AccountClass.STOCK_ALLOCATED), amount),
            ledger.credit(chart.customer_goods(amount.asset, owner_id), amount),
        ]
    return taken, postings


def deliver(
    session: Session,
    goods: Goods,
    before: AccountClass,
    owner_id: UUID,
    *,
    reference: str,
    at: datetime,
) -> list[NewPosting]:
    """Return the postings of goods that were packed, or shipped, and are in their owner's hands
    now. Raises `SerialMismatch`."""
    bars.claim(session, goods.bars, BarState.of(before), owner_id=owner_id)
    for choice in goods.bars:
        bars.move(session, choice, BarState.DELIVERED, reference=reference, at=at)
    return [
        ledger.debit(chart.customer_goods(goods.product.asset, owner_id), goods.amount),
        ledger.credit(_account(goods, before), goods.amount),
    ]


def lose(
    session: Session, goods: Goods, owner_id: UUID, *, reference: str, at: datetime
) -> list[NewPosting]:
    """Return the postings of goods that were shipped to their owner and are lost: neither ours nor
    theirs. Raises `SerialMismatch`."""
    bars.claim(session, goods.bars, BarState.SHIPPED, owner_id=owner_id)
    for choice in goods.bars:
        bars.move(session, choice, BarState.WRITTEN_OFF, reference=reference, at=at)
    return [
        ledger.debit(chart.customer_goods(goods.product.asset, owner_id), goods.amount),
        ledger.credit(_account(goods, AccountClass.STOCK_SHIPPED), goods.amount),
    ]


def change_state(
    session: Session,
    goods: Goods,
    before: AccountClass,
    after: AccountClass,
    *,
    reference: str,
    at: datetime,
) -> list[NewPosting]:
    """Return the postings of units that stay at their location in another state. Raises
    `SerialMismatch`."""
    bars.claim(session, goods.bars, BarState.of(before))
    for choice in goods.bars:
        bars.move(session, choice, BarState.of(after), reference=reference, at=at)
    return [
        ledger.credit(_account(goods, before), goods.amount),
        ledger.debit(_account(goods, after), goods.amount),
    ]


def stay(
    session: Session, goods: Goods, state: AccountClass, *, reference: str, at: datetime
) -> None:
    """Note that an act with this reference left the bars among these goods in their state. Raises
    `SerialMismatch`."""
    bars.claim(session, goods.bars, BarState.of(state))
    for choice in goods.bars:
        bars.move(session, choice, BarState.of(state), reference=reference, at=at)


def arrive(
    taken: TakenGoods, before: AccountClass, destination: LocationSummary
) -> list[NewPosting]:
    """Return the postings of goods of ours that arrive at another location, for sale: units, and
    where it is of another branch, ounces and premium."""
    goods, from_branch, to_branch = (
        taken.goods,
        taken.goods.location.branch_id,
        destination.branch_id,
    )
    asset, metal, usd = goods.product.asset, taken.ounces.asset, taken.premium.asset
    # The ledger merges postings on one account: within a branch, units alone move.
    return [
        ledger.credit(_account(goods, before), goods.amount),
        ledger.debit(
            chart.stock(asset, AccountClass.STOCK_AVAILABLE, destination.id), goods.amount
        ),
        ledger.debit(chart.stock_position(asset, from_branch), goods.amount),
        ledger.credit(chart.stock_position(asset, to_branch), goods.amount),
        ledger.credit(chart.inventory_metal(metal, from_branch), taken.ounces),
        ledger.debit(chart.inventory_metal(metal, to_branch), taken.ounces),
        ledger.credit(chart.inventory_premium(usd, from_branch), taken.premium),
        ledger.debit(chart.inventory_premium(usd, to_branch), taken.premium),
    ]


def put_on_shelf(goods: Goods, state: AccountClass, ounces: Amount) -> list[NewPosting]:
    """Return the postings of goods that become ours: units and ounces. What their metal and their
    premium were worth in dollars is the caller's."""
    asset, branch_id = goods.product.asset, goods.location.branch_id
    return [
        ledger.debit(_account(goods, state), goods.amount),
        ledger.credit(chart.stock_position(asset, branch_id), goods.amount),
        ledger.debit(chart.inventory_metal(ounces.asset, branch_id), ounces),
        ledger.credit(chart.position(ounces.asset), ounces),
    ]


def take_off_shelf(taken: TakenGoods, state: AccountClass) -> list[NewPosting]:
    """Return the postings of goods of ours that leave: units, ounces, and the premium that they
    cost. What becomes of that, and what their metal was worth in dollars, is the caller's."""
    goods, branch_id = taken.goods, taken.goods.location.branch_id
    asset, usd = goods.product.asset, taken.premium.asset
    return [
        ledger.credit(chart.stock(asset, state, goods.location.id), goods.amount),
        ledger.debit(chart.stock_position(asset, branch_id), goods.amount),
        ledger.credit(chart.inventory_metal(taken.ounces.asset, branch_id), taken.ounces),
        ledger.debit(chart.position(taken.ounces.asset), taken.ounces),
        ledger.credit(chart.inventory_premium(usd, branch_id), taken.premium),
    ]


def post(
    session: Session,
    *,
    cause: str,
    reference: str,
    posted_at: datetime,
    postings: Iterable[NewPosting],
    hold_ids: Sequence[UUID] = (),
) -> None:
    """Post an entry that moves goods and takes nothing from customers, and check the alerts of low
    stock. Raises `InsufficientStock`."""
    postings = list(postings)
    with session.refusing(InsufficientFunds, InsufficientStock):
        ledger.post(
            session,
            cause=cause,
            reference=reference,
            posted_at=posted_at,
            postings=postings,
            hold_ids=hold_ids,
        )
    moved = [posting.account for posting in postings]
    alerts.check(
        session,
        [
            StockPlace(key.asset.code, key.owner_id)
            for key in moved
            if key.account_class == AccountClass.STOCK_AVAILABLE
        ],
    )


def _account(goods: Goods, state: AccountClass) -> chart.AccountKey:
    return chart.stock(goods.product.asset, state, goods.location.id)
