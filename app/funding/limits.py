"""Limits on payments: configured amounts, what a customer's tier allows in 24 hours, open debts.

The `check_…` functions serialize the customer's payments until the transaction ends, so that limits
add up.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from app.cases import service as cases
from app.catalog.rules import METAL_OF, TRADABLE, USD, PaymentMethod
from app.funding.errors import DailyLimitExceeded, TooManyCardFailures, VerificationRequired
from app.funding.receivables import service as receivables
from app.funding.rules import value_in_usd
from app.funding.states import FAILED_CARD_DEPOSITS, VOID_DEPOSITS, VOID_WITHDRAWALS
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Invalid
from app.kit.formatting import format_amount
from app.kit.money import Amount
from app.kyc import queries as kyc_queries
from app.kyc.queries import TierStatus
from app.pricing import queries as pricing_queries
from app.pricing.errors import PriceStale
from app.settings.queries import current
from app.settings.rules import setting, settings_group

_DAY = timedelta(days=1)
_CARD_FAILURE_WINDOW = timedelta(hours=1)

_LOCK_CUSTOMER = "SELECT pg_advisory_xact_lock(hashtextextended('funding ' || %s, 0))"
_DEPOSITED = """
SELECT asset, sum(coalesce(credited_units, asked_units)) FROM deposits
WHERE user_id = %s AND coalesce(credited_at, requested_at) > %s
    AND status <> ALL (%s)
GROUP BY asset
"""
_CARD_FAILURES = """
SELECT count(*) FROM deposits
WHERE user_id = %s AND method = 'card' AND status = ANY (%s)
    AND requested_at > %s
"""
_WITHDRAWN = """
SELECT coalesce(sum(usd_units), 0) FROM withdrawals
WHERE user_id = %s AND requested_at > %s
    AND status <> ALL (%s)
"""


def _usd(text: str) -> Amount:
    return Amount.parse(USD, text)


@settings_group("payments", "Payments")
@dataclass(frozen=True, slots=True)
class PaymentLimits:
    """Limits on deposits and withdrawals."""

    card_min: Amount = setting(
        "Smallest card payment", _usd("1"), minimum=_usd("1"), maximum=_usd("100")
    )
    card_max: Amount = setting(
        "Largest card payment", _usd("10000"), minimum=_usd("1"), maximum=_usd("100000")
    )
    card_failures_per_hour: int = setting(
        "Card failures allowed in an hour",
        3,
        minimum=1,
        maximum=100,
        unit="failures",
        about="Then a customer waits. Payments not decided yet count as failures.",
    )
    withdrawal_min: Amount = setting(
        "Smallest withdrawal", _usd("1"), minimum=_usd("0.01"), maximum=_usd("1000")
    )
    approval_from: Amount = setting(
        "Second person from",
        _usd("10000"),
        minimum=_usd("1"),
        maximum=_usd("1000000"),
        about="A withdrawal worth this much or more is released by two members of staff.",
    )

    def __post_init__(self) -> None:
        """Check that a card payment of some size is possible."""
        if self.card_max < self.card_min:
            raise ValueError("The largest card payment cannot be smaller than the smallest one.")


def lock_customer_payments(session: Session, user_id: UUID) -> None:
    """Serialize the customer's payments until this transaction ends, so that limits add up."""
    session.send(_LOCK_CUSTOMER, (str(user_id),))


def usd_value(session: Session, amount: Amount) -> Amount:
    """Return what the amount is worth at the latest bid, rounded down to cents.

    Raises `PriceStale` when the metal never had a price.
    """
    metal = METAL_OF.get(amount.asset.code)
    prices = pricing_queries.market_prices(session, [metal]) if metal else []
    value = value_in_usd(amount, {price.metal: price.bid for price in prices})
    if value is None:
        raise PriceStale
    return value


def check_deposit(session: Session, user_id: UUID, method: PaymentMethod, amount: Amount) -> None:
    """Check that the customer may pay in the amount now.

    Raises `Invalid` and `TooManyCardFailures` for a card, `VerificationRequired` without a tier,
    `DailyLimitExceeded` beyond its limit, and `PriceStale`.
    """
    lock_customer_payments(session, user_id)
    if method is PaymentMethod.CARD:
        _check_card(session, user_id, amount)
    deposited = _deposited_today(session, user_id) + usd_value(session, amount)
    _check_tier(kyc_queries.tier_status(session, user_id), deposited)


def _check_card(session: Session, user_id: UUID, amount: Amount) -> None:
    limits = current(session, PaymentLimits)
    if amount < limits.card_min or limits.card_max < amount:
        allowed = f"{format_amount(limits.card_min)} to {format_amount(limits.card_max)}"
        raise Invalid("amount", f"Enter {allowed} for a card.")
    since = clock.now() - _CARD_FAILURE_WINDOW
    failures = session.value(_CARD_FAILURES, (user_id, list(FAILED_CARD_DEPOSITS), since))
    if failures >= limits.card_failures_per_hour:
        raise TooManyCardFailures


def check_withdrawal(
    session: Session, user_id: UUID, amount: Amount, tier_status: TierStatus
) -> Amount:
    """Check that the customer may withdraw the amount now, and return its value in dollars.

    Raises `ReceivableOutstanding`, `Invalid` below the minimum, `VerificationRequired` without a
    tier, `DailyLimitExceeded` beyond its limit, and `PriceStale`.
    """
    lock_customer_payments(session, user_id)
    receivables.require_nothing_owed(session, user_id)
    value = usd_value(session, amount)
    minimum = current(session, PaymentLimits).withdrawal_min
    if value < minimum:
        raise Invalid("amount", f"Enter an amount worth at least {minimum} USD.")
    withdrawn = session.value(_WITHDRAWN, (user_id, clock.now() - _DAY, list(VOID_WITHDRAWALS)))
    _check_tier(tier_status, Amount(USD, int(withdrawn)) + value)
    return value


def needs_approval(session: Session, value: Amount) -> bool:
    """Return whether two members of staff have to release a withdrawal worth `value` dollars."""
    return current(session, PaymentLimits).approval_from <= value


def report_limit_excess(session: Session, user_id: UUID, reference: str) -> None:
    """Open a case for compliance when credited deposits exceed the limit of 24 hours.

    Money that arrives is credited whatever the limit is. `reference` is the latest deposit.
    """
    limit = kyc_queries.tier_status(session, user_id).daily_limit
    deposited = _deposited_today(session, user_id)
    if limit < deposited:
        cases.open_case(
            session,
            kind="deposit_limit",
            subject=reference,
            key=ids.encode("usr", user_id),
            title="Deposits above the customer's limit for 24 hours",
            facts={
                "within 24 hours": format_amount(deposited),
                "limit": format_amount(limit),
                "last": reference,
            },
            person_id=user_id,
        )


def _deposited_today(session: Session, user_id: UUID) -> Amount:
    """Return the dollars deposited or announced in the last 24 hours."""
    total = Amount(USD, 0)
    for code, units in session.rows(_DEPOSITED, (user_id, clock.now() - _DAY, list(VOID_DEPOSITS))):
        total += usd_value(session, Amount(TRADABLE[code], int(units)))
    return total


def _check_tier(tier_status: TierStatus, total: Amount) -> None:
    if tier_status.tier == 0:
        raise VerificationRequired
    if tier_status.daily_limit < total:
        raise DailyLimitExceeded(
            f"Your limit for 24 hours is {format_amount(tier_status.daily_limit)}. "
            f"This payment would bring the total to {format_amount(total)}."
        )
