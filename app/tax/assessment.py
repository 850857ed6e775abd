"""What tax an invoice owes, and what a return changes of it. Pure.

The total that is tested against a threshold is that of the lines whose own rule has one: what a
state never exempts, such as accessories or copper, does not make an invoice large. Prices are those
after discounts, without shipping and tax.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Self
from uuid import UUID

from app.catalog.rules import USD, Metal
from app.catalog.tax_classes import TaxClass
from app.kit import ids
from app.kit.formatting import format_amount
from app.kit.labels import LabelledEnum
from app.kit.money import Amount, Rounding, round_units
from app.kit.postal_addresses import PostalAddress
from app.tax.errors import TaxUnknown
from app.tax.rules import TaxRule, ThresholdDirection, format_percent
from app.tax.states import UsState

CERTIFICATE_PREFIX = "txc"
_NOTHING = Amount(USD, 0)
_USA = "US"
#: Countries of their own in addresses, with sales taxes that the table does not have.
_TERRITORIES = frozenset({"AS", "GU", "MP", "PR", "UM", "VI"})


class Delivery(LabelledEnum):
    """Where the customer receives the goods, which decides whose tax it is."""

    SHIP = "ship", "Shipped"
    """To the address of the recipient."""
    PICKUP = "pickup", "Collected"
    """At a branch: its state."""
    VAULT = "vault", "Stored"
    """In a vault: the state where it is. A later withdrawal may be taxed again, and is not
    assessed here."""


@dataclass(frozen=True, slots=True)
class TaxDestination:
    """The place of delivery: of the recipient, the branch or the vault."""

    delivery: Delivery
    country: str
    #: Of an address in the USA.
    state: UsState | None = None
    postal_code: str = ""

    @classmethod
    def at_address(cls, delivery: Delivery, address: PostalAddress) -> Self:
        """Return the place of a normalized address: of the recipient, the branch or the vault.

        Raises `TaxUnknown` for one in the USA that is in no state, such as those of the forces.
        """
        if address.country != _USA:
            return cls(delivery, address.country)
        state = UsState.with_value(address.state_code or "")
        if state is None:
            raise TaxUnknown
        return cls(delivery, _USA, state, address.zip_code or "")


@dataclass(frozen=True, slots=True)
class TaxableLine:
    """A line of an invoice. `id` is unique in it; `price` is that of all its units, after
    discounts."""

    id: str
    price: Amount
    tax_class: TaxClass
    metal: Metal | None = None
    fineness: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Exemption:
    """A verified certificate that was valid at the instant of the sale."""

    certificate_id: UUID
    state: UsState


@dataclass(frozen=True, slots=True)
class AppliedRules:
    """The rule that decided about a line, and the one whose rate it has. `certificate_id` goes
    before both. None of them outside the USA."""

    rule: TaxRule | None = None
    rate_rule: TaxRule | None = None
    certificate_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class AssessedLine:
    """A line with its tax, rounded half up to the cent, and why."""

    line: TaxableLine
    applied: AppliedRules
    rate_percent: Decimal
    tax: Amount
    reason: str


@dataclass(frozen=True, slots=True)
class Assessment:
    """The tax of an invoice. `counted` is the total that was tested against thresholds."""

    destination: TaxDestination
    at: datetime
    lines: tuple[AssessedLine, ...]
    counted: Amount

    @property
    def total(self) -> Amount:
        """The prices, without tax."""
        return sum_amounts(each.line.price for each in self.lines)

    @property
    def tax(self) -> Amount:
        """The sum of the rounded taxes of the lines."""
        return sum_amounts(each.tax for each in self.lines)


@dataclass(frozen=True, slots=True)
class Reassessment:
    """What a return changes.

    `tax_difference` is the tax of what the customer keeps, less that of the whole invoice: below
    zero it is given back, above zero a threshold was crossed and the customer owes it, out of the
    price given back and up to the cap. `borne` is the rest, which PBCEx pays.
    """

    remaining: Assessment
    price_returned: Amount
    tax_difference: Amount
    owed: Amount
    borne: Amount

    @property
    def refund(self) -> Amount:
        """What the customer receives: never less than nothing."""
        given_back = self.tax_difference if self.tax_difference < _NOTHING else self.owed
        return self.price_returned - given_back


def sum_amounts(amounts: Iterable[Amount]) -> Amount:
    """Return the sum in US dollars."""
    return sum(amounts, start=_NOTHING)


def assess(
    lines: Sequence[TaxableLine],
    destination: TaxDestination,
    at: datetime,
    exemptions: Iterable[Exemption],
    rules: Iterable[TaxRule],
) -> Assessment:
    """Return the tax of an invoice at an instant, by the versions of the rules that counted then.

    Raises `TaxUnknown` if no rule covers a line, and for a territory of the USA.
    """
    applied = _find_applied(lines, destination, at, exemptions, rules)
    return _assess(list(zip(lines, applied, strict=True)), destination, at)


def reassess(
    original: Assessment, remaining: Sequence[TaxableLine], *, refund_percent_max: Decimal
) -> Reassessment:
    """Return what changes if only these lines remain of an invoice, by the rules of its sale.

    A line remains whole or at a lower price, with the id that it had. Of the price given back, tax
    that is due after all takes `refund_percent_max` percent at most.
    """
    by_id = {each.line.id: each for each in original.lines}
    for line in remaining:
        sold = by_id[line.id].line
        if replace(line, price=sold.price) != sold or sold.price < line.price:
            raise ValueError(f"line {line.id} was not sold like this")
    kept = [(line, by_id[line.id].applied) for line in remaining]
    result = _assess(kept, original.destination, original.at)
    price_returned = original.total - result.total
    difference = result.tax - original.tax
    cap = _take_percent(price_returned, refund_percent_max, Rounding.DOWN)
    due = max(difference, _NOTHING)
    owed = min(due, cap)
    return Reassessment(result, price_returned, difference, owed, due - owed)


def in_effect(rules: Iterable[TaxRule], at: datetime) -> list[TaxRule]:
    """Return for each key the version that counted at an instant, the most specific first.

    Of several it is the one that began last, and of those the one that was recorded last: so a
    version with a last day goes before a lasting one, which counts again afterwards.
    """
    latest = sorted(
        (rule for rule in rules if rule.counts_at(at)),
        key=lambda rule: (rule.valid_from, rule.recorded_at, rule.id),
    )
    by_key = {rule.key: rule for rule in latest}
    return sorted(by_key.values(), key=lambda rule: rule.key.specificity, reverse=True)


def _find_applied(
    lines: Sequence[TaxableLine],
    destination: TaxDestination,
    at: datetime,
    exemptions: Iterable[Exemption],
    rules: Iterable[TaxRule],
) -> list[AppliedRules]:
    state = destination.state
    if destination.country != _USA:
        if destination.country in _TERRITORIES:
            raise TaxUnknown
        return [AppliedRules() for _ in lines]
    if state is None:
        raise ValueError("an address in the USA has a state")
    of_state = in_effect((rule for rule in rules if rule.state is state), at)
    certificate_id = next((each.certificate_id for each in exemptions if each.state is state), None)
    return [_apply(line, of_state, destination.postal_code, certificate_id) for line in lines]


def _apply(
    line: TaxableLine, rules: list[TaxRule], postal_code: str, certificate_id: UUID | None
) -> AppliedRules:
    covering = [
        rule
        for rule in rules
        if rule.key.covers(line.tax_class, line.metal, line.fineness, postal_code)
    ]
    rate_rule = next((rule for rule in covering if rule.rate_percent is not None), None)
    if rate_rule is None:
        raise TaxUnknown
    return AppliedRules(next(iter(covering)), rate_rule, certificate_id)


def _assess(
    lines: Sequence[tuple[TaxableLine, AppliedRules]], destination: TaxDestination, at: datetime
) -> Assessment:
    counted = sum_amounts(
        line.price
        for line, applied in lines
        if applied.rule is not None and applied.rule.exempt_from is not None
    )
    assessed = (_assess_line(line, applied, counted) for line, applied in lines)
    return Assessment(destination, at, tuple(assessed), counted)


def _assess_line(line: TaxableLine, applied: AppliedRules, counted: Amount) -> AssessedLine:
    rule, rate_rule = applied.rule, applied.rate_rule
    if rule is None or rate_rule is None:
        return _exempt(line, applied, "Delivered outside the USA: no sales tax.")
    place = rule.key.place
    if applied.certificate_id is not None:
        certificate = ids.encode(CERTIFICATE_PREFIX, applied.certificate_id)
        return _exempt(line, applied, f"Exempt in {place} by certificate {certificate}.")
    threshold = rule.exempt_from
    counts = f"{format_amount(counted)} of this invoice count"
    if threshold is not None and rule.exempts(counted):
        return _exempt(
            line, applied, f"{place} exempts {rule.key.goods} {_reach(rule, threshold)}; {counts}."
        )
    percent = rate_rule.rate_percent or Decimal(0)
    if not percent:
        is_general = rule.key.tax_class is None
        what = "has no sales tax" if is_general else f"does not tax {rule.key.goods}"
        return _exempt(line, applied, f"{place} {what}.")
    reason = f"{rate_rule.key.place} taxes {rate_rule.key.goods} at {format_percent(percent)}."
    if threshold is not None:
        reason += f" {place} exempts {rule.key.goods} {_reach(rule, threshold)}; {counts}."
    tax = _take_percent(line.price, percent, Rounding.HALF_UP)
    return AssessedLine(line, applied, percent, tax, reason)


def _exempt(line: TaxableLine, applied: AppliedRules, reason: str) -> AssessedLine:
    return AssessedLine(line, applied, Decimal(0), _NOTHING, reason)


def _reach(rule: TaxRule, threshold: Amount) -> str:
    is_inclusive = rule.threshold is ThresholdDirection.AT_OR_ABOVE
    return f"{'from' if is_inclusive else 'above'} {format_amount(threshold)}"


def _take_percent(amount: Amount, percent: Decimal, rounding: Rounding) -> Amount:
    return Amount(USD, round_units(Fraction(amount.units) * Fraction(percent) / 100, rounding))
