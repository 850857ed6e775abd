"""The limits of a customer as they see them: what each allows, and what is left of it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.catalog.rules import USD
from app.funding import limit_declarations as declared
from app.funding.limits import PaymentLimits
from app.kit.db import Session
from app.kit.money import Amount
from app.kyc import queries as kyc_queries
from app.limits import queries as limits_queries
from app.limits.queries import Demand, Usage
from app.settings.queries import current


@dataclass(frozen=True, slots=True)
class CustomerLimit:
    """A limit, of a person over all their accounts."""

    name: str
    #: What it limits, and in which time.
    title: str
    #: Of the amounts; None for a number of things.
    asset: str | None
    maximum: str
    left: str
    #: When something is left again; None while something is, and where no time frees it.
    frees_at: datetime | None


@dataclass(frozen=True, slots=True)
class TierLimits:
    """What the customer's tier allows in 24 hours, and what is left of it."""

    tier: int
    daily_limit: Amount
    deposits_left: Amount
    withdrawals_left: Amount
    may_redeem: bool


def tier_limits(session: Session, user_id: UUID) -> TierLimits:
    """Return what the customer may still pay in and withdraw now. Raises `NotFound`."""
    tier_status = kyc_queries.tier_status(session, user_id)
    daily_limit = tier_status.daily_limit
    deposits, withdrawals = limits_queries.usages(
        session,
        kyc_queries.accounts_of_person(session, user_id),
        [
            Demand(declared.DEPOSITS_DAY, daily_limit.units),
            Demand(declared.WITHDRAWALS_DAY, daily_limit.units),
        ],
    )
    return TierLimits(
        tier_status.tier,
        daily_limit,
        Amount(USD, deposits.left),
        Amount(USD, withdrawals.left),
        tier_status.may_redeem,
    )


def list_limits(session: Session, user_id: UUID) -> list[CustomerLimit]:
    """Return every limit on what the customer pays in and withdraws. Raises `NotFound`."""
    daily_limit = kyc_queries.tier_status(session, user_id).daily_limit.units
    settings = current(session, PaymentLimits)
    maxima = {
        declared.DEPOSITS_DAY: daily_limit,
        declared.WITHDRAWALS_DAY: daily_limit,
        declared.PAYOUTS_DAY: settings.withdrawals_per_day,
        declared.CARD_DAY: settings.card_per_day.units,
        declared.CARD_WEEK: settings.card_per_week.units,
        declared.CARD_PAYMENTS_DAY: settings.card_payments_per_day,
        declared.CARD_DISPUTES: settings.card_disputes_max,
        declared.CARD_FAILURES_HOUR: settings.card_failures_per_hour,
        declared.PROMPTS_HOUR: settings.prompts_per_hour,
        **dict.fromkeys(declared.OPEN_TRANSFERS.values(), settings.transfers_open),
    }
    accounts = kyc_queries.accounts_of_person(session, user_id)
    # One more unit is asked for, so that a limit that is used up says when it frees.
    demands = [Demand(limit, maximum, 1) for limit, maximum in maxima.items()]
    return [_shown(usage) for usage in limits_queries.usages(session, accounts, demands)]


def _shown(usage: Usage) -> CustomerLimit:
    limit = usage.limit
    return CustomerLimit(
        limit.name,
        limit.title,
        limit.asset.code if limit.asset else None,
        limit.plain(usage.demand.maximum),
        limit.plain(usage.left),
        usage.frees_at,
    )
