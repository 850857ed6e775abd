"""What a customer may pay in and out now: limits for each person, their tier, open debts.

The `check_…` functions serialize the person's payments until the transaction ends, so that limits
add up. What counts towards a limit is in limit_declarations.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from app.cases import service as cases
from app.catalog.rules import DOLLARS, USD, PaymentMethod, Priced, Token
from app.funding import card_money
from app.funding import limit_declarations as declared
from app.funding.errors import VerificationRequired
from app.funding.receivables import service as receivables
from app.funding.rules import value_at_bid
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import Invalid
from app.kit.formatting import format_amount
from app.kit.money import Amount
from app.kyc import queries as kyc_queries
from app.kyc.queries import TierStatus
from app.limits import queries as limits_queries
from app.limits import service as limits_service
from app.limits.errors import LimitExceeded
from app.limits.queries import Demand
from app.pricing import queries as pricing_queries
from app.pricing.errors import PriceStale
from app.settings.queries import current
from app.settings.rules import setting, settings_group


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
    card_per_day: Amount = setting(
        "Most by card in 24 hours",
        _usd("10000"),
        minimum=_usd("1"),
        maximum=_usd("1000000"),
        about="The sum of a person's card payments. A declined one does not count.",
    )
    card_per_week: Amount = setting(
        "Most by card in 7 days", _usd("25000"), minimum=_usd("1"), maximum=_usd("7000000")
    )
    unfinished_minutes: int = setting(
        "Unfinished payments end after",
        60,
        minimum=5,
        maximum=20_160,
        unit="minutes",
        about="A card payment that its bank wants confirmed, or a prompt on a phone, that the"
        " customer leaves alone. Until then it counts towards their limits.",
        needs_approval=False,
    )
    card_payments_per_day: int = setting(
        "Card payments in 24 hours",
        10,
        minimum=1,
        maximum=1000,
        unit="payments",
        about="However small they are, and also those that were declined.",
    )
    card_disputes_max: int = setting(
        "Disputes that end card payments",
        2,
        minimum=1,
        maximum=100,
        unit="disputes",
        about="A person with so many disputes in 180 days, won ones apart, cannot pay by card: each"
        " costs PBCEx the processor's fee.",
    )
    card_failures_per_hour: int = setting(
        "Card failures allowed in an hour",
        3,
        minimum=1,
        maximum=100,
        unit="failures",
        about="Then a customer waits. Payments that are not decided yet count as failures, and so"
        " do those that a customer left unconfirmed or cancelled.",
    )
    prompts_per_hour: int = setting(
        "Prompts on phones in an hour",
        5,
        minimum=1,
        maximum=100,
        unit="prompts",
        about="For each person, however they were answered. A phone has one at a time.",
        needs_approval=False,
    )
    transfer_min: Amount = setting(
        "Smallest announced transfer",
        _usd("1"),
        minimum=_usd("0.01"),
        maximum=_usd("1000"),
        about="What a bank or token transfer that a customer announces is worth at least."
        " Whatever arrives is credited.",
    )
    transfers_open: int = setting(
        "Announced transfers at a time",
        5,
        minimum=1,
        maximum=100,
        unit="transfers",
        about="For each person and method: PBCEx asks the provider while it waits for one.",
        needs_approval=False,
    )
    transfer_days: int = setting(
        "Announced transfers lapse after",
        10,
        minimum=1,
        maximum=90,
        unit="days",
        about="What arrives later is still credited.",
        needs_approval=False,
    )
    unverified_max: Amount = setting(
        "Most paid for goods without verification, in 30 days",
        _usd("2500"),
        minimum=Amount(USD, 0),
        maximum=_usd("10000"),
        about="By card or bank transfer, for orders of guests and of others whose identity is not"
        " verified. Money cannot be paid in for anything else before.",
    )
    withdrawal_min: Amount = setting(
        "Smallest withdrawal", _usd("1"), minimum=_usd("0.01"), maximum=_usd("1000")
    )
    withdrawals_per_day: int = setting(
        "Withdrawals in 24 hours",
        10,
        minimum=1,
        maximum=1000,
        unit="withdrawals",
        about="Each one costs PBCEx a fee, however small it is.",
    )
    approval_from: Amount = setting(
        "Second person from, in 24 hours",
        _usd("10000"),
        minimum=_usd("1"),
        maximum=_usd("1000000"),
        about="A withdrawal that brings a person's withdrawals of 24 hours to this worth, or above,"
        " is released by two members of staff.",
    )
    approval_from_week: Amount = setting(
        "Second person from, in 7 days",
        _usd("25000"),
        minimum=_usd("1"),
        maximum=_usd("7000000"),
        about="The same for the withdrawals of 7 days.",
    )

    def __post_init__(self) -> None:
        """Check that a card payment of some size is possible."""
        if self.card_max < self.card_min:
            raise ValueError("The largest card payment cannot be smaller than the smallest one.")
        if self.card_per_week < self.card_per_day:
            raise ValueError("The limit by card for 7 days cannot be below that for 24 hours.")
        if self.approval_from_week < self.approval_from:
            raise ValueError("A second person for 7 days cannot come before that for 24 hours.")


def lock_customer_payments(session: Session, user_id: UUID) -> Sequence[UUID]:
    """Serialize the person's payments until this transaction ends, so that limits add up.

    Return the ids of their accounts: one person may have several.
    """
    accounts = kyc_queries.accounts_of_person(session, user_id)
    limits_service.lock(session, accounts)
    return accounts


def usd_value(session: Session, amount: Amount) -> Amount:
    """Return what limits count the amount as: its worth at the latest bid, rounded down to cents.

    PAXG counts as an ounce of gold at least: it has one source, and a price that is too low by its
    mistake would take any number of tokens past every limit. Raises `PriceStale` when it never had
    a price.
    """
    bids = {} if amount.asset in DOLLARS else pricing_queries.bids(session)
    as_gold: dict[Priced, Decimal] = {
        priced: bid for priced, bid in bids.items() if priced is not Token.PAXG
    }
    values = [value_at_bid(amount, bids), value_at_bid(amount, as_gold)]
    known = [value for value in values if value is not None]
    if not known:
        raise PriceStale
    return max(known)


def check_deposit(
    session: Session,
    user_id: UUID,
    method: PaymentMethod | None,
    amount: Amount,
    phone_index: bytes | None = None,
    *,
    is_for_goods: bool = False,
) -> Amount:
    """Check that the customer may pay in the amount now, and return its value in dollars.

    `method` is None for cash at a counter. `phone_index` is the blind index of the phone that is
    prompted. `is_for_goods` says that it pays
    for an order: so much is possible without a tier, too.

    Raises `Invalid` for its size, `VerificationRequired` without a tier, `LimitExceeded`,
    `TooManyCardFailures` and `DailyLimitExceeded` for a limit, and `PriceStale`.
    """
    settings, value = current(session, PaymentLimits), usd_value(session, amount)
    tier_status, demands = kyc_queries.tier_status(session, user_id), []
    if is_for_goods and tier_status.tier == 0:
        _check_unverified(session, user_id, settings, value)
    else:
        demands.append(Demand(declared.DEPOSITS_DAY, _daily_limit(tier_status), value.units))
    if method is PaymentMethod.CARD:
        if amount < settings.card_min or settings.card_max < amount:
            allowed = f"{format_amount(settings.card_min)} to {format_amount(settings.card_max)}"
            raise Invalid("amount", f"Enter {allowed} for a card.")
        demands += [
            Demand(declared.CARD_DISPUTES, settings.card_disputes_max, 1),
            Demand(declared.CARD_FAILURES_HOUR, settings.card_failures_per_hour, 1),
            Demand(declared.CARD_PAYMENTS_DAY, settings.card_payments_per_day, 1),
            Demand(declared.CARD_DAY, settings.card_per_day.units, value.units),
            Demand(declared.CARD_WEEK, settings.card_per_week.units, value.units),
        ]
    elif method in declared.OPEN_TRANSFERS:
        if value < settings.transfer_min:
            minimum = format_amount(settings.transfer_min)
            raise Invalid("amount", f"Enter an amount worth at least {minimum}.")
        demands.append(Demand(declared.OPEN_TRANSFERS[method], settings.transfers_open, 1))
    elif method is PaymentMethod.MOBILE_MONEY:
        demands.append(Demand(declared.PROMPTS_HOUR, settings.prompts_per_hour, 1))
    limits_service.check(session, kyc_queries.accounts_of_person(session, user_id), *demands)
    if phone_index is not None:
        limits_service.check(session, [phone_index], Demand(declared.OPEN_PROMPTS, 1, 1))
    return value


def _check_unverified(
    session: Session, user_id: UUID, settings: PaymentLimits, value: Amount
) -> None:
    """Raise `VerificationRequired` for more than a person without a tier may pay for goods."""
    accounts = kyc_queries.accounts_of_person(session, user_id)
    demand = Demand(declared.UNVERIFIED_MONTH, settings.unverified_max.units, value.units)
    try:
        limits_service.check(session, accounts, demand)
    except LimitExceeded as refusal:
        raise VerificationRequired(f"{refusal.detail} Verify your identity to buy more.") from None


def check_withdrawal(
    session: Session, user_id: UUID, amount: Amount, tier_status: TierStatus
) -> Amount:
    """Check that the customer may withdraw the amount now, and return its value in dollars.

    Raises `ReceivableOutstanding`, `Invalid` below the minimum, `VerificationRequired` without a
    tier, `LimitExceeded` and `DailyLimitExceeded` for a limit, `CardMoneyUnsettled`, and
    `PriceStale`.
    """
    accounts = lock_customer_payments(session, user_id)
    receivables.require_nothing_owed(session, user_id)
    settings, value = current(session, PaymentLimits), usd_value(session, amount)
    if value < settings.withdrawal_min:
        raise Invalid("amount", f"Enter an amount worth at least {settings.withdrawal_min} USD.")
    limits_service.check(
        session,
        accounts,
        Demand(declared.WITHDRAWALS_DAY, _daily_limit(tier_status), value.units),
        Demand(declared.PAYOUTS_DAY, settings.withdrawals_per_day, 1),
    )
    card_money.check_withdrawable(session, user_id, value)
    return value


def needs_approval(session: Session, user_id: UUID, withdrawal_id: UUID, value: Amount) -> bool:
    """Return whether two members of staff have to release a withdrawal worth `value` dollars.

    The person's other withdrawals of 24 hours and of 7 days count, so that a large one cannot be
    split into small ones.
    """
    settings = current(session, PaymentLimits)
    day, week = limits_queries.usages(
        session,
        kyc_queries.accounts_of_person(session, user_id),
        [
            Demand(declared.WITHDRAWALS_DAY, settings.approval_from.units, value.units),
            Demand(declared.WITHDRAWALS_WEEK, settings.approval_from_week.units, value.units),
        ],
        besides=withdrawal_id,
    )
    return any(usage.total >= usage.demand.maximum for usage in (day, week))


def withdrawn(session: Session, user_id: UUID) -> tuple[Amount, Amount]:
    """Return the worth of the person's withdrawals of 24 hours, and of 7 days."""
    accounts = kyc_queries.accounts_of_person(session, user_id)
    demands = [Demand(declared.WITHDRAWALS_DAY, 0), Demand(declared.WITHDRAWALS_WEEK, 0)]
    day, week = limits_queries.usages(session, accounts, demands)
    return Amount(USD, day.used), Amount(USD, week.used)


