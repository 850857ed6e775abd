"""How shipments and redemptions went in a period: volume, times, cost, errors and damage.

A shipment counts in the period in which it was requested, and under the strategy that sent it.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from app.catalog.rules import TRADABLE, USD
from app.flags.rules import FulfilmentStrategy
from app.kit.db import Session
from app.kit.money import Amount

MEDIA_TYPE = "text/csv; charset=utf-8; header=present"

_STRATEGIES = """
WITH sent AS (
    SELECT s.id, s.strategy, s.requested_at,
        (SELECT sum(value_units) FROM shipment_lines l WHERE l.shipment_id = s.id) AS value_units,
        min(e.at) FILTER (WHERE e.to_status = 'shipped') AS shipped_at,
        min(e.at) FILTER (WHERE e.to_status = 'delivered') AS delivered_at,
        bool_or(e.to_status = 'returned') AS is_returned,
        bool_or(e.to_status = 'lost') AS is_lost,
        EXISTS (SELECT FROM partner_orders o
            WHERE o.shipment_id = s.id AND o.status = 'rejected') AS is_rejected
    FROM shipments s JOIN shipment_events e ON e.shipment_id = s.id
    WHERE s.requested_at >= %(start)s AND s.requested_at < %(end)s AND s.strategy IS NOT NULL
    GROUP BY s.id
), parcel AS (
    SELECT sent.strategy,
        (SELECT sum(cost_usd) FROM parcel_labels b
            WHERE b.parcel_id = p.id AND b.status = 'bought') AS cost_units,
        EXISTS (SELECT FROM parcel_labels b
            WHERE b.parcel_id = p.id AND b.status = 'refused') AS is_refused,
        EXISTS (SELECT FROM tracked_parcels t WHERE t.parcel_id = p.id AND t.status = 'delivered'
            AND t.status_at::date > t.expected_on) AS is_late,
        EXISTS (SELECT FROM tracked_parcels t JOIN tracking_events v ON v.tracked_id = t.id
            WHERE t.parcel_id = p.id AND v.status = 'damaged') AS is_damaged,
        EXISTS (SELECT FROM tracked_parcels t JOIN tracking_events v ON v.tracked_id = t.id
            WHERE t.parcel_id = p.id AND v.status IN ('held', 'address_correction')) AS is_held
    FROM sent JOIN shipment_parcels p ON p.shipment_id = sent.id
), parcels AS (
    SELECT strategy, count(*) AS parcels, coalesce(sum(cost_units), 0)::bigint AS cost_units,
        count(*) FILTER (WHERE is_late) AS late, count(*) FILTER (WHERE is_damaged) AS damaged,
        count(*) FILTER (WHERE is_held) AS held, count(*) FILTER (WHERE is_refused) AS refused
    FROM parcel GROUP BY strategy
), claims AS (
    SELECT sent.strategy, coalesce(sum(c.claimed_units), 0)::bigint AS claimed_units,
        coalesce(sum(c.paid_units), 0)::bigint AS paid_units
    FROM sent JOIN carrier_claims c ON c.shipment_id = sent.id GROUP BY sent.strategy
)
SELECT sent.strategy, count(*), coalesce(sum(sent.value_units), 0)::bigint,
    count(sent.delivered_at), avg(sent.shipped_at - sent.requested_at),
    avg(sent.delivered_at - sent.shipped_at),
    count(*) FILTER (WHERE sent.is_returned), count(*) FILTER (WHERE sent.is_lost),
    count(*) FILTER (WHERE sent.is_rejected),
    coalesce(max(p.parcels), 0), coalesce(max(p.cost_units), 0), coalesce(max(p.late), 0),
    coalesce(max(p.damaged), 0), coalesce(max(p.held), 0), coalesce(max(p.refused), 0),
    coalesce(max(c.claimed_units), 0), coalesce(max(c.paid_units), 0)
FROM sent LEFT JOIN parcels p USING (strategy) LEFT JOIN claims c USING (strategy)
GROUP BY sent.strategy ORDER BY sent.strategy
"""
_REDEMPTIONS = """
SELECT q.asset, count(*), sum(q.amount_units)::bigint, sum(q.goods_value_units)::bigint,
    sum(q.fee_units)::bigint, count(r.delivered_at),
    count(*) FILTER (WHERE r.status IN ('rejected', 'cancelled', 'expired')),
    avg(r.approved_at - r.submitted_at), avg(r.delivered_at - r.approved_at)
