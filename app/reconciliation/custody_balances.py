"""Compare what a custodian says it keeps for us with what our books say it keeps."""

from collections.abc import Iterable
from dataclasses import dataclass

from app.custody import dust, incoming_tokens
from app.custody.ports import Custodian
from app.funding.custody_rail import CustodyRail
from app.funding.states import WITHDRAWALS_IN_PROGRESS
from app.kit import ids
from app.kit.db import SNAPSHOT, Database, Session
from app.kit.errors import NotFinished
from app.kit.money import Amount, Asset
from app.ledger import chart
from app.ledger import queries as ledger_queries
from app.providers.ports import Listing
from app.reconciliation.comparison import Comparison

# What a custodian has done and our books lack, or the reverse: a send that is not settled, and an
# arrival that was not credited. An arrival without a customer stays a difference until booked.
_IS_IN_FLIGHT = """
SELECT EXISTS (
    SELECT FROM custody_sends
    WHERE custodian = %(custodian)s AND asset = %(asset)s AND settled_at IS NULL
) OR EXISTS (
    SELECT FROM withdrawals
    WHERE provider = %(rail)s AND asset = %(asset)s AND status = ANY (%(moving)s)
) OR EXISTS (
    SELECT FROM custody_arrivals a
    WHERE a.custodian = %(custodian)s AND a.asset = %(asset)s AND a.address_id IS NOT NULL
        AND NOT a.is_dust
    AND NOT EXISTS (
        SELECT FROM deposits d WHERE d.provider = %(rail)s AND d.credited_at IS NOT NULL
        AND d.provider_ref = a.custodian || ':' || a.provider_ref
    )
)
"""


class TransfersInFlight(NotFinished):
    """Transfers in or out are not settled, so the balances cannot be compared yet. The message
    names the assets."""


@dataclass(frozen=True, slots=True)
class ComparedBalance:
    """A custodian's balance of an asset, at the custodian and in our books. The two may differ
    without an error while `is_in_flight`."""

    at_custodian: Amount
    in_books: Amount
    is_in_flight: bool

    @property
    def asset(self) -> Asset:
        return self.in_books.asset

    @property
    def agrees(self) -> bool:
        """Whether both amounts are the same."""
        return self.at_custodian == self.in_books


def compare_balances(database: Database, custodian: Custodian) -> Listing[ComparedBalance]:
    """Return a comparison for each asset that the custodian keeps, by its word or by our books,
    but for those whose balance cannot be read.

    Raises what the custodian's `balances` raises.
    """
    first = _compare_once(database, custodian)
    if all(balance.agrees for balance in first):
        return first
    # A transfer may have been booked after the custodian replied and before our books were read.
    return _compare_once(database, custodian)


def _compare_once(database: Database, custodian: Custodian) -> Listing[ComparedBalance]:
    listed = custodian.balances()
    reported = {holding.total.asset: holding.total for holding in listed}
    unreadable = {row.provider_ref for row in listed.set_aside}
    assets = {terms.asset for terms in custodian.terms if terms.asset.code not in unreadable}
    with database.transaction(SNAPSHOT) as session:
        compared = list(_compared_balances(session, custodian, reported, assets | reported.keys()))
    return Listing(compared, listed.set_aside)


def _compared_balances(
    session: Session, custodian: Custodian, reported: dict[Asset, Amount], assets: Iterable[Asset]
) -> Iterable[ComparedBalance]:
    for asset in sorted(assets, key=lambda asset: asset.code):
        units = ledger_queries.account_balance(session, chart.custody(asset, custodian.provider_id))
        values = {
            "custodian": custodian.name,
            "asset": asset.code,
            "rail": CustodyRail.name,
            "moving": list(WITHDRAWALS_IN_PROGRESS),
        }
        is_in_flight = bool(session.value(_IS_IN_FLIGHT, values))
        yield ComparedBalance(
            reported.get(asset, Amount(asset, 0)), Amount(asset, units), is_in_flight
        )


def compare_custody_balances(comparison: Comparison, custodian: Custodian) -> None:
    """Compare what a custodian keeps in total, once no transfer is in flight."""
    in_flight = []
    listed = compare_balances(comparison.database, custodian)
    if _collect_dust(comparison, custodian, listed):
        listed = compare_balances(comparison.database, custodian)
    comparison.set_aside(listed.set_aside, custodian.name, "balances")
    for balance in listed:
        code = balance.asset.code
        if balance.agrees or not balance.is_in_flight:
            comparison.compared += 1
        else:
            in_flight.append(code)
        if not balance.agrees and not balance.is_in_flight:
            comparison.report(
                f"{custodian.name} {code}",
                "A custodian's balance differs from our books",
                {"there": str(balance.at_custodian), "with us": str(balance.in_books)},
            )
    if in_flight:
        raise TransfersInFlight(", ".join(in_flight))


def _collect_dust(
    comparison: Comparison, custodian: Custodian, listed: Iterable[ComparedBalance]
) -> bool:
    """Collect what a custodian keeps beyond our books, if it is dust; return whether there was any.

    A network counts in smaller units than we do: what arrives below our smallest unit adds up.
    """
    if not any(_is_dust(comparison.database, balance) for balance in listed):
        return False
    # Dust that has just arrived is recorded under its own name first.
    incoming_tokens.fetch_incoming(comparison.database, custodian)
    for balance in compare_balances(comparison.database, custodian):
        if _is_dust(comparison.database, balance):
            with comparison.database.transaction() as session:
                excess = balance.at_custodian - balance.in_books
                dust.collect(session, custodian, str(ids.new()), excess)
            comparison.healed += 1
    return True


def _is_dust(database: Database, balance: ComparedBalance) -> bool:
    if balance.is_in_flight or balance.at_custodian <= balance.in_books:
        return False
    with database.reading() as session:
        return dust.is_dust(session, balance.at_custodian - balance.in_books)
