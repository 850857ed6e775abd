"""The limits of payments, and the rows that use each of them up.

How much each allows is in `limits.PaymentLimits`, and for a tier in `kyc.rules.KycRules`.
"""

from collections.abc import Collection
from datetime import timedelta
from functools import partial
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute

from app.catalog.rules import USD, PaymentMethod
from app.funding.errors import DailyLimitExceeded, TooManyCardFailures
from app.funding.models import DepositRow, DisputeRow, WithdrawalRow
from app.funding.ports import DisputeKind
from app.funding.states import (
    FAILED_CARD_DEPOSITS,
    OPEN_DEPOSITS,
    VOID_DEPOSITS,
    VOID_WITHDRAWALS,
    DepositStatus,
    WithdrawalStatus,
)
from app.kit.formatting import format_amount, format_number_of
from app.kit.money import Amount
from app.kit.statements import AnySelect
from app.limits.registry import Limit

_StatusT = TypeVar("_StatusT", DepositStatus, WithdrawalStatus)
_ADVICE = "Cancel one, or wait until one has arrived or lapsed."
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
MONTH, HALF_YEAR = timedelta(days=30), timedelta(days=180)

#: Cancelled and rejected ones cost nothing; every other one was, or may be, sent.
_NEVER_SENT = frozenset({WithdrawalStatus.CANCELLED, WithdrawalStatus.REJECTED})
_Units = sa.ColumnElement[int] | InstrumentedAttribute[int]
_ONE: sa.ColumnElement[int] = sa.literal_column("1", sa.Integer)


def _dollars(units: int) -> str:
    return format_amount(Amount(USD, units))


def _deposits(units: _Units, *conditions: sa.ColumnElement[bool]) -> AnySelect:
    """Return deposits from when they were credited; until then, from when they were announced."""
    return sa.select(
        DepositRow.user_id.label("owner"),
        DepositRow.id.label("id"),
        sa.func.coalesce(DepositRow.credited_at, DepositRow.requested_at).label("at"),
        units.label("units"),
    ).where(*conditions)


def _withdrawals(units: _Units, *conditions: sa.ColumnElement[bool]) -> AnySelect:
    return sa.select(
        WithdrawalRow.user_id.label("owner"),
        WithdrawalRow.id.label("id"),
        WithdrawalRow.requested_at.label("at"),
        units.label("units"),
    ).where(*conditions)


def _is_one_of(
    column: InstrumentedAttribute[_StatusT], statuses: Collection[_StatusT]
) -> sa.ColumnElement[bool]:
    # An array, because a statement with an expanded list cannot have parameters.
    return column == sa.any_(sa.literal(sorted(statuses), sa.ARRAY(sa.Text)))


_KEPT_DEPOSITS = ~_is_one_of(DepositRow.status, VOID_DEPOSITS)
_CARD = DepositRow.method == PaymentMethod.CARD
#: Cancelled once its processor had been asked: that costs, and says something about the card.
_CANCELLED_LATE = sa.and_(
    DepositRow.status == DepositStatus.CANCELLED, DepositRow.opened_at.is_not(None)
)
_KEPT_WITHDRAWALS = ~_is_one_of(WithdrawalRow.status, VOID_WITHDRAWALS)
_DEPOSIT_WORTH = DepositRow.usd_units
_WITHDRAWAL_WORTH = WithdrawalRow.usd_units

#: What the tier allows.
DEPOSITS_DAY = Limit("deposits_day", "deposits", DAY, _dollars, DailyLimitExceeded, asset=USD)
DEPOSITS_DAY.count(_deposits(_DEPOSIT_WORTH, _KEPT_DEPOSITS))
#: What a person without a tier pays in for goods.
UNVERIFIED_MONTH = Limit(
    "unverified_month", "purchases without verification", MONTH, _dollars, asset=USD
)
UNVERIFIED_MONTH.count(_deposits(_DEPOSIT_WORTH, _KEPT_DEPOSITS))
WITHDRAWALS_DAY = Limit(
    "withdrawals_day", "withdrawals", DAY, _dollars, DailyLimitExceeded, asset=USD
)
WITHDRAWALS_DAY.count(_withdrawals(_WITHDRAWAL_WORTH, _KEPT_WITHDRAWALS))

