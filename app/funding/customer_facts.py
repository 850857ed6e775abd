"""What staff have to know of a customer before they decide about a payment or a verification."""

from collections.abc import Mapping
from uuid import UUID

from app.access import Actor, Permission
from app.cases import queries as cases_queries
from app.catalog.rules import TRADABLE
from app.funding import card_money, customer_limits, limits
from app.funding.deposits import queries as deposit_queries
from app.funding.deposits.queries import Deposit, DepositedTotal
from app.identity.accounts import people
from app.identity.accounts.people import AccountDetails
from app.kit.db import Session
from app.kit.formatting import format_amount, format_date, format_number_of, format_time
from app.kit.money import Amount
from app.ledger import queries as ledger_queries
from app.screening import queries as screening_queries

_DEPOSITS_SHOWN = 3
_CASES_SHOWN = 5


def describe_customer(session: Session, actor: Actor, user_id: UUID) -> Mapping[str, str]:
    """Return texts by label, as far as the actor may read them: the customer's account status,
    tier and limits, hits and open cases, balances, and how their money came in. Parts of a text are
    separated by `; `; one that ends in `: ` and an id is about what the id names.

    Raises `NotFound` for an unknown person.
    """
    tier = customer_limits.tier_limits(session, user_id)
    verdict = screening_queries.verdict_of(session, user_id)
    facts = {
        "Account": _format_status(people.get_account(session, user_id)),
        "Tier": f"{tier.tier}, up to {format_amount(tier.daily_limit)} a day",
        "Left of it today": f"{format_amount(tier.withdrawals_left)} to withdraw,"
        f" {format_amount(tier.deposits_left)} to deposit",
        "Sanctions check": verdict.label if verdict else "Never checked",
    }
    if Permission.CASES_READ in actor.permissions:
        cases = cases_queries.list_open_cases_about(session, actor, user_id, _CASES_SHOWN)
        facts["Open cases"] = (
            "; ".join(f"{case.title}: {case.public_id}" for case in cases) or "None"
        )
    if Permission.PAYMENTS_READ in actor.permissions:
        facts |= _describe_withdrawals(session, user_id)
        facts |= describe_holdings(session, user_id)
        last = deposit_queries.deposits(session, user_id=user_id, limit=_DEPOSITS_SHOWN).data
        facts["Last deposits"] = "; ".join(map(_format_deposit, last)) or "None"
    return facts


def _describe_withdrawals(session: Session, user_id: UUID) -> Mapping[str, str]:
    day, week = limits.withdrawn(session, user_id)
    return {
        "Withdrawn in 24 hours": format_amount(day),
        "Withdrawn in 7 days": format_amount(week),
    }


def describe_holdings(session: Session, user_id: UUID) -> Mapping[str, str]:
    """Return what the customer holds and owes, and how their money came in, in texts like those
    of `describe_customer`."""
    balances = ledger_queries.customer_balances(session, user_id)
    owed = ledger_queries.owed_units(session, user_id)
    withheld = card_money.withheld_money(session, user_id)
    return {
        "Available": "; ".join(
            format_amount(Amount(TRADABLE[each.asset], each.posted - each.held))
            for each in balances
            if each.posted > each.held
        )
        or "Nothing",
        "Owed to PBCEx": "; ".join(
            format_amount(Amount(TRADABLE[code], units)) for code, units in owed.items() if units
        )
        or "Nothing",
        "Card money withheld": f"{format_amount(withheld.amount)}, until"
        f" {format_time(withheld.until)}"
        if withheld.until is not None
        else "None",
        "Origin of the money": "; ".join(
            map(_format_total, deposit_queries.deposited_totals(session, user_id))
        )
        or "No deposits",
    }


def _format_status(account: AccountDetails) -> str:
    if account.suspended_at is None:
        return account.status.label
    since = format_time(account.suspended_at)
    return f"{account.status.label} since {since}: {account.suspended_reason}"


def _format_total(total: DepositedTotal) -> str:
    deposits = format_number_of(total.count, "deposit")
    return f"{total.method.label} {format_amount(total.amount)} ({deposits})"


def _format_deposit(deposit: Deposit) -> str:
    day = format_date(deposit.requested_at)
    return (
        f"{deposit.method.label} {format_amount(deposit.amount)},"
        f" {deposit.shown_status.label.lower()}, {day}: {deposit.public_id}"
    )
