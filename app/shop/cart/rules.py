"""How much a cart holds and for how long, and how two become one. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

from app.kit.labels import LabelledEnum
from app.settings.rules import setting, settings_group

PREFIX = "crt"
#: The most products in a cart, and the most units of each.
LINES_MAX, QUANTITY_MAX = 50, 10_000
#: How long a cart is kept after its last change.
LIFETIME = timedelta(days=30)


class Availability(LabelledEnum):
    """Whether as many units are for sale as a cart holds."""

    IN_STOCK = "in_stock", "In stock"
    """As many as the cart holds, or more."""
    LOW = "low", "Fewer than wanted"
    """Some, but fewer than the cart holds."""
    OUT_OF_STOCK = "out_of_stock", "Out of stock"
    """None."""


@settings_group("cart", "Carts")
@dataclass(frozen=True, slots=True)
class CartLimits:
    """How many carts visitors open who have not signed in."""

    opened_max: int = setting(
        "New carts without a sign-in, per network and hour",
        100,
        minimum=1,
        maximum=100_000,
        unit="carts",
        about="Then visitors from there sign in, or wait until the hour is over.",
        needs_approval=False,
    )


@dataclass(frozen=True, slots=True)
class CartItem:
    """Units of a product in a cart."""

    sku: str
    quantity: int
    added_at: datetime


def hash_token(text: str) -> bytes:
    """Return by what a visitor's cart is found: its token is stored nowhere."""
    return sha256(text.encode("utf-8", "surrogatepass")).digest()


def availability_of(quantity: int, available: int) -> Availability:
    """Return whether so many of the available units can be sold."""
    if available <= 0:
        return Availability.OUT_OF_STOCK
    return Availability.LOW if available < quantity else Availability.IN_STOCK


def merge(own: Sequence[CartItem], others: Iterable[CartItem]) -> list[CartItem]:
    """Return one's own items with others added to them, as far as a cart holds them: quantities add
    up, and the first products stay."""
    items = {item.sku: item for item in own}
    for other in others:
        if other.sku in items:
            quantity = min(items[other.sku].quantity + other.quantity, QUANTITY_MAX)
            items[other.sku] = replace(items[other.sku], quantity=quantity)
        elif len(items) < LINES_MAX:
            items[other.sku] = other
    return list(items.values())
