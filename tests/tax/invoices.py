"""Lines, places and rules for tests of sales tax."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

from app.catalog.rules import USD, Metal
from app.catalog.tax_classes import TaxClass
from app.kit import ids
from app.kit.money import Amount
from app.tax.assessment import Delivery, TaxableLine, TaxDestination
from app.tax.rules import TaxRule, ThresholdDirection
from app.tax.states import UsState

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
RECORDED = datetime(2025, 1, 1, tzinfo=UTC)


def usd(text: str) -> Amount:
    """Return an amount in US dollars, which may be zero or negative."""
    units = Decimal(text) * 100
    return Amount(USD, int(units))


def line(
    price: str,
    tax_class: TaxClass = TaxClass.BULLION,
    metal: Metal | None = Metal.AU,
    fineness: str | None = "0.9999",
    name: str = "bar",
) -> TaxableLine:
    """Return a line: a gold bar, unless said otherwise."""
    return TaxableLine(name, usd(price), tax_class, metal, fineness and Decimal(fineness))


def shipped_to(state: UsState, postal_code: str = "") -> TaxDestination:
    """Return an address in a state."""
    return TaxDestination(Delivery.SHIP, "US", state, postal_code)


#: All goods of Massachusetts.
BASE = TaxRule(
    id=UUID(int=1),
    state=UsState.MA,
    tax_class=None,
    metal=None,
    fineness_min=None,
    postal_prefix="",
    rate_percent=Decimal("6.25"),
    exempt_from_units=None,
    threshold=None,
    valid_from=date(2025, 1, 1),
    valid_until=None,
    source="a law of tests",
    source_url="",
    source_date=date(2025, 1, 1),
    is_verified=True,
    maker_id=None,
    approval_id=None,
    recorded_at=RECORDED,
)


def rule(**changes: object) -> TaxRule:
    """Return a rule that differs from `BASE`."""
    return replace(BASE, **{"id": ids.new(), **changes})


#: Gold bars, exempt from 1,000.00 USD.
GOLD_BARS = rule(
    tax_class=TaxClass.BULLION,
    metal=Metal.AU,
    rate_percent=None,
    exempt_from_units=1_000_00,
    threshold=ThresholdDirection.AT_OR_ABOVE,
)
