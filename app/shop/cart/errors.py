"""Refusals of carts."""

from app.kit.errors import Conflict, NotFound
from app.shop.cart.rules import LINES_MAX


class CartNotFound(NotFound):
    """The cart does not exist, has expired, or belongs to another person."""

    title = "This cart does not exist or has expired. Open a new one."


class CartFull(Conflict):
    """The cart holds as many products as it can."""

    code = "cart_full"
    title = f"A cart holds at most {LINES_MAX} products. Take one out first."
