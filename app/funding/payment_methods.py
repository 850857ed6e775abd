"""The ways to pay in and out that are offered here, and what a payment costs before it is made."""

from dataclasses import dataclass

from app.catalog.rules import PaymentMethod
from app.funding import fees
from app.funding.card_money import CardMoneyRules
from app.funding.deposits import service as deposits
from app.funding.errors import PaymentMethodDisabled
from app.funding.fees import FeeRate, PaymentDirection, PaymentFees, PaymentQuote
from app.funding.limits import PaymentLimits
from app.funding.withdrawals import service as withdrawals
from app.kit.db import Session
from app.kit.money import Amount, Asset
from app.settings.queries import current


@dataclass(frozen=True, slots=True)
class PaymentTerms:
    """A way to pay in or out, and what it costs."""

    direction: PaymentDirection
    method: PaymentMethod
    asset: Asset
    rate: FeeRate
    #: The smallest and the largest payment by its worth in dollars, where there is one.
    min_usd: Amount | None
    max_usd: Amount | None
    #: For how long what was paid in so cannot be withdrawn.
    withheld_days: int


def list_terms(session: Session) -> list[PaymentTerms]:
    """Return every payment that is offered here, with its terms."""
    rates = current(session, PaymentFees)
    return [
        PaymentTerms(
            direction,
            method,
            asset,
            rates.rate(direction, method, asset),
            *_bounds(current(session, PaymentLimits), direction, method),
            current(session, CardMoneyRules).withheld_days if method is PaymentMethod.CARD else 0,
        )
        for direction, method, asset in fees.PAYMENTS
        if _is_offered(direction, method, asset)
    ]


def _is_offered(direction: PaymentDirection, method: PaymentMethod, asset: Asset) -> bool:
    try:
        require_offered(direction, method, asset)
    except PaymentMethodDisabled:
        return False
    return True


def _bounds(
    limits: PaymentLimits, direction: PaymentDirection, method: PaymentMethod
) -> tuple[Amount | None, Amount | None]:
    if direction is PaymentDirection.WITHDRAWAL:
        return limits.withdrawal_min, None
    return (limits.card_min, limits.card_max) if method is PaymentMethod.CARD else (None, None)


def require_offered(direction: PaymentDirection, method: PaymentMethod, asset: Asset) -> None:
    """Raise `Invalid` or `PaymentMethodDisabled` unless the asset can be paid so."""
    if direction is PaymentDirection.DEPOSIT:
        deposits.provider_name(method, asset)
    else:
        withdrawals.payout_rail(method, asset)


def quote_fee(
    session: Session, direction: PaymentDirection, method: PaymentMethod, amount: Amount
) -> PaymentQuote:
    """Return what a payment costs now, and what is left of it.

    Raises `Invalid` and `PaymentMethodDisabled`.
    """
    require_offered(direction, method, amount.asset)
    return fees.quote(session, direction, method, amount)
