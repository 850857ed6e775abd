"""The verbs of carts: open one, change what it holds, take a visitor's over at sign-in.

A change locks the cart, so that two tabs add up. A visitor's cart belongs to anyone who has its id,
which is a secret; a person's is theirs alone.
"""

from base64 import b32encode
from collections.abc import Collection, Mapping
from datetime import datetime
from secrets import token_bytes
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from app.access import Actor, Role
from app.catalog.products import queries as products_queries
from app.identity.accounts.queries import PersonProfile
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Invalid, NotFound
from app.settings.queries import current
from app.shop.cart import queries as cart_queries
from app.shop.cart.errors import CartFull, CartNotFound
from app.shop.cart.models import CartItemRow, CartRow
from app.shop.cart.rules import (
    LIFETIME,
    LINES_MAX,
    PREFIX,
    QUANTITY_MAX,
    CartItem,
    CartLimits,
    hash_token,
    merge,
)
from app.throttle import networks

_TOKEN_BYTES = 20
_SWEPT_AT_ONCE = 10_000
_TAKE_OUT = """
WITH own AS (SELECT id FROM carts WHERE user_id = %s FOR UPDATE)
MERGE INTO cart_items AS item
USING (SELECT * FROM own, unnest(%s::text[], %s::integer[]) AS units (sku, ordered)) AS taken
ON item.cart_id = taken.id AND item.sku = taken.sku
WHEN MATCHED AND item.quantity <= ordered THEN DELETE
WHEN MATCHED THEN UPDATE SET quantity = item.quantity - ordered
"""


def open_visitors_cart(session: Session, *, network: str) -> str:
    """Open a cart for a visitor from `network`, and return its id, a secret of the visitor.

    Raises `RateLimited` once the network has opened as many in this hour as it may.
    """
    now, allowed = clock.now(), current(session, CartLimits).opened_max
    for count in networks.count_in_hour(session, "carts", network, now, allowed=allowed):
        if count.number > count.allowed:
            raise networks.refusal_until_next_hour(
                f"At most {count.allowed} carts an hour are opened from one network without a"
                " sign-in.",
                now,
            )
    token = f"{PREFIX}_{b32encode(token_bytes(_TOKEN_BYTES)).decode().lower()}"
    session.write(sa.insert(CartRow).values(**_new_cart(now), token_hash=hash_token(token)))
    return token


def open_own_cart(session: Session, actor: Actor) -> tuple[str, bool]:
    """Return the id of the actor's cart, and whether it was opened now: a person has one."""
    cart_id, is_new = _lock_or_open_own(session, actor.user_id, clock.now())
    return ids.encode(PREFIX, cart_id), is_new


def add_item(
    session: Session, actor: Actor | None, public_id: str, sku: str, quantity: int
) -> None:
    """Add units of a published product to those in the cart.

    Raises `CartNotFound`, `CartFull`, and `Invalid` naming `sku` for a product that customers do
    not see, `quantity` above `QUANTITY_MAX` in all.
    """
    now = clock.now()
    cart_id = _lock(session, actor, public_id, now)
    product = products_queries.find_published(session, sku, now.date())
    if product is None:
        raise Invalid("sku", "No product for sale has this SKU. GET /api/shop/products lists all.")
    items = {item.sku: item.quantity for item in cart_queries.list_items(session, cart_id)}
    present = items.get(product.sku, 0)
    if present + quantity > QUANTITY_MAX:
        left = QUANTITY_MAX - present
        raise Invalid(
            "quantity",
            f"The cart holds {present:,} of at most {QUANTITY_MAX:,}. Add at most {left:,}."
            if left
            else f"The cart holds {present:,}, which is the most.",
        )
    _put(session, cart_id, items, CartItem(product.sku, present + quantity, now))


def set_quantity(
    session: Session, actor: Actor | None, public_id: str, sku: str, quantity: int
) -> None:
    """Let the cart hold so many units of a product; none takes it out.

    Raises `CartNotFound`, `CartFull`, and `NotFound` for a product that customers do not see.
    """
    now = clock.now()
    cart_id = _lock(session, actor, public_id, now)
    if not quantity:
        _take_out(session, cart_id, sku, now)
        return
    product = products_queries.find_published(session, sku, now.date())
    if product is None:
        raise NotFound("No product for sale has this SKU. GET /api/shop/products lists all.")
    items = {item.sku: item.quantity for item in cart_queries.list_items(session, cart_id)}
    _put(session, cart_id, items, CartItem(product.sku, quantity, now))


