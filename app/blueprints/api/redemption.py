"""Redemption: digital ounces as coins and bars."""

from typing import Any

from app.access import Actor, Permission
from app.blueprints.api.schemas import redemption as schemas_redemption
from app.blueprints.api.schemas.addresses import parse_address
from app.blueprints.api.schemas.fields import PageQuerySchema, parse_amount
from app.blueprints.api_blueprint import ApiBlueprint
from app.flags.rules import Feature
from app.fulfillment.errors import CancelWindowClosed
from app.fulfillment.parcels import queries as parcels_queries
from app.fulfillment.restrictions.errors import AgeRestricted, RegionRestricted
from app.funding.errors import CardMoneyUnsettled, ReceivableOutstanding, VerificationRequired
from app.identity.errors import ReauthenticationRequired
from app.kit import ids, pagination
from app.kit.db import Session
from app.kit.errors import NotFound
from app.ledger.errors import InsufficientFunds
from app.limits.errors import LimitExceeded
from app.pricing.errors import MarketHalted, PriceStale
from app.redemption.errors import NoPieces, PiecesGone
from app.redemption.quotes import service as quotes
from app.redemption.quotes.service import QuoteRequest
from app.redemption.requests import queries
from app.redemption.requests import service as redemptions
from app.redemption.requests.rules import PREFIX
from app.redemption.requests.service import RedemptionRequest
from app.trading.errors import QuoteExpired, QuoteNotFound, QuoteUsed

blp = ApiBlueprint("redemption", "/api/redeem", "Redemption of metal as coins and bars")

_OF_QUOTE = (NoPieces, PriceStale, MarketHalted)


@blp.operation(
    "GET",
    "/quote",
    operation_id="redeemQuote",
    permission=Permission.REDEMPTIONS_CREATE,
    feature=Feature.VAULT_REDEMPTION,
    query_schema=schemas_redemption.RedemptionQuoteQuerySchema,
    response_schema=schemas_redemption.RedemptionQuoteSchema,
    writes=True,
    refusals=(*_OF_QUOTE, NotFound),
)
def quote_redemption(session: Session, actor: Actor, query: dict[str, Any]) -> object:
    """Get a quote: the pieces that cover an amount of metal, and what that costs.

    The fewest pieces are chosen that weigh more than the amount by less than the lightest one; the
    ounces that they weigh more are bought at the ask. Prices are kept until the quote expires.
    Pieces and balances are not reserved.
    """
    return quotes.create_quote(
        session,
        actor,
        _wanted(query, country=query["country"], branch_id=query.get("pickup_branch_id")),
    )


@blp.operation(
    "POST",
    "",
    operation_id="redeem",
    permission=Permission.REDEMPTIONS_CREATE,
    feature=Feature.VAULT_REDEMPTION,
    body_schema=schemas_redemption.RedemptionRequestSchema,
    response_schema=schemas_redemption.RedemptionAnswerSchema,
    status=201,
    idempotent=True,
    refusals=(
        *_OF_QUOTE,
        QuoteNotFound,
        QuoteExpired,
        QuoteUsed,
        PiecesGone,
        InsufficientFunds,
        ReauthenticationRequired,
        VerificationRequired,
        ReceivableOutstanding,
        CardMoneyUnsettled,
        LimitExceeded,
        RegionRestricted,
        AgeRestricted,
    ),
)
def redeem(session: Session, actor: Actor, body: dict[str, Any]) -> object:
    """Redeem metal as coins or bars.

    Metal, pieces and what pays the costs are held until staff have approved the redemption, for 24
    hours at most; then everything is released. Goods that are shipped need a recent sign-in.
    """
    address = parse_address("shippingAddress", body.get("shipping_address"))
    branch_id = body.get("pickup_branch_id")
    wanted = RedemptionRequest(
        body["quote_id"]
        if "quote_id" in body
        else _wanted(body, country=address.country if address else "US", branch_id=branch_id),
        address,
        branch_id,
        body.get("strategy"),
        body["paid_in"],
    )
    return {"redemption": redemptions.submit(session, actor, wanted)}


@blp.operation(
    "GET",
    "/history",
    operation_id="redeemHistory",
    permission=Permission.OWN_REDEMPTIONS_READ,
    feature=Feature.VAULT_REDEMPTION,
    query_schema=PageQuerySchema,
    response_schema=schemas_redemption.RedemptionsSchema,
)
def list_redemptions(session: Session, actor: Actor, query: dict[str, Any]) -> object:
    """List the redemptions, newest first."""
    return queries.list_redemptions(session, actor.user_id, **pagination.page_arguments(query))


@blp.operation(
    "GET",
    "/status/<redemption_id>",
    operation_id="redeemStatus",
    permission=Permission.OWN_REDEMPTIONS_READ,
    feature=Feature.VAULT_REDEMPTION,
    response_schema=schemas_redemption.ShownRedemptionSchema,
    refusals=(NotFound,),
)
def show_redemption(session: Session, actor: Actor, redemption_id: str) -> object:
    """Show a redemption with its history, and its parcels."""
    identifier = ids.decode(PREFIX, redemption_id)
    redemption = queries.get_redemption(session, identifier, user_id=actor.user_id)
    return {
        "redemption": redemption,
        "parcels": parcels_queries.list_sent(session, redemption.id),
    }


@blp.operation(
    "POST",
    "/<redemption_id>/cancel",
    operation_id="redeemCancel",
    permission=Permission.REDEMPTIONS_CREATE,
    feature=Feature.VAULT_REDEMPTION,
    response_schema=schemas_redemption.RedemptionAnswerSchema,
    idempotent=True,
    refusals=(NotFound, CancelWindowClosed),
)
def cancel_redemption(session: Session, actor: Actor, redemption_id: str) -> object:
    """Cancel a redemption: metal, money and pieces are released.

    One that is approved can be cancelled in the first hours, if its strategy allows it and picking
    has not begun. Then all that was taken comes back.
    """
    identifier = ids.decode(PREFIX, redemption_id)
    redemptions.cancel(session, actor, identifier)
    return {"redemption": queries.get_redemption(session, identifier, user_id=actor.user_id)}


def _wanted(data: dict[str, Any], *, country: str, branch_id: Any) -> QuoteRequest:
    amount = parse_amount("amount", data["asset"], data["amount"])
    return QuoteRequest(amount, data["format"], country, branch_id, data.get("strategy"))
