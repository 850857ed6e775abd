"""How much may come and go in 24 hours, by who somebody has shown to be."""

from datetime import timedelta
from uuid import UUID

from app.cases import service as cases
from app.catalog.rules import METAL_OF, TRADABLE, USD
from app.funding.errors import DailyLimitExceeded, VerificationRequired
from app.funding.rules import value_in_usd
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Invalid
from app.kit.money import Amount
from app.kyc import queries as kyc_queries
from app.pricing import queries as pricing_queries
from app.pricing.errors import PriceStale

_DAY = timedelta(days=1)

_TURN = "SELECT pg_advisory_xact_lock(hashtextextended('funding ' || %s, 0))"
_DEPOSITED = """
SELECT asset, sum(coalesce(credited_units, asked_units)) FROM deposits
WHERE user_id = %s AND coalesce(credited_at, requested_at) > %s
    AND status NOT IN ('failed', 'cancelled')
GROUP BY asset
"""
_WITHDRAWN = """
SELECT coalesce(sum(usd_units), 0) FROM withdrawals
WHERE user_id = %s AND requested_at > %s
    AND status NOT IN ('failed', 'rejected', 'cancelled', 'returned')
"""


def lock_customer_payments(session: Session, user_id: UUID) -> None:
    """Of two that count one person's payments at once, the second sees the first."""
    session.send(_TURN, (str(user_id),))


def usd_value(session: Session, amount: Amount) -> Amount:
    """What an amount is worth at the last known bid, in whole cents. Raises `PriceStale` where
    nobody knows."""
    metal = METAL_OF.get(amount.asset.code)
    prices = pricing_queries.market_prices(session, [metal]) if metal else []
    value = value_in_usd(amount, {price.metal: price.bid for price in prices})
    if value is None:
        raise PriceStale
    return value


def usd_from_cents(units: int) -> Amount:
    """So many cents."""
    return Amount(USD, units)


def check_deposit_limit(session: Session, user_id: UUID, amount: Amount) -> None:
    """Raises `VerificationRequired`, and `DailyLimitExceeded` if this would be too much."""
    _check(session, user_id, _deposited(session, user_id) + usd_value(session, amount))


def check_withdrawal_limit(session: Session, user_id: UUID, value: Amount, minimum: Amount) -> None:
    """The same for what goes; raises `Invalid` for what is not worth sending."""
    if value < minimum:
        raise Invalid("amount", f"Enter an amount worth at least {minimum} USD.")
    row = session.row(_WITHDRAWN, (user_id, clock.now() - _DAY))
    assert row is not None
    _check(session, user_id, Amount(USD, int(row[0])) + value)


def report_limit_excess(session: Session, user_id: UUID, about: str) -> None:
    """What came unasked is credited, limit or not; compliance is told when it was too much."""
    limit = kyc_queries.tier_status(session, user_id).daily_limit
    come = _deposited(session, user_id)
    if limit < come:
        cases.open_case(
            session,
            kind="deposit_limit",
            subject=about,
            key=ids.encode("usr", user_id),
            title="More came within a day than the person's tier allows",
            facts={"within 24 hours": f"{come} USD", "limit": f"{limit} USD", "last": about},
            person_id=user_id,
        )


def _deposited(session: Session, user_id: UUID) -> Amount:
    total = Amount(USD, 0)
    for code, units in session.rows(_DEPOSITED, (user_id, clock.now() - _DAY)):
        total += usd_value(session, Amount(TRADABLE[code], int(units)))
    return total


def _check(session: Session, user_id: UUID, total: Amount) -> None:
    standing = kyc_queries.tier_status(session, user_id)
    if standing.tier == 0:
        raise VerificationRequired
    if standing.daily_limit < total:
        raise DailyLimitExceeded(
            f"Your limit for 24 hours is {standing.daily_limit} USD, and this would make it {total}"
        )