def take_over_at_sign_in(session: Session, person: PersonProfile, public_id: str) -> None:
    """Add what a visitor's cart holds to that of the customer who signs in, as far as it fits; the
    visitor's cart is gone then.

    An id that names none changes nothing: a sign-in does not fail because a cart has expired.
    """
    if person.role is not Role.USER:
        return
    now = clock.now()
    cart_id = cart_queries.lock_cart(session, None, public_id, now)
    if cart_id is None:
        return
    others = cart_queries.list_items(session, cart_id)
    if others:
        own_id, _ = _lock_or_open_own(session, person.id, now)
        for item in merge(cart_queries.list_items(session, own_id), others):
            _write_item(session, own_id, item)
        _renew(session, own_id, now)
    session.write(sa.delete(CartRow).where(CartRow.id == cart_id))


def take_out_ordered(session: Session, user_id: UUID, units: Mapping[str, int]) -> None:
    """Take the units of an order, by SKU, out of the person's cart, as far as it holds them."""
    session.send(_TAKE_OUT, (user_id, list(units), list(units.values())))


def delete_expired(session: Session) -> None:
    """Delete carts that were not changed for as long as they are kept."""
    expired = sa.select(CartRow.id).where(CartRow.expires_at <= clock.now())
    unused = expired.limit(_SWEPT_AT_ONCE).with_for_update(skip_locked=True)
    session.write(sa.delete(CartRow).where(CartRow.id.in_(unused)))


def _lock(session: Session, actor: Actor | None, public_id: str, now: datetime) -> UUID:
    cart_id = cart_queries.lock_cart(session, actor, public_id, now)
    if cart_id is None:
        raise CartNotFound
    return cart_id


def _lock_or_open_own(session: Session, user_id: UUID, now: datetime) -> tuple[UUID, bool]:
    """Lock the person's cart. Return its id, and whether it is new."""
    is_own = CartRow.user_id == user_id
    new = _new_cart(now)
    session.write(sa.delete(CartRow).where(is_own, CartRow.expires_at <= now))
    session.write(insert(CartRow).values(**new, user_id=user_id).on_conflict_do_nothing())
    select = sa.select(CartRow.id.label("cart_id")).where(is_own)
    own_id = session.get(lambda cart_id: cart_id, select.with_for_update())
    return own_id, own_id == new["id"]


def _new_cart(now: datetime) -> dict[str, object]:
    return {
        "id": ids.new(),
        "created_at": now,
        "changed_at": now,
        "expires_at": now + LIFETIME,
    }


def _put(session: Session, cart_id: UUID, skus: Collection[str], item: CartItem) -> None:
    if item.sku not in skus and len(skus) >= LINES_MAX:
        raise CartFull
    _write_item(session, cart_id, item)
    _renew(session, cart_id, item.added_at)


def _write_item(session: Session, cart_id: UUID, item: CartItem) -> None:
    """Put the item into the cart, or change the quantity of what is there."""
    session.write(
        insert(CartItemRow)
        .values(cart_id=cart_id, sku=item.sku, quantity=item.quantity, added_at=item.added_at)
        .on_conflict_do_update(
            index_elements=[CartItemRow.cart_id, CartItemRow.sku], set_={"quantity": item.quantity}
        )
    )


def _take_out(session: Session, cart_id: UUID, sku: str, now: datetime) -> None:
    is_this = CartItemRow.cart_id == cart_id, CartItemRow.sku == sku.upper()
    session.write(sa.delete(CartItemRow).where(*is_this))
    _renew(session, cart_id, now)


def _renew(session: Session, cart_id: UUID, now: datetime) -> None:
    session.write(
        sa.update(CartRow)
        .where(CartRow.id == cart_id)
        .values(changed_at=now, expires_at=now + LIFETIME)
    )
