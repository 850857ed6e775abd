"""The tax of an invoice and of a return, to the cent. Everything is pure."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog.rules import Metal
from app.catalog.tax_classes import TaxClass
from app.kit import ids
from app.kit.postal_addresses import PostalAddress, normalize
from app.tax.assessment import (
    Assessment,
    Delivery,
    Exemption,
    TaxableLine,
    TaxDestination,
    assess,
    reassess,
    sum_amounts,
)
from app.tax.errors import TaxUnknown
from app.tax.rules import TaxRule, ThresholdDirection
from app.tax.states import UsState
from tests.tax.invoices import BASE, GOLD_BARS, NOON, line, rule, shipped_to, usd

MASSACHUSETTS = shipped_to(UsState.MA)
ALL = Decimal(100)


def tax_of(*lines: TaxableLine, rules: tuple[TaxRule, ...] = (BASE, GOLD_BARS)) -> Assessment:
    return assess(lines, MASSACHUSETTS, NOON, (), rules)


@pytest.mark.parametrize(
    ("price", "direction", "tax"),
    [
        ("999.99", ThresholdDirection.AT_OR_ABOVE, "62.50"),
        ("1000.00", ThresholdDirection.AT_OR_ABOVE, "0.00"),
        ("1000.01", ThresholdDirection.AT_OR_ABOVE, "0.00"),
        ("999.99", ThresholdDirection.ABOVE, "62.50"),
        ("1000.00", ThresholdDirection.ABOVE, "62.50"),
        ("1000.01", ThresholdDirection.ABOVE, "0.00"),
    ],
)
def test_threshold_exempts_from_its_total_or_above_it(
    price: str, direction: ThresholdDirection, tax: str
) -> None:
    assert tax_of(line(price), rules=(BASE, replace(GOLD_BARS, threshold=direction))).tax == usd(
        tax
    )


def test_lines_with_a_threshold_count_together_and_what_is_never_exempt_does_not() -> None:
    silver = replace(GOLD_BARS, id=ids.new(), metal=Metal.AG)
    rules = (BASE, GOLD_BARS, silver)
    gold, coins = line("600"), line("399.99", metal=Metal.AG, name="silver")
    tube = line("5", TaxClass.ACCESSORY, None, None, name="tube")
    below = tax_of(gold, coins, tube, rules=rules)
    assert (below.counted, below.total) == (usd("999.99"), usd("1004.99"))
    # 37.50, 24.999375 and 0.3125, each rounded, then added.
    assert [each.tax for each in below.lines] == [usd("37.50"), usd("25.00"), usd("0.31")]
    assert below.tax == usd("62.81")
    above = tax_of(gold, replace(coins, price=usd("400")), tube, rules=rules)
    assert [each.tax for each in above.lines] == [usd("0"), usd("0"), usd("0.31")]


def test_each_line_is_rounded_half_up_before_the_sum() -> None:
    five_percent = (rule(rate_percent=Decimal(5)),)
    lines = [line("0.10", name=str(number)) for number in range(3)]
    assessed = tax_of(*lines, rules=five_percent)
    assert [each.tax for each in assessed.lines] == [usd("0.01")] * 3
    assert tax_of(line("0.09"), rules=five_percent).tax == usd("0.00")


def test_most_specific_rule_decides_and_lends_its_rate_where_it_has_one() -> None:
    fine = rule(
        tax_class=TaxClass.BULLION, metal=Metal.AU, fineness_min=Decimal("0.995"),
        rate_percent=Decimal(0),
    )  # fmt: skip
    town = rule(postal_prefix="021", rate_percent=Decimal(9))
    rules = (BASE, GOLD_BARS, fine, town)
    assert tax_of(line("100", fineness="0.995"), rules=rules).tax == usd("0")
    assert tax_of(line("100", fineness="0.99499"), rules=rules).tax == usd("6.25")
    assert tax_of(line("100", fineness=None), rules=rules).tax == usd("6.25")
    [there] = assess(
        [line("100", fineness=None)], shipped_to(UsState.MA, "02139"), NOON, (), rules
    ).lines
    assert (there.tax, there.applied.rule, there.applied.rate_rule) == (usd("9"), GOLD_BARS, town)
    assert "postal codes 021… taxes all goods at 9 %" in there.reason
    assert "exempts bullion bar or round, gold from 1,000.00 USD" in there.reason


def test_version_counts_on_its_days_in_the_state_and_since_it_was_recorded() -> None:
    recorded = datetime(2026, 3, 1, 9, tzinfo=UTC)
    holiday = rule(
        rate_percent=Decimal(0),
        valid_from=date(2026, 8, 1), valid_until=date(2026, 8, 2), recorded_at=recorded,
    )  # fmt: skip
    later = rule(rate_percent=Decimal(7), valid_from=date(2027, 1, 1), recorded_at=recorded)

    def at(*instant: int) -> str:
        moment = datetime(*instant, tzinfo=UTC)
        return str(assess([line("100")], MASSACHUSETTS, moment, (), (BASE, holiday, later)).tax)

    # Midnight in Boston is four o'clock UTC in summer, five in winter.
    assert at(2026, 8, 1, 3, 59, 59) == "6.25"
    assert at(2026, 8, 1, 4) == at(2026, 8, 3, 3, 59, 59) == "0.00"
    assert at(2026, 8, 3, 4) == at(2027, 1, 1, 4, 59, 59) == "6.25"
    assert at(2027, 1, 1, 5) == "7.00"
    correction = rule(rate_percent=Decimal(1), recorded_at=recorded)
    for moment, tax in ((recorded - timedelta(microseconds=1), "6.25"), (recorded, "1.00")):
        assert tax_of(line("100"), rules=(BASE,)).tax == usd("6.25")
        found = assess([line("100")], MASSACHUSETTS, moment, (), (BASE, correction))
        assert found.tax == usd(tax)


def test_of_two_versions_the_one_that_began_last_counts_then_the_one_recorded_last() -> None:
    june = {"valid_from": date(2026, 6, 1), "recorded_at": datetime(2026, 3, 1, tzinfo=UTC)}
    holiday = rule(rate_percent=Decimal(0), valid_until=date(2026, 6, 1), **june)
    lasting = rule(rate_percent=Decimal(8), recorded_at=datetime(2026, 4, 1, tzinfo=UTC))
    assert tax_of(line("100"), rules=(BASE, holiday, lasting)).tax == usd("0")
    next_day = assess(
        [line("100")], MASSACHUSETTS, NOON + timedelta(days=1), (), (holiday, lasting)
    )
    assert next_day.tax == usd("8")
    first = rule(id=UUID(int=9), rate_percent=Decimal(1), **june)
    second = replace(first, id=UUID(int=2), rate_percent=Decimal(2), recorded_at=NOON)
    assert tax_of(line("100"), rules=(second, first)).tax == usd("2")


def test_destination_decides_whose_tax_it_is() -> None:
    delaware = rule(state=UsState.DE, rate_percent=Decimal(0))
    vault = TaxDestination(Delivery.VAULT, "US", UsState.DE)
    [stored] = assess([line("100")], vault, NOON, (), (BASE, delaware)).lines
    assert (stored.tax, stored.reason) == (usd("0"), "Delaware has no sales tax.")
    [abroad] = assess([line("100")], TaxDestination(Delivery.SHIP, "KE"), NOON, (), ()).lines
    assert (abroad.tax, abroad.reason) == (usd("0"), "Delivered outside the USA: no sales tax.")
    for unknown in (TaxDestination(Delivery.SHIP, "PR"), shipped_to(UsState.TX)):
        with pytest.raises(TaxUnknown):
            assess([line("100")], unknown, NOON, (), (BASE, delaware))


def test_address_says_whose_tax_it_is() -> None:
    typed = PostalAddress("US", "1 Beacon Street", city="Boston", state="ma", zip_code="02108")
    boston = TaxDestination.at_address(Delivery.SHIP, normalize(typed))
    assert boston == shipped_to(UsState.MA, "02108")
    abroad = PostalAddress("KE", "Moi Avenue", city="Nairobi", zip_code="00100")
    assert TaxDestination.at_address(Delivery.SHIP, abroad).state is None
    forces = PostalAddress("US", "PSC 1", city="APO", state="AE", zip_code="09004")
    with pytest.raises(TaxUnknown):
        TaxDestination.at_address(Delivery.SHIP, normalize(forces))


def test_certificate_exempts_in_its_state_only() -> None:
    mine, other = Exemption(ids.new(), UsState.MA), Exemption(ids.new(), UsState.TX)
    [exempt] = assess([line("100")], MASSACHUSETTS, NOON, (other, mine), (BASE,)).lines
    assert exempt.tax == usd("0")
    assert ids.encode("txc", mine.certificate_id) in exempt.reason
    assert assess([line("100")], MASSACHUSETTS, NOON, (other,), (BASE,)).tax == usd("6.25")


# Returns


BAR, SMALL_BAR = line("900.00"), line("150.00", name="small bar")


def test_return_that_crosses_a_threshold_makes_the_customer_owe_tax_out_of_the_refund() -> None:
    whole = tax_of(BAR, SMALL_BAR)
    assert whole.tax == usd("0")
    returned = reassess(whole, [BAR], refund_percent_max=ALL)
    assert returned.tax_difference == returned.owed == usd("56.25")
    assert (returned.price_returned, returned.refund) == (usd("150"), usd("93.75"))
    assert returned.borne == usd("0")


def test_return_above_the_threshold_and_one_below_it_change_only_their_own_tax() -> None:
    dear = line("1000.00")
    still_exempt = reassess(tax_of(dear, SMALL_BAR), [dear], refund_percent_max=ALL)
    assert (still_exempt.tax_difference, still_exempt.refund) == (usd("0"), usd("150"))
    taxed = tax_of(line("800.00"), SMALL_BAR)
    less = reassess(taxed, [line("800.00")], refund_percent_max=ALL)
    assert (less.tax_difference, less.refund) == (usd("-9.38"), usd("159.38"))
    nothing_left = reassess(taxed, [], refund_percent_max=ALL)
    assert nothing_left.refund == taxed.total + taxed.tax


@pytest.mark.parametrize(
    ("price", "percent", "owed", "borne", "refund"),
    [
        ("1000.99", "100", "1.00", "61.50", "0.00"),
        ("1000.99", "50", "0.50", "62.00", "0.50"),
        ("1000.99", "0", "0.00", "62.50", "1.00"),
        # Half of a cent that is given back is nothing.
        ("1000.00", "50", "0.00", "62.50", "0.01"),
    ],
)
def test_tax_takes_no_more_of_a_refund_than_the_cap_and_pbcex_bears_the_rest(
    price: str, percent: str, owed: str, borne: str, refund: str
) -> None:
    whole = tax_of(line(price))
    returned = reassess(whole, [line("999.99")], refund_percent_max=Decimal(percent))
    assert returned.tax_difference == usd("62.50")
    assert [returned.owed, returned.borne, returned.refund] == [usd(owed), usd(borne), usd(refund)]


def test_lines_that_were_not_sold_like_this_are_no_return() -> None:
    whole = tax_of(BAR)
    for line_kept in (line("900.01"), line("900.00", metal=Metal.AG)):
        with pytest.raises(ValueError, match="was not sold like this"):
            reassess(whole, [line_kept], refund_percent_max=ALL)


_PRICES = st.lists(st.integers(1, 200_000), min_size=1, max_size=5)


@given(_PRICES, st.data())
def test_refund_and_what_is_kept_add_up_to_what_was_paid(
    prices: list[int], data: st.DataObject
) -> None:
    """Paid = refund + price kept + its tax - what PBCEx bears, whatever is returned."""
    lines = [
        line(f"{cents // 100}.{cents % 100:02}", name=str(number))
        for number, cents in enumerate(prices)
    ]
    kept = data.draw(st.lists(st.sampled_from(lines), unique=True))
    whole = tax_of(*lines)
    returned = reassess(whole, kept, refund_percent_max=Decimal(data.draw(st.integers(0, 100))))
    remaining = returned.remaining
    assert (
        whole.total + whole.tax
        == returned.refund + remaining.total + remaining.tax - returned.borne
    )
    assert usd("0") <= returned.refund
    assert remaining.tax == sum_amounts(each.tax for each in remaining.lines)
