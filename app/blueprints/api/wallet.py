"""Balances, and transfers between a customer's own accounts."""

from typing import Any

from app.access import Actor, Permission
from app.blueprints.api.schemas import wallet as schemas
from app.blueprints.api.schemas.fields import amount
from app.blueprints.web import ApiBlueprint
from app.funding import queries, service
from app.funding.errors import GateClosed, TransferLimitExceeded
from app.funding.rules import TransferLimits
from app.kit.db import Session
from app.kit.ports import resolve
from app.ledger.errors import InsufficientFunds
from app.pricing.errors import MarketHalted, PriceStale
from app.pricing.rules import PricingRules

blp = ApiBlueprint("wallet", "/api/wallet", "Balances and transfers")


@blp.operation("GET", "/balances", permission=Permission.BALANCES_READ, gives=schemas.Balances)
def balances(session: Session, actor: Actor) -> object:
    """What the caller has, by account, with its worth at the bid."""
    return queries.holdings_of(session, actor.user_id)


@blp.operation(
    "POST",
    "/transfer",
    permission=Permission.TRANSFERS_CREATE,
    takes=schemas.TransferRequest,
    gives=schemas.Transfer,
    status=201,
    idempotent=True,
    refusals=(InsufficientFunds, GateClosed, TransferLimitExceeded, PriceStale, MarketHalted),
)
def transfer(session: Session, actor: Actor, body: dict[str, Any]) -> object:
    """Mint XAU-s from PAXG, or burn it back to PAXG, one to one by weight."""
    return service.transfer(
        session,
        actor,
        resolve(TransferLimits),
        resolve(PricingRules),
        amount=amount("amount", body["asset"], body["amount"]),
        origin=body["from_"],
        destination=body["to"],
    )
