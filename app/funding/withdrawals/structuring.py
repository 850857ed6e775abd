"""Withdrawals that a person keeps just below the worth that needs a second member of staff."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from app.cases import service as cases
from app.catalog.rules import USD
from app.funding.limits import PaymentLimits
from app.funding.models import WithdrawalRow
from app.funding.states import VOID_WITHDRAWALS
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.formatting import format_amount, format_number_of
from app.kit.money import Amount
from app.kyc import queries as kyc_queries
from app.settings.queries import current
from app.settings.rules import setting, settings_group

_WINDOW = timedelta(days=7)
_PERCENT = 100


@settings_group("payments", "Payments")
@dataclass(frozen=True, slots=True)
class StructuringRules:
    """When withdrawals look as if they were kept small to avoid a second person."""

    near_percent: int = setting(
        "Just below a second person from",
        80,
        minimum=1,
        maximum=99,
        unit="percent",
        about="A withdrawal worth this part of the worth that needs a second person, or more, and"
        " less than all of it, counts as just below.",
    )
    near_count: int = setting(
        "Just below in 7 days",
        3,
        minimum=2,
        maximum=100,
        unit="withdrawals",
        about="So many of one person open a case.",
    )


@dataclass(frozen=True, slots=True)
class _Near:
    """A person's withdrawals just below the threshold: how many, and their worth in cents."""

    number: int
    cents: int


def report_structuring(session: Session, user_id: UUID, reference: str, value: Amount) -> None:
    """Open a case when a withdrawal worth `value` is one of several just below the threshold.

    `reference` is the public id of the withdrawal, which is stored.
    """
    rules, threshold = current(session, StructuringRules), current(session, PaymentLimits)
    high = threshold.approval_from.units
    low = high * rules.near_percent // _PERCENT
    if not low <= value.units < high:
        return
    near = session.get(
        _Near,
        sa.select(
            sa.func.count().label("number"),
            sa.cast(sa.func.sum(WithdrawalRow.usd_units), sa.BigInteger).label("cents"),
        ).where(
            WithdrawalRow.user_id.in_(kyc_queries.accounts_of_person(session, user_id)),
            WithdrawalRow.requested_at > clock.now() - _WINDOW,
            WithdrawalRow.status.not_in(sorted(VOID_WITHDRAWALS)),
            WithdrawalRow.usd_units.between(low, high - 1),
        ),
    )
    if near.number < rules.near_count:
        return
    cases.open_case(
        session,
        kind="structuring",
        subject=reference,
        key=ids.encode("usr", user_id),
        title="Withdrawals just below the worth that needs a second person",
        facts={
            "within 7 days": format_number_of(near.number, "withdrawal"),
            "together": format_amount(Amount(USD, near.cents)),
            "each from": format_amount(Amount(USD, low)),
            "second person from": format_amount(threshold.approval_from),
            "last": reference,
        },
        person_id=user_id,
    )
