"""Compare what a partner's depots state with what the ledger had there at that time."""

from collections import Counter
from datetime import datetime, timedelta
from uuid import UUID

from app.kit import clock
from app.kit.db import Session
from app.kit.formatting import format_time
from app.kit.ports import resolve
from app.providers.errors import ResponseUnreadable
from app.reconciliation.comparison import Comparison
from app.vault.depots.ports import DepotKeeper, DepotKeepers, DepotLine, DepotStatement
from app.vault.locations import queries as locations_queries
from app.vault.locations.queries import LocationSummary
from app.vault.locations.rules import LocationKind

#: How old a daily statement may be.
STATEMENT_AGE_MAX = timedelta(hours=36)
_CLOCK_SKEW_MAX = timedelta(minutes=5)

# What is on its way is not there.
_UNITS_AT = """
SELECT a.asset, sum(p.units)::bigint
FROM accounts a JOIN postings p ON p.account_id = a.id JOIN entries e ON e.id = p.entry_id
WHERE a.owner_id = %s AND e.posted_at <= %s
    AND a.class IN ('stock.available', 'stock.quarantine', 'stock.allocated', 'stock.picked')
GROUP BY a.asset HAVING sum(p.units) <> 0
"""
_PRODUCTS = "SELECT sku FROM products WHERE sku = ANY (%s)"
# The state that each bar had then, and where.
_SERIALS_AT = """
SELECT b.sku, b.serial
FROM bars b
JOIN LATERAL (
    SELECT s.state, s.location_id FROM bar_states s
    WHERE s.lot_id = b.lot_id AND s.reached_at <= %(at)s ORDER BY s.reached_at DESC LIMIT 1
) last ON true
WHERE last.location_id = %(location)s
    AND last.state IN ('available', 'quarantine', 'allocated', 'picked')
ORDER BY b.sku, b.serial
"""


def compare_depots(comparison: Comparison, keeper: DepotKeeper) -> None:
    """Compare each depot of a keeper, one product after the other."""
    with comparison.database.reading() as session:
        locations = locations_queries.list_locations(session)
    for location in locations:
        if location.kind is LocationKind.DEPOT and _keeps(keeper, location.code):
            with comparison.noting_error():
                _compare_depot(comparison, keeper, location)


def _keeps(keeper: DepotKeeper, code: str) -> bool:
    if keeper.account:
        return keeper.account == code
    return all(other.account != code for other in resolve(DepotKeepers).values())


def _compare_depot(comparison: Comparison, keeper: DepotKeeper, location: LocationSummary) -> None:
    statement = keeper.statement(location.code)
    _check_age(statement, location)
    comparison.set_aside(statement.lines.set_aside, keeper.name, f"inventory of {location.code}")
    times_listed = Counter(line.sku for line in statement.lines)
    there = {line.sku: line for line in statement.lines}
    with comparison.database.reading() as session:
        ours: dict[str, int] = dict(session.rows(_UNITS_AT, (location.id, statement.as_of)))
        known = {sku for (sku,) in session.rows(_PRODUCTS, (list(there),))}
        serials = _serials_at(session, location.id, statement.as_of)
    set_aside = {row.provider_ref for row in statement.lines.set_aside}
    for sku in sorted((there.keys() | ours.keys()) - set_aside):
        with comparison.item():
            title = None
            line = there.get(sku, DepotLine(sku, 0))
            if times_listed[sku] > 1:
                title = "A depot lists a product more than once"
            elif sku in there and sku not in known:
                title = "A depot lists a product that we do not have"
            elif line.units != ours.get(sku, 0):
                title = "The units in a depot differ from our books"
            elif line.serials and line.serials != serials.get(sku, ()):
                title = "The bars in a depot differ from our books"
            if title is not None:
                facts = {
                    "depot": location.code,
                    "product": sku,
                    "there": _describe(line.units, line.serials),
                    "with us": _describe(ours.get(sku, 0), serials.get(sku, ())),
                    "stated": format_time(statement.as_of),
                }
                comparison.report(f"{location.code}:{sku}", title, facts)


def _check_age(statement: DepotStatement, location: LocationSummary) -> None:
    """Raise `ResponseUnreadable` for a statement that is not of today."""
    age = clock.now() - statement.as_of
    if not -_CLOCK_SKEW_MAX <= age <= STATEMENT_AGE_MAX:
        raise ResponseUnreadable(
            f"The statement of {location.code} is of {format_time(statement.as_of)}."
        )


def _serials_at(session: Session, location_id: UUID, at: datetime) -> dict[str, tuple[str, ...]]:
    """Return the serials of the bars at a location by SKU, sorted."""
    serials: dict[str, tuple[str, ...]] = {}
    for sku, serial in session.rows(_SERIALS_AT, {"location": location_id, "at": at}):
        serials[sku] = (*serials.get(sku, ()), serial)
    return {sku: tuple(sorted(numbers)) for sku, numbers in serials.items()}


def _describe(units: int, serials: tuple[str, ...]) -> str:
    return f"{units} ({', '.join(serials)})" if serials else str(units)
