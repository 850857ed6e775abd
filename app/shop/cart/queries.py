"""Named reads of carts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor
from app.catalog.products.models import Product
from app.catalog.products.queries import ProductDetails
from app.catalog.rules import USD
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Invalid
from app.kit.money import Amount
from app.kit.statements import CompiledSelect, compile_select
from app.shop.cart.errors import CartNotFound
from app.shop.cart.models import CartItemRow, CartRow
from app.shop.cart.rules import PREFIX, Availability, CartItem, availability_of, hash_token
from app.shop.prices import queries as prices_queries
from app.shop.prices.errors import NotForSale
from app.shop.prices.queries import PricedLine, UnpricedLine
from app.vault.lots.errors import InsufficientStock
from app.vault.stock import queries as stock_queries


@dataclass(frozen=True, slots=True)
class CartProblem:
    """Why a line of a cart cannot be bought as it is."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class CartLine:
    """Units of a product in a cart, as customers see them now."""

    product: ProductDetails
    quantity: int
    #: None while the product has no price.
    unit_price: Amount | None
    total: Amount | None
    #: Units for sale that nothing reserves; none of a product that is not for sale.
    available: int
    problems: Sequence[CartProblem]

    @property
    def availability(self) -> Availability:
        """Whether as many units are for sale."""
        return availability_of(self.quantity, self.available)


@dataclass(frozen=True, slots=True)
class Cart:
    """A cart as customers see it now."""

    public_id: str
    items: Sequence[CartLine]
    changed_at: datetime
    expires_at: datetime

    @property
    def total(self) -> Amount | None:
        """What all lines cost, without tax and shipping; None while one has no price."""
        totals = [line.total for line in self.items]
        if None in totals:
            return None
        return Amount(USD, sum(total.units for total in totals if total is not None))


_OWN = sa.and_(CartRow.id == sa.bindparam("cart_id"), CartRow.user_id == sa.bindparam("user_id"))
_FIND = sa.select(CartRow.id, CartRow.changed_at, CartRow.expires_at).where(
    sa.or_(_OWN, CartRow.token_hash == sa.bindparam("token_hash")),
    CartRow.expires_at > sa.bindparam("now"),
)
_FOUND = compile_select(_FIND)
_LOCKED = compile_select(_FIND.with_for_update())
_ITEMS = compile_select(
    sa.select(CartItemRow.sku, CartItemRow.quantity, CartItemRow.added_at)
    .where(CartItemRow.cart_id == sa.bindparam("cart_id"))
    .order_by(CartItemRow.added_at, CartItemRow.sku)
)
_LINES = compile_select(
    sa.select(
        CartItemRow.sku,
        CartItemRow.quantity,
        stock_queries.available_units().label("available"),
    )
    .join(Product, Product.sku == CartItemRow.sku)
    .where(CartItemRow.cart_id == sa.bindparam("cart_id"))
    .order_by(CartItemRow.added_at, CartItemRow.sku)
)


@dataclass(frozen=True, slots=True)
class _StockedItem:
    sku: str
    quantity: int
    available: int


@dataclass(frozen=True, slots=True)
class _FoundCart:
    id: UUID
    changed_at: datetime
    expires_at: datetime


def _find(
    session: Session, how: CompiledSelect, actor: Actor | None, public_id: str, now: datetime
) -> _FoundCart | None:
    return session.find(
        _FoundCart,
        how,
        cart_id=ids.try_decode(PREFIX, public_id),
        user_id=actor.user_id if actor else None,
        token_hash=hash_token(public_id),
        now=now,
    )


def lock_cart(session: Session, actor: Actor | None, public_id: str, now: datetime) -> UUID | None:
    """Lock the cart that this id names for the actor, or for a visitor. Return its internal id;
    None if there is none."""
    found = _find(session, _LOCKED, actor, public_id, now)
    return found.id if found else None


def list_items(session: Session, cart_id: UUID) -> list[CartItem]:
    """Return what the cart holds, in the order in which it was added."""
    return session.select(CartItem, _ITEMS, cart_id=cart_id)


def list_wanted(session: Session, actor: Actor, public_id: str) -> list[tuple[str, int]]:
    """Return the SKUs and quantities of the cart that this id names for the actor.

    Raises `CartNotFound`, and `Invalid` naming `cartId` for an empty one.
    """
    found = _find(session, _FOUND, actor, public_id, clock.now())
    if found is None:
        raise CartNotFound
    items = list_items(session, found.id)
    if not items:
        raise Invalid("cartId", "This cart is empty. Add products to it first.")
    return [(item.sku, item.quantity) for item in items]


def get_cart(session: Session, actor: Actor | None, public_id: str) -> Cart:
    """Return the cart that this id names for the actor, or for a visitor.

    Raises `CartNotFound`; a line that cannot be bought has problems instead.
    """
    now = clock.now()
    found = _find(session, _FOUND, actor, public_id, now)
    if found is None:
        raise CartNotFound
    items = session.select(_StockedItem, _LINES, cart_id=found.id)
    wanted = [(item.sku, item.quantity) for item in items]
    prices = prices_queries.find_prices(session, wanted, now) if wanted else []
    lines = [_to_line(item, price) for item, price in zip(items, prices, strict=True)]
    return Cart(public_id, lines, found.changed_at, found.expires_at)


def _to_line(item: _StockedItem, price: PricedLine | UnpricedLine) -> CartLine:
    assert price.product is not None, "a cart holds products"
    problems, available = [], max(0, item.available)
    if isinstance(price, UnpricedLine):
        problems.append(CartProblem(price.refusal.code, price.refusal.detail))
        if isinstance(price.refusal, NotForSale):
            return CartLine(price.product, item.quantity, None, None, 0, problems)
    if available < item.quantity:
        problems.append(CartProblem(InsufficientStock.code, _how_many_are(available)))
    unit_price, total = (
        (price.unit_price, price.total) if isinstance(price, PricedLine) else (None, None)
    )
    return CartLine(price.product, item.quantity, unit_price, total, available, problems)


def _how_many_are(available: int) -> str:
    if not available:
        return "None is available at the moment."
    return "Only 1 is available." if available == 1 else f"Only {available:,} are available."