FROM redemptions r JOIN redemption_quotes q ON q.id = r.quote_id
WHERE r.submitted_at >= %(start)s AND r.submitted_at < %(end)s
GROUP BY q.asset ORDER BY q.asset
"""


@dataclass(frozen=True, slots=True)
class StrategyPerformance:
    """The shipments of a strategy. Averages are None without a case; `refused` are labels that the
    carrier did not sell, `rejected` shipments that the partner did not send."""

    strategy: FulfilmentStrategy
    shipments: int
    value_units: int
    delivered: int
    time_to_ship: timedelta | None
    time_on_the_way: timedelta | None
    returned: int
    lost: int
    rejected: int
    parcels: int
    cost_units: int
    late: int
    damaged: int
    held: int
    refused: int
    claimed_units: int
    paid_units: int

    @property
    def value(self) -> Amount:
        """What their goods are worth."""
        return Amount(USD, self.value_units)

    @property
    def cost(self) -> Amount:
        """What carriers charge for their labels; what partners charge is not known here."""
        return Amount(USD, self.cost_units)

    @property
    def claimed(self) -> Amount:
        """What was claimed from carriers."""
        return Amount(USD, self.claimed_units)

    @property
    def paid(self) -> Amount:
        """What they paid of it."""
        return Amount(USD, self.paid_units)


@dataclass(frozen=True, slots=True)
class RedeemedMetal:
    """The redemptions of a metal that were submitted in a period; `ended` without a delivery."""

    asset: str
    redemptions: int
    amount_units: int
    value_units: int
    fee_units: int
    delivered: int
    ended: int
    time_to_approve: timedelta | None
    time_to_deliver: timedelta | None

    @property
    def amount(self) -> Amount:
        """The metal of all of them."""
        return Amount(TRADABLE[self.asset], self.amount_units)

    @property
    def value(self) -> Amount:
        """What their pieces were worth when they were quoted."""
        return Amount(USD, self.value_units)

    @property
    def fees(self) -> Amount:
        """The fees of all of them, as quoted."""
        return Amount(USD, self.fee_units)


@dataclass(frozen=True, slots=True)
class FulfilmentReport:
    """How shipments and redemptions of a period went."""

    strategies: Sequence[StrategyPerformance]
    redemptions: Sequence[RedeemedMetal]


def read_report(session: Session, start: datetime, end: datetime) -> FulfilmentReport:
    """Return the report of a period, whose end does not belong to it."""
    period = {"start": start, "end": end}
    return FulfilmentReport(
        [
            StrategyPerformance(FulfilmentStrategy(strategy), *figures)
            for strategy, *figures in session.rows(_STRATEGIES, period)
        ],
        [RedeemedMetal(*row) for row in session.rows(_REDEMPTIONS, period)],
    )


def render_csv(report: FulfilmentReport) -> bytes:
    """Return a line for each figure: what it is of, its name, the figure."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(("of", "figure", "value"))
    writer.writerows(_list_figures(report))
    return text.getvalue().encode()


def _list_figures(report: FulfilmentReport) -> Iterator[tuple[str, str, str]]:
    for one in report.strategies:
        for name, value in (
            ("shipments", one.shipments), ("parcels", one.parcels), ("value_usd", one.value),
            ("delivered", one.delivered), ("hours_to_ship", hours(one.time_to_ship)),
            ("hours_on_the_way", hours(one.time_on_the_way)), ("label_cost_usd", one.cost),
            ("late_parcels", one.late), ("held_parcels", one.held),
            ("damaged_parcels", one.damaged),
            ("returned", one.returned), ("lost", one.lost), ("refused_labels", one.refused),
            ("rejected_by_partner", one.rejected), ("claimed_usd", one.claimed),
            ("claims_paid_usd", one.paid),
        ):  # fmt: skip
            yield one.strategy.value, name, str(value)
    for metal in report.redemptions:
        for name, value in (
            ("redemptions", metal.redemptions), ("ounces", metal.amount),
            ("value_usd", metal.value), ("fees_usd", metal.fees), ("delivered", metal.delivered),
            ("ended", metal.ended), ("hours_to_approve", hours(metal.time_to_approve)),
            ("hours_to_deliver", hours(metal.time_to_deliver)),
        ):  # fmt: skip
            yield metal.asset, name, str(value)


def hours(time: timedelta | None) -> str:
    """Return a time in hours with one decimal; empty without one."""
    if time is None:
        return ""
    tenths = (time + timedelta(minutes=3)) // timedelta(minutes=6)
    return str(Decimal(tenths) / 10)
