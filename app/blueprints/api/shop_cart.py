"""Carts: of people who have signed in, and of visitors."""

from typing import Any

from app.access import Actor, Permission
from app.blueprints.api.schemas import shop_cart as schemas_cart
from app.blueprints.api_blueprint import ApiBlueprint, client_network
from app.blueprints.api_operation import RouteReply
from app.kit.db import Session
from app.shop.cart import queries as cart_queries
from app.shop.cart import service as cart
from app.shop.cart.errors import CartFull, CartNotFound

blp = ApiBlueprint("cart", "/api/shop/cart", "Carts")


@blp.operation(
    "POST",
    "",
    operation_id="shopOpenCart",
    permission=Permission.CARTS_MANAGE,
    visitors=True,
    response_schema=schemas_cart.CartSchema,
    status=201,
    other_responses={200: schemas_cart.CartSchema},
)
def open_cart(session: Session, actor: Actor | None) -> object:
    """Open a cart.

    A person has one, which is returned if it is there already (200). Without a sign-in a new cart
    is opened each time. Its id is a secret: anyone who has it reads and changes the cart. Send it
    as `cartId` when you sign in or register, and what it holds is added to your own.
    """
    is_new = True
    if actor is None:
        cart_id = cart.open_visitors_cart(session, network=client_network())
    else:
        cart_id, is_new = cart.open_own_cart(session, actor)
    return RouteReply(cart_queries.get_cart(session, actor, cart_id), status=201 if is_new else 200)


@blp.operation(
    "GET",
    "/<cart_id>",
    operation_id="shopCart",
    permission=Permission.CARTS_MANAGE,
    visitors=True,
    response_schema=schemas_cart.CartSchema,
    refusals=(CartNotFound,),
)
def get_cart(session: Session, actor: Actor | None, cart_id: str) -> object:
    """Show a cart as it is now, at the prices of this moment.

    What cannot be bought as it is has problems: a product is not for sale any more, fewer units are
    available, or its market is closed. A cart is deleted 30 days after its last change.
    """
    return cart_queries.get_cart(session, actor, cart_id)


@blp.operation(
    "POST",
    "/<cart_id>/items",
    operation_id="shopAddCartItem",
    permission=Permission.CARTS_MANAGE,
    visitors=True,
    body_schema=schemas_cart.NewCartItemSchema,
    response_schema=schemas_cart.CartSchema,
    refusals=(CartNotFound, CartFull),
)
def add_item(session: Session, actor: Actor | None, body: dict[str, Any], cart_id: str) -> object:
    """Add units of a product to those in the cart.

    A cart holds at most 50 products, and 10,000 units of each.
    """
    cart.add_item(session, actor, cart_id, body["sku"], body["quantity"])
    return cart_queries.get_cart(session, actor, cart_id)


@blp.operation(
    "PUT",
    "/<cart_id>/items/<sku>",
    operation_id="shopSetCartItem",
    permission=Permission.CARTS_MANAGE,
    visitors=True,
    body_schema=schemas_cart.QuantitySchema,
    response_schema=schemas_cart.CartSchema,
    refusals=(CartNotFound, CartFull),
)
def set_item(
    session: Session, actor: Actor | None, body: dict[str, Any], cart_id: str, sku: str
) -> object:
    """Set how many units of a product the cart holds.

    Repeating the request changes nothing. A quantity of 0 takes the product out.
    """
    cart.set_quantity(session, actor, cart_id, sku, body["quantity"])
    return cart_queries.get_cart(session, actor, cart_id)


@blp.operation(
    "DELETE",
    "/<cart_id>/items/<sku>",
    operation_id="shopRemoveCartItem",
    permission=Permission.CARTS_MANAGE,
    visitors=True,
    response_schema=schemas_cart.CartSchema,
    refusals=(CartNotFound,),
)
def remove_item(session: Session, actor: Actor | None, cart_id: str, sku: str) -> object:
    """Take a product out of the cart, if it is there."""
    cart.set_quantity(session, actor, cart_id, sku, 0)
    return cart_queries.get_cart(session, actor, cart_id)
