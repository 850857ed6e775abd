"""Merging sources into one price, and when the price may be used."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog.rules import Metal
from app.pricing import rules as pricing_rules
from app.pricing.errors import MarketHalted, PriceStale
from app.pricing.ports import FeedFailed, Observation
from app.pricing.rules import (
    HaltReason,
    MarketHours,
    MarketPrice,
    MarketState,
    MergedPrice,
    PriceSettings,
    PricingRules,
    SourcesDisagree,
    UnconfirmedJump,
)

NOW = datetime(2026, 2, 10, 15, tzinfo=UTC)  # a Tuesday, in session
RULES = PricingRules()
SECOND = timedelta(seconds=1)


def observation(mid: str | Decimal, *, age: timedelta = timedelta(0)) -> Observation:
    return Observation(Metal.AU, None, None, Decimal(mid), NOW - age)


def price(**changes: object) -> MarketPrice:
    base = MarketPrice(
        metal=Metal.AU,
        bid=Decimal(3992),
        ask=Decimal(4008),
        mid=Decimal(4000),
        as_of=NOW,
        fresh_until=NOW + 60 * SECOND,
        source="simulated",
        halted=False,
        halted_reason=None,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def merge(
    observations: Mapping[str, Observation], **unchanged_since: datetime
) -> MergedPrice | None:
    """Merge as of now; a source has reported its price just once unless it is named."""
    since = {name: each.observed_at for name, each in observations.items()} | unchanged_since
    return pricing_rules.merge(observations, NOW, RULES, since)


def merged_price(mid: Decimal, as_of: datetime, source: str = "a") -> MergedPrice:
    return MergedPrice(mid, as_of, source, as_of + 60 * SECOND)


class TestObservation:
    @pytest.mark.parametrize(
        ("bid", "ask", "mid"),
        [
            (None, None, "0"),
            (None, None, "-1"),
            (None, None, "0.00009"),
            (None, None, "1000000001"),
            (None, None, "NaN"),
            (None, None, "sNaN"),
            (None, None, "Infinity"),
            ("NaN", None, "1"),
            ("2", None, "1"),
            (None, "1", "2"),
            ("3", "1", "2"),
        ],
    )
    def test_impossible_price_is_refused(self, bid: str | None, ask: str | None, mid: str) -> None:
        with pytest.raises(FeedFailed, match="AU"):
            Observation(
                Metal.AU,
                None if bid is None else Decimal(bid),
                None if ask is None else Decimal(ask),
                Decimal(mid),
                NOW,
            )

    def test_time_without_a_zone_is_refused(self) -> None:
        with pytest.raises(FeedFailed, match="zone"):
            Observation(Metal.AU, None, None, Decimal(1), NOW.replace(tzinfo=None))


class TestMerge:
    @pytest.mark.parametrize(
        ("mids", "mid", "source"),
        [
            ({"a": "4000"}, "4000", "a"),
            # Two: their mean, while they differ by no more than 50 bps of it.
            ({"a": "3990", "b": "4010"}, "4000", "median(a,b)"),
            # Three: 50 bps of the median is 20 dollars either way.
            ({"a": "3980", "b": "4000", "c": "4020"}, "4000", "median(a,b,c)"),
            ({"a": "3979.99", "b": "4000", "c": "4020"}, "4010", "median(b,c)"),
            ({"a": "4000", "b": "0.00025E3", "c": "4001"}, "4000.5", "median(a,c)"),
            # Four: the median is between the middle two.
            ({"a": "4000", "b": "4001", "c": "4002", "d": "9000"}, "4001", "median(a,b,c)"),
            # Six decimals, to the nearest, halves to even.
            ({"a": "1.0000005"}, "1.000000", "a"),
            ({"a": "1.0000015"}, "1.000002", "a"),
        ],
    )
    def test_merged_price_is_the_median_without_outliers(
        self, mids: dict[str, str], mid: str, source: str
    ) -> None:
        merged = merge({name: observation(text) for name, text in mids.items()})
        assert merged == merged_price(Decimal(mid), NOW, source)

    @pytest.mark.parametrize(
        "mids",
        [
            {"a": "3989.99", "b": "4010"},
            {"a": "4000", "b": "4100", "c": "4200"},  # no source confirms the one in the middle
            {"a": "4000", "b": "4000", "c": "4100", "d": "4100"},  # two against two
        ],
    )
    def test_sources_that_disagree_give_no_price(self, mids: dict[str, str]) -> None:
        with pytest.raises(SourcesDisagree, match=mids["a"]):
            merge({name: observation(text) for name, text in mids.items()})

    def test_only_fresh_sources_are_merged(self) -> None:
        observations = {
            "at the limit": observation("4000", age=60 * SECOND),
            "past it": observation("9000", age=60 * SECOND + timedelta(microseconds=1)),
            "ahead of our clock": observation("9000", age=-6 * SECOND),
        }
        assert merge(observations) == merged_price(Decimal(4000), NOW - 60 * SECOND, "at the limit")

    def test_merged_time_is_the_newest_used_and_never_after_now(self) -> None:
        old, ahead = observation("4000", age=9 * SECOND), observation("4000", age=-5 * SECOND)
        merged = merge({"a": old, "b": ahead})
        assert merged is not None
        assert merged.as_of == NOW

    @pytest.mark.parametrize("observations", [{}, {"a": observation("4000", age=61 * SECOND)}])
    def test_no_fresh_source_gives_no_price(self, observations: dict[str, Observation]) -> None:
        assert merge(observations) is None

    def test_freshness_follows_the_rhythm_of_the_source(self) -> None:
        """metalpriceapi publishes once a minute, and may be a minute late."""
        at_the_limit = {"metalpriceapi": observation("4000", age=120 * SECOND)}
        merged = merge(at_the_limit)
        assert merged is not None
        assert merged.fresh_until == NOW
        assert merge({"metalpriceapi": observation("4000", age=121 * SECOND)}) is None
        both = merge({**at_the_limit, "a": observation("4000", age=9 * SECOND)})
        assert both is not None
        assert both.fresh_until == NOW + 51 * SECOND

    def test_source_that_repeats_its_price_for_too_long_is_left_out(self) -> None:
        frozen, moving = observation("4000"), observation("4010")
        limit = NOW - 900 * SECOND
        assert merge({"a": frozen}, a=limit) == merged_price(Decimal(4000), NOW)
        past = limit - timedelta(microseconds=1)
        assert merge({"a": frozen}, a=past) is None
        assert merge({"a": frozen, "b": moving}, a=past) == merged_price(Decimal(4010), NOW, "b")

    @given(st.lists(st.decimals("3000", "5000", places=4), min_size=1, max_size=7), st.randoms())
    def test_merged_price_is_between_the_sources_in_any_order(
        self, mids: list[Decimal], random: object
    ) -> None:
        named = [(str(number), observation(mid)) for number, mid in enumerate(mids)]
        shuffled = named.copy()
        random.shuffle(shuffled)  # type: ignore[attr-defined]
        try:
            merged = merge(dict(named))
        except SourcesDisagree:
            with pytest.raises(SourcesDisagree):
                merge(dict(shuffled))
            return
        assert merged is not None
        again = merge(dict(shuffled))
        assert again is not None
        assert again.mid == merged.mid
        assert min(mids) <= merged.mid <= max(mids)
        # Every source used is near the price: within the limit of a median within the limit.
        assert sum(abs(mid - merged.mid) <= merged.mid / 90 for mid in mids) >= min(2, len(mids))

    @given(st.decimals("1000", "5000", places=2), st.decimals("0.0001", "999999", places=4))
    def test_one_wild_source_of_three_changes_nothing(self, mid: Decimal, wild: Decimal) -> None:
        merged = merge({"a": observation(mid), "b": observation(mid), "c": observation(wild)})
        assert merged is not None
        assert merged.mid == mid


def test_repetition_is_allowed_for_longer_than_the_rhythm() -> None:
    PriceSettings(rhythm_metalpriceapi_seconds=899)
    with pytest.raises(ValueError, match="rhythm"):
        PriceSettings(rhythm_metalpriceapi_seconds=900)


class TestSpread:
    @pytest.mark.parametrize(
        ("mid", "spread_bps", "bid", "ask"),
        [
            ("4000", "40", "3992.000000", "4008.000000"),
            ("0.35", "150", "0.347375", "0.352625"),
            ("0.000101", "40", "0.000100", "0.000102"),  # rounded away from mid
            ("1234.567891", "0", "1234.567891", "1234.567891"),
            ("4000.000001", "12.5", "3997.500000", "4002.500002"),
        ],
    )
    def test_half_the_spread_is_on_either_side_of_mid(
        self, mid: str, spread_bps: str, bid: str, ask: str
    ) -> None:
        assert pricing_rules.bid_and_ask(Decimal(mid), Decimal(spread_bps)) == (
            Decimal(bid),
            Decimal(ask),
        )

    @given(st.decimals("0.0001", "1000000000", places=6), st.decimals("0", "10000", places=2))
    def test_spread_is_never_narrower_than_configured(
        self, mid: Decimal, spread_bps: Decimal
    ) -> None:
        bid, ask = pricing_rules.bid_and_ask(mid, spread_bps)
        assert 0 < bid <= mid <= ask
        assert ask - bid >= mid * spread_bps / 10_000
        assert ask - bid <= mid * spread_bps / 10_000 + Decimal("0.000002")


class TestUnconfirmedJump:
    LAST = price(as_of=NOW - 2 * SECOND)

    def test_first_price_is_accepted(self) -> None:
        assert (
            pricing_rules.unconfirmed_jump(merged_price(Decimal(1), NOW), None, None, RULES) is None
        )

    @pytest.mark.parametrize("mid", ["3600", "4400"])
    def test_move_up_to_the_limit_is_accepted(self, mid: str) -> None:
        assert (
            pricing_rules.unconfirmed_jump(merged_price(Decimal(mid), NOW), self.LAST, None, RULES)
            is None
        )

    @pytest.mark.parametrize("mid", ["3599.999999", "4400.000001", "0.00025"])
    def test_larger_move_is_an_unconfirmed_jump(self, mid: str) -> None:
        merged = merged_price(Decimal(mid), NOW)
        assert pricing_rules.unconfirmed_jump(merged, self.LAST, None, RULES) == UnconfirmedJump(
            Decimal(mid), NOW, 1
        )

    def test_third_tick_that_agrees_confirms_a_jump(self) -> None:
        doubted = UnconfirmedJump(Decimal(5000), NOW - 2 * SECOND, 1)
        second = pricing_rules.unconfirmed_jump(
            merged_price(Decimal(5010), NOW - SECOND), self.LAST, doubted, RULES
        )
        assert second == UnconfirmedJump(Decimal(5010), NOW - SECOND, 2)
        assert (
            pricing_rules.unconfirmed_jump(
                merged_price(Decimal(5020), NOW), self.LAST, second, RULES
            )
            is None
        )

    def test_same_tick_again_confirms_nothing(self) -> None:
        doubted = UnconfirmedJump(Decimal(5000), NOW, 2)
        merged = merged_price(Decimal(5000), NOW)
        assert pricing_rules.unconfirmed_jump(merged, self.LAST, doubted, RULES) == doubted

    def test_jump_to_another_level_starts_again(self) -> None:
        doubted = UnconfirmedJump(Decimal(5000), NOW - SECOND, 2)
        merged = merged_price(Decimal(3000), NOW)
        assert pricing_rules.unconfirmed_jump(merged, self.LAST, doubted, RULES) == UnconfirmedJump(
            Decimal(3000), NOW, 1
        )

    def test_jump_from_an_old_price_is_accepted(self) -> None:
        merged = merged_price(Decimal(5000), NOW)
        at_the_limit = price(as_of=NOW - 300 * SECOND)
        older = price(as_of=NOW - 301 * SECOND)
        assert pricing_rules.unconfirmed_jump(merged, at_the_limit, None, RULES) == UnconfirmedJump(
            Decimal(5000), NOW, 1
        )
        assert pricing_rules.unconfirmed_jump(merged, older, None, RULES) is None


class TestRequireTradable:
    SATURDAY = datetime(2026, 2, 7, 15, tzinfo=UTC)
    REAL = PricingRules(market_hours=MarketHours.REAL)

    def test_fresh_price_is_returned(self) -> None:
        assert pricing_rules.require_tradable(price(), NOW + 60 * SECOND, RULES) == price()

    def test_missing_price_is_refused_as_stale(self) -> None:
        with pytest.raises(PriceStale) as refusal:
            pricing_rules.require_tradable(None, NOW, RULES)
        assert refusal.value.code == "price_stale"

    def test_stale_price_is_refused_with_its_time(self) -> None:
        now = NOW + 60 * SECOND + timedelta(microseconds=1)
        with pytest.raises(PriceStale) as refusal:
            pricing_rules.require_tradable(price(), now, RULES)
        assert refusal.value.detail == (
            "The last price of gold is from 10 Feb 2026, 15:00:00 UTC, too long ago to trade "
            "at. Try again in a moment."
        )

    def test_halt_takes_precedence_over_stale_and_closed(self) -> None:
        halted = price(halted=True, halted_reason=HaltReason.PRICES)
        assert halted.state(self.SATURDAY, self.REAL) is MarketState.HALTED
        with pytest.raises(MarketHalted) as refusal:
            pricing_rules.require_tradable(halted, self.SATURDAY, self.REAL)
        assert refusal.value.code == "market_halted"
        assert refusal.value.reason_code == "prices"
        assert refusal.value.detail == (
            "Trading in gold is halted: prices are being checked. Try again later."
        )

    def test_closed_market_is_refused_with_its_next_opening(self) -> None:
        fresh = price(as_of=self.SATURDAY, fresh_until=self.SATURDAY)
        assert fresh.state(self.SATURDAY, self.REAL) is MarketState.CLOSED
        with pytest.raises(MarketHalted) as refusal:
            pricing_rules.require_tradable(fresh, self.SATURDAY, self.REAL)
        assert refusal.value.detail == (
            "The market for gold is closed: weekend. It opens on 8 Feb 2026, 23:00:00 UTC."
        )
        assert refusal.value.reason_code == "weekend"

    def test_always_open_market_trades_on_saturday(self) -> None:
        fresh = price(as_of=self.SATURDAY, fresh_until=self.SATURDAY)
        assert fresh.state(self.SATURDAY, RULES) is MarketState.OPEN
        assert pricing_rules.require_tradable(fresh, self.SATURDAY, RULES) == fresh
