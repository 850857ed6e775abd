"""What staff have to know of a customer before they decide about a payment."""

from collections.abc import Mapping
from uuid import UUID

from app.catalog.rules import TRADABLE
from app.funding import limits
from app.funding.deposits import queries as deposit_queries
from app.funding.deposits.queries import DepositedTotal
from app.identity.accounts import people
from app.kit.db import Session
from app.kit.formatting import format_amount, format_number_of
from app.kit.money import Amount
from app.kyc import queries as kyc_queries
from app.ledger import queries as ledger_queries


def describe_customer(session: Session, user_id: UUID) -> Mapping[str, str]:
    """Return the customer's account status, tier and balances, what they withdrew from all their
    accounts, and where their money came from.

    Raises `NotFound` for an unknown person.
    """
    tier_status = kyc_queries.tier_status(session, user_id)
    balances = ledger_queries.customer_balances(session, user_id)
    day, week = limits.withdrawn(session, user_id)
    return {
        "Account of the customer": people.get_account(session, user_id).status.label,
        "Tier of the customer": f"{tier_status.tier}, up to"
        f" {format_amount(tier_status.daily_limit)} a day",
        "Withdrawn in 24 hours": format_amount(day),
        "Withdrawn in 7 days": format_amount(week),
        "Available to the customer": "; ".join(
            format_amount(Amount(TRADABLE[each.asset], each.posted - each.held))
            for each in balances
            if each.posted > each.held
        )
        or "Nothing",
        "Origin of the money": "; ".join(
            map(_format_total, deposit_queries.deposited_totals(session, user_id))
        )
        or "No deposits",
    }


def _format_total(total: DepositedTotal) -> str:
    deposits = format_number_of(total.count, "deposit")
    return f"{total.method.label} {format_amount(total.amount)} ({deposits})"