WITHDRAWALS_WEEK = Limit("withdrawals_week", "withdrawals", WEEK, _dollars, asset=USD)
WITHDRAWALS_WEEK.count(_withdrawals(_WITHDRAWAL_WORTH, _KEPT_WITHDRAWALS))
PAYOUTS_DAY = Limit(
    "payouts_day", "the number of withdrawals", DAY, partial(format_number_of, one="withdrawal")
)
PAYOUTS_DAY.count(_withdrawals(_ONE, ~_is_one_of(WithdrawalRow.status, _NEVER_SENT)))

CARD_DAY = Limit("card_day", "card payments", DAY, _dollars, asset=USD)
CARD_WEEK = Limit("card_week", "card payments", WEEK, _dollars, asset=USD)
for each in (CARD_DAY, CARD_WEEK):
    each.count(_deposits(_DEPOSIT_WORTH, _CARD, _KEPT_DEPOSITS))
CARD_FAILURES_HOUR = Limit(
    "card_failures_hour",
    "declined and unfinished cards",
    HOUR,
    partial(format_number_of, one="card"),
    TooManyCardFailures,
)
CARD_FAILURES_HOUR.count(
    _deposits(
        _ONE,
        _CARD,
        sa.or_(_is_one_of(DepositRow.status, FAILED_CARD_DEPOSITS), _CANCELLED_LATE),
    )
)
CARD_PAYMENTS_DAY = Limit(
    "card_payments_day",
    "the number of card payments",
    DAY,
    partial(format_number_of, one="card payment"),
)
CARD_PAYMENTS_DAY.count(
    _deposits(_ONE, _CARD, sa.or_(DepositRow.status != DepositStatus.CANCELLED, _CANCELLED_LATE))
)
#: Each costs the processor's fee, however small the payment was.
CARD_DISPUTES = Limit(
    "card_disputes",
    "disputed card payments",
    HALF_YEAR,
    partial(format_number_of, one="dispute"),
    advice="Pay in another way.",
)
CARD_DISPUTES.count(
    sa.select(
        DepositRow.user_id.label("owner"),
        DisputeRow.id.label("id"),
        DisputeRow.opened_at.label("at"),
        _ONE.label("units"),
    )
    .join_from(DisputeRow, DepositRow, DisputeRow.deposit_id == DepositRow.id)
    .where(DisputeRow.kind == DisputeKind.DISPUTE, DisputeRow.status != "won")
)

#: Transfers that a customer announces: they are waited for, however small, for days.
OPEN_TRANSFERS = {
    PaymentMethod.BANK: Limit(
        "open_bank_transfers",
        "announced bank transfers",
        None,
        partial(format_number_of, one="transfer"),
        advice=_ADVICE,
    ),
    PaymentMethod.CRYPTO: Limit(
        "open_token_transfers",
        "announced token transfers",
        None,
        partial(format_number_of, one="transfer"),
        advice=_ADVICE,
    ),
}
for method, limit in OPEN_TRANSFERS.items():
    limit.count(
        _deposits(_ONE, DepositRow.method == method, _is_one_of(DepositRow.status, OPEN_DEPOSITS))
    )

#: Prompts on a phone, of whichever person: what is asked for twice could be paid twice.
OPEN_PROMPTS = Limit(
    "open_prompts",
    "prompts on this phone",
    None,
    partial(format_number_of, one="prompt"),
    advice="Answer the prompt on the phone, or wait until it ends.",
)
OPEN_PROMPTS.count(
    sa.select(
        DepositRow.source_index.label("owner"),
        DepositRow.id.label("id"),
        DepositRow.requested_at.label("at"),
        _ONE.label("units"),
    ).where(_is_one_of(DepositRow.status, OPEN_DEPOSITS))
)
PROMPTS_HOUR = Limit(
    "prompts_hour", "prompts on phones", HOUR, partial(format_number_of, one="prompt")
)
PROMPTS_HOUR.count(
    sa.select(
        DepositRow.user_id.label("owner"),
        DepositRow.id.label("id"),
        DepositRow.requested_at.label("at"),
        _ONE.label("units"),
    ).where(DepositRow.method == PaymentMethod.MOBILE_MONEY)
)
