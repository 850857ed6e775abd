"""Price locks: prices and units that are kept for a person for some minutes."""

from typing import Any

from app.access import Actor, Permission
from app.blueprints.api.schemas import shop_locks as schemas_locks
from app.blueprints.api_blueprint import ApiBlueprint
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import FeatureDisabled
from app.kyc import queries as kyc_queries
from app.limits.errors import LimitExceeded
from app.pricing.errors import MarketHalted, PriceStale
from app.shop.cart import queries as cart_queries
from app.shop.cart.errors import CartNotFound
from app.shop.locks import service as locks
from app.shop.locks.errors import TooFewUnits
from app.shop.locks.rules import LOCK_PREFIX
from app.shop.locks.service import LockRequest
from app.shop.prices.errors import NotForSale
from app.trading.errors import QuoteNotFound, QuoteUsed

blp = ApiBlueprint("locks", "/api/shop/lock-quote", "Price locks")


@blp.operation(
    "POST",
    "",
    operation_id="shopLockQuote",
    permission=Permission.QUOTES_CREATE,
    body_schema=schemas_locks.LockRequestSchema,
    response_schema=schemas_locks.PriceLockSchema,
    status=201,
    reads_ahead=lambda user_id, _body: [kyc_queries.select_accounts(user_id)],
    idempotent=True,
    refusals=(
        CartNotFound,
        NotForSale,
        TooFewUnits,
        MarketHalted,
        PriceStale,
        LimitExceeded,
        FeatureDisabled,
    ),
)
def lock_prices(session: Session, actor: Actor, body: dict[str, Any]) -> object:
    """Lock prices, and reserve the units, until `expiresAt`.

    Send items or a cart, which stays as it is. Refusals name the lines of a cart as `items` too.
    Locking again does not end an earlier lock: release what is not needed.
    """
    if body.keys() & {"coupon_code", "loyalty_points"}:
        raise FeatureDisabled("Coupons and loyalty points cannot be used yet.")
    if "cart_id" in body:
        items = cart_queries.list_wanted(session, actor, body["cart_id"])
    else:
        items = [(item["sku"], item["quantity"]) for item in body["items"]]
    return locks.lock_prices(session, actor, LockRequest(items, body.get("pickup_branch_id")))


@blp.operation(
    "DELETE",
    "/<quote_id>",
    operation_id="shopReleaseQuote",
    permission=Permission.QUOTES_CREATE,
    status=204,
    refusals=(QuoteNotFound, QuoteUsed),
)
def release_lock(session: Session, actor: Actor, quote_id: str) -> None:
    """Release a price lock before it expires: its units are free for others at once."""
    locks.cancel(session, actor, ids.decode(LOCK_PREFIX, quote_id))
