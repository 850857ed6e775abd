"""The verbs of a redemption's customer: submit and cancel; and of time: let it lapse.

What staff decide is in review.py, what follows in fulfilment.py.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from app.access import Actor
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.catalog.products import queries as products_queries
from app.flags.rules import FulfilmentStrategy
from app.fulfillment.errors import CancelWindowClosed
from app.fulfillment.restrictions import service as restrictions
from app.funding import card_money, limits
from app.funding.errors import VerificationRequired
from app.funding.receivables import service as receivables
from app.identity.sign_in import recent_proof
from app.keys import service as keys
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Invalid, NotFound
from app.kit.postal_addresses import PostalAddress, to_fields
from app.kyc import queries as kyc_queries
from app.limits import service as limits_service
from app.limits.queries import Demand
from app.outbox import service as outbox
from app.redemption.quotes import service as quotes
from app.redemption.quotes.queries import RedemptionQuote
from app.redemption.quotes.rules import RedemptionRules
from app.redemption.quotes.service import QuoteRequest
from app.redemption.requests import holds, messages, queries, status_changes, undoing
from app.redemption.requests.holds import Held
from app.redemption.requests.limit_declarations import GIVEN_UP_REDEMPTIONS, OPEN_REDEMPTIONS
from app.redemption.requests.models import RedemptionPart, RedemptionRow
from app.redemption.requests.queries import Redemption, given_for
from app.redemption.requests.rules import PaidIn, RedemptionStatus
from app.settings.queries import current
from app.trading.errors import QuoteUsed


@dataclass(frozen=True, slots=True)
class RedemptionRequest:
    """What a customer redeems: by a quote, or at the prices of this moment; where it goes, who
    fulfils it, and what pays for the rest."""

    quote: UUID | QuoteRequest
    shipping_address: PostalAddress | None = None
    pickup_branch_id: UUID | None = None
    #: That of the quote; None agrees to it.
    strategy: FulfilmentStrategy | None = None
    paid_in: PaidIn = PaidIn.BALANCE


def submit(session: Session, actor: Actor, request: RedemptionRequest) -> Redemption:
    """Hold metal, money and pieces for a redemption, and submit it for approval; return it.

    Raises `ReauthenticationRequired` for goods that are shipped, `VerificationRequired`,
    `ReceivableOutstanding`, `CardMoneyUnsettled` and `LimitExceeded` of the customer,
    `QuoteNotFound`, `QuoteExpired` and `QuoteUsed`, what `quotes.create_quote` raises,
    `Invalid` naming a field, `RegionRestricted`, `AgeRestricted`, `PiecesGone` and
    `InsufficientFunds`.
    """
    if request.shipping_address is not None:
        recent_proof.require_recent_proof(actor)
    limits.lock_customer_payments(session, actor.user_id)
    now = clock.now()
    quote = _take_quote(session, actor, request, now)
    _check_destination(quote, request)
    _check_customer(session, actor, quote)
    products = products_queries.list_products(session, {item.sku for item in quote.items})
    restrictions.check_destination(products, request.shipping_address)
    restrictions.check_age(session, actor.user_id, products, now)
    metal, dollars = given_for(quote, request.paid_in)
    expires_at = now + timedelta(hours=current(session, RedemptionRules).hold_hours)
    held = holds.hold(
        session, quote, metal=metal, dollars=dollars, placed_at=now, expires_at=expires_at
    )
    redemption = _insert(session, quote, request, held, at=now, expires_at=expires_at)
    status_changes.record_event(
        session, redemption, redemption.status, before=None, at=now, actor=actor
    )
    audit.record(
        session,
        actor=actor,
        action=AuditAction.REDEMPTION_SUBMITTED,
        subject=redemption.public_id,
        after={"status": redemption.status, **status_changes.describe(redemption)},
    )
    args = {"redemption_id": str(redemption.id)}
    outbox.stage(session, "redemption.lapse", args, not_before=expires_at)
    messages.notify_of_submission(session, redemption)
    return queries.get_redemption(session, redemption.id)


def _take_quote(
    session: Session, actor: Actor, request: RedemptionRequest, now: datetime
) -> RedemptionQuote:
    if isinstance(request.quote, QuoteRequest):
        return quotes.create_quote(session, actor, request.quote)
    quote = quotes.claim(session, actor, request.quote)
    if queries.is_used(session, quote.id):
        raise QuoteUsed
    quotes.require_open(quote, now)
    return quote


def _check_destination(quote: RedemptionQuote, request: RedemptionRequest) -> None:
    """Raise `Invalid` unless the goods go to where the quote says."""
    if quote.pickup_branch_id != request.pickup_branch_id:
        raise Invalid(
            "pickupBranchId",
            "The quote is for another destination. Get a quote with this pickupBranchId, or ship"
            " the goods.",
        )
    if request.strategy not in {None, quote.strategy}:
        raise Invalid(
            "strategy",
            f"The quote is for {quote.strategy}. {quote.strategy_reason} Get another quote, or"
            " leave this field out.",
        )
    address = request.shipping_address
    if address is not None and address.country != quote.country:
        raise Invalid(
            "shippingAddress.country",
            f"The quote is for shipping to {quote.country}. Get one with the country of the"
            " address.",
        )


def _check_customer(session: Session, actor: Actor, quote: RedemptionQuote) -> None:
    """Raise unless the customer may take so much out: goods that leave are a withdrawal in kind."""
    if not kyc_queries.tier_status(session, actor.user_id).may_redeem:
        raise VerificationRequired("Metal is redeemed from tier 2 on. Verify your identity.")
    receivables.require_nothing_owed(session, actor.user_id)
    card_money.check_withdrawable(session, actor.user_id, quote.value + quote.total)
    settings = current(session, RedemptionRules)
    limits_service.check(
        session,
        kyc_queries.accounts_of_person(session, actor.user_id),
        Demand(OPEN_REDEMPTIONS, settings.open_max, 1),
        Demand(GIVEN_UP_REDEMPTIONS, settings.given_up_per_day, 1),
    )


def _insert(
    session: Session,
    quote: RedemptionQuote,
    request: RedemptionRequest,
    held: Held,
    *,
    at: datetime,
    expires_at: datetime,
) -> Redemption:
    redemption_id = ids.new()
    columns = {
        "id": redemption_id,
        "user_id": quote.user_id,
        "quote_id": quote.id,
        "status": RedemptionStatus.PENDING_APPROVAL,
        "strategy": quote.strategy,
        "shipping_sealed": _seal(redemption_id, request.shipping_address),
        "paid_in": request.paid_in,
        "metal_hold_id": held.metal_hold_id,
        "money_hold_id": held.money_hold_id,
        "submitted_at": at,
        "expires_at": expires_at,
    }
    parts = [
        {
            "hold_id": part.hold_id,
            "redemption_id": redemption_id,
            "position": part.item.position,
            "location_id": part.location_id,
            "units": part.units,
        }
        for part in held.parts
    ]
    session.insert((RedemptionRow, [columns]), (RedemptionPart, parts))
    return queries.get_redemption(session, redemption_id)


def _seal(redemption_id: UUID, address: PostalAddress | None) -> bytes | None:
    if address is None:
        return None
    text = json.dumps(to_fields(address))
    return keys.seal(text, table=queries.TABLE, column="shipping_sealed", key=redemption_id)


def cancel(session: Session, actor: Actor, redemption_id: UUID) -> None:
    """Cancel the customer's own redemption; cancelling it again changes nothing. One that waits
    releases what it holds. One that is approved is undone, as long as the strategy allows and
    nothing is picked. Raises `NotFound` and `CancelWindowClosed`."""
    redemption = queries.lock_redemption(session, redemption_id)
    if redemption.user_id != actor.user_id:
        raise NotFound
    match redemption.status:
        case RedemptionStatus.CANCELLED:
            return
        case RedemptionStatus.PENDING_APPROVAL:
            status_changes.end(
                session, redemption, RedemptionStatus.CANCELLED, at=clock.now(), actor=actor
            )
        case RedemptionStatus.APPROVED | RedemptionStatus.ALLOCATED:
            undoing.undo(session, redemption, actor)
        case _:
            raise CancelWindowClosed
    messages.notify_of_end(session, redemption, RedemptionStatus.CANCELLED)


def let_lapse(session: Session, redemption_id: UUID) -> None:
    """End a redemption that was not decided in time; one that was, stays as it is."""
    redemption, now = queries.lock_redemption(session, redemption_id), clock.now()
    is_waiting = redemption.status is RedemptionStatus.PENDING_APPROVAL
    if is_waiting and redemption.expires_at <= now:
        status_changes.end(session, redemption, RedemptionStatus.EXPIRED, at=now)
        messages.notify_of_end(session, redemption, RedemptionStatus.EXPIRED)