def report_limit_excess(
    session: Session, user_id: UUID, reference: str, *, is_as_requested: bool
) -> None:
    """Open a case for compliance when credited deposits exceed the limit of 24 hours.

    Money that arrives is credited whatever the limit is. `reference` is the latest deposit,
    `is_as_requested` whether no more came than was requested: without a tier, that was for goods.
    """
    tier_status = kyc_queries.tier_status(session, user_id)
    if tier_status.tier == 0 and is_as_requested:
        return
    limit = tier_status.daily_limit
    accounts = kyc_queries.accounts_of_person(session, user_id)
    [usage] = limits_queries.usages(session, accounts, [Demand(declared.DEPOSITS_DAY, limit.units)])
    if usage.is_exceeded:
        cases.open_case(
            session,
            kind="deposit_limit",
            subject=reference,
            key=ids.encode("usr", user_id),
            title="Deposits above the customer's limit for 24 hours",
            facts={
                "within 24 hours": usage.limit.write(usage.used),
                "limit": format_amount(limit),
                "last": reference,
            },
            person_id=user_id,
        )


def _daily_limit(tier_status: TierStatus) -> int:
    """Return what the customer's tier allows. Raises `VerificationRequired` without a tier."""
    if tier_status.tier == 0:
        raise VerificationRequired
    return tier_status.daily_limit.units
