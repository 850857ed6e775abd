"""Recording ticks, accepting prices, halting metals, and the constraints of the database."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest

from app.access import Role
from app.catalog.rules import PRICED_NAMES, Metal, Priced
from app.kit.db import Database, Session
from app.kit.errors import Invalid, PermissionDenied
from app.pricing import queries as pricing_queries
from app.pricing import service as pricing
from app.pricing.errors import MarketAlreadyHalted, MarketNotHalted
from app.pricing.models import MarketHalt
from app.pricing.ports import Observation
from app.pricing.rules import HaltReason, MarketPrice, MarketStatus, PricingRules
from app.pricing.service import TickOutcome
from tests.people import People

NOW = datetime(2026, 2, 10, 15, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
RULES = PricingRules()


def observation(mid: str, at: datetime = NOW, metal: Metal = Metal.AU) -> Observation:
    return Observation(metal, None, None, Decimal(mid), at)


def record(session: Session, at: datetime = NOW, **mids: str) -> TickOutcome:
    """Record gold at `at`, one price by feed. Return the outcome."""
    observations = {feed: [observation(mid, at)] for feed, mid in mids.items()}
    return pricing.record_ticks(session, observations, at, RULES)[Metal.AU].outcome


def gold(session: Session) -> MarketPrice | None:
    return pricing_queries.market_prices_from(
        session.rows(*pricing_queries.price_statement([Metal.AU]))
    ).get(Metal.AU)


def ticks(session: Session) -> list[tuple[object, ...]]:
    return session.rows(
        "SELECT source, mid, observed_at, received_at FROM ticks "
        "WHERE observed_at BETWEEN %s AND %s ORDER BY observed_at, source, metal",
        (NOW - 3600 * SECOND, NOW + 3600 * SECOND),
    )


class TestPastPrices:
    def test_price_of_an_instant_is_the_last_one_accepted_until_then(
        self, session: Session
    ) -> None:
        """A later price, or another one of the same instant, changes nothing of the past."""
        first = datetime(1701, 3, 1, 15, tzinfo=UTC)  # before the prices of any other test
        second = first + SECOND
        assert record(session, first, a="4000") == TickOutcome.ACCEPTED
        assert record(session, second, a="4001") == TickOutcome.ACCEPTED
        assert record(session, second, a="4002") == TickOutcome.ACCEPTED
        # Before the first price, that one counts.
        instants = [first - MINUTE, first, second - SECOND / 2, second, second + MINUTE]
        mids = pricing_queries.mids_at(session, instants)
        assert [mids[instant][Metal.AU] for instant in instants] == [
            Decimal(mid) for mid in (4000, 4000, 4000, 4001, 4001)
        ]

    def test_imported_history_is_the_price_of_its_own_time(self, session: Session) -> None:
        first, second = (datetime(1702, month, 1, tzinfo=UTC) for month in (3, 4))
        past = [observation("1900", first), observation("1905", second)]
        pricing.record_history(session, "a", past, NOW, RULES)
        mids = pricing_queries.mids_at(session, [first, second])
        assert [each[Metal.AU] for each in mids.values()] == [Decimal(1900), Decimal(1905)]


class TestRecordTicks:
    def test_every_tick_is_stored_and_the_merged_price_accepted(self, session: Session) -> None:
        feeds = {
            "a": [
                Observation(
                    Metal.AU, Decimal("3999.5"), Decimal("4000.5"), Decimal(4000), NOW - SECOND
                )
            ],
            "b": [observation("4002.1234567", NOW - 2 * SECOND)],
            "c": [observation("9000", NOW - 3 * SECOND), observation("50", metal=Metal.AG)],
        }
        recorded = pricing.record_ticks(session, feeds, NOW, RULES)
        assert {metal: result.outcome for metal, result in recorded.items()} == {
            Metal.AU: TickOutcome.ACCEPTED,
            Metal.AG: TickOutcome.ACCEPTED,
        }
        assert gold(session) == MarketPrice(
            metal=Metal.AU,
            bid=Decimal("3993.059604"),
            ask=Decimal("4009.063852"),
            mid=Decimal("4001.061728"),
            as_of=NOW - SECOND,
            fresh_until=NOW + 59 * SECOND,
            source="median(a,b)",
            halted=False,
            halted_reason=None,
        )
        assert ticks(session) == [
            ("c", Decimal(9000), NOW - 3 * SECOND, NOW),
            ("b", Decimal("4002.1234567"), NOW - 2 * SECOND, NOW),
            ("a", Decimal(4000), NOW - SECOND, NOW),
            ("c", Decimal(50), NOW, NOW),
        ]

    def test_recording_the_same_ticks_again_changes_nothing(self, session: Session) -> None:
        record(session, a="4000")
        before = gold(session), ticks(session)
        assert record(session, a="4000") is TickOutcome.ACCEPTED
        assert (gold(session), ticks(session)) == before

    def test_older_tick_does_not_replace_the_price(self, session: Session) -> None:
        record(session, a="4000")
        before = gold(session)
        assert record(session, NOW - SECOND, b="4001") is TickOutcome.OUTDATED
        assert gold(session) == before
        assert [row[0] for row in ticks(session)] == ["b", "a"]

    def test_stale_tick_is_stored_and_gives_no_price(self, session: Session) -> None:
        late = NOW + 61 * SECOND
        recorded = pricing.record_ticks(session, {"a": [observation("4000")]}, late, RULES)
        assert recorded[Metal.AU].outcome is TickOutcome.OUTDATED
        assert gold(session) is None
        assert ticks(session) == [("a", Decimal(4000), NOW, late)]

    def test_disputed_ticks_are_stored_and_leave_the_price(self, session: Session) -> None:
        record(session, NOW - SECOND, a="4000")
        before = gold(session)
        assert record(session, a="4000", b="4100") is TickOutcome.DISPUTED
        assert gold(session) == before
        assert len(ticks(session)) == 3

    def test_jump_is_accepted_at_the_third_tick(self, session: Session) -> None:
        record(session, a="4000")
        before = gold(session)
        assert record(session, NOW + SECOND, a="5000") is TickOutcome.DOUBTED
        assert record(session, NOW + 2 * SECOND, a="5001") is TickOutcome.DOUBTED
        assert gold(session) == before
        assert record(session, NOW + 3 * SECOND, a="5002") is TickOutcome.ACCEPTED
        after = gold(session)
        assert after is not None
        assert after.mid == Decimal(5002)
        # The count starts again: the next jump is at its first tick.
        assert record(session, NOW + 4 * SECOND, a="4000") is TickOutcome.DOUBTED

    def test_return_to_the_old_level_ends_the_jump(self, session: Session) -> None:
        record(session, a="4000")
        record(session, NOW + SECOND, a="5000")
        record(session, NOW + 2 * SECOND, a="5000")
        assert record(session, NOW + 3 * SECOND, a="4000") is TickOutcome.ACCEPTED
        assert record(session, NOW + 4 * SECOND, a="5000") is TickOutcome.DOUBTED

    def test_newest_tick_of_a_feed_is_the_price(self, session: Session) -> None:
        feeds = {"a": [observation("4001"), observation("4000", NOW - SECOND)]}
        pricing.record_ticks(session, feeds, NOW, RULES)
        price = gold(session)
        assert price is not None
        assert price.mid == Decimal(4001)
        assert len(ticks(session)) == 2

    @pytest.mark.parametrize("feeds", [{}, {"a": []}])
    def test_no_ticks_have_no_result(
        self, session: Session, feeds: dict[str, list[Observation]]
    ) -> None:
        assert pricing.record_ticks(session, feeds, NOW, RULES) == {}
        assert ticks(session) == []


class TestSources:
    def test_price_that_repeats_for_long_goes_stale_until_it_changes(
        self, session: Session
    ) -> None:
        """A source stamps the same price every minute for four hours."""
        outcomes = {
            minute: record(session, NOW + minute * MINUTE, a="4000") for minute in range(241)
        }
        assert {outcomes[minute] for minute in range(16)} == {TickOutcome.ACCEPTED}
        assert {outcomes[minute] for minute in range(16, 241)} == {TickOutcome.FROZEN}
        price = gold(session)
        assert price is not None
        assert price.fresh_until == NOW + 16 * MINUTE
        assert record(session, NOW + 241 * MINUTE, a="4000.01") is TickOutcome.ACCEPTED

    def test_change_of_bid_or_ask_is_a_change(self, session: Session) -> None:
        for minute in range(31):
            at, half = NOW + minute * MINUTE, Decimal(minute + 1)
            quoted = Observation(Metal.AU, 4000 - half, 4000 + half, Decimal(4000), at)
            recorded = pricing.record_ticks(session, {"a": [quoted]}, at, RULES)
            assert recorded[Metal.AU].outcome is TickOutcome.ACCEPTED

    def test_source_of_one_price_a_minute_is_never_stale(self, session: Session) -> None:
        """It publishes each price 25 seconds late, and we look every half a minute."""
        stale = 0
        for second in range(60, 1260, 5):
            now = NOW + second * SECOND
            if second % 30 == 0:
                minute = (second - 25) // 60
                stamped = observation(str(4000 + minute), NOW + minute * MINUTE)
                pricing.record_ticks(session, {"metalpriceapi": [stamped]}, now, RULES)
            price = gold(session)
            stale += price is None or price.is_stale(now)
        assert stale == 0

    def test_source_of_one_price_a_minute_that_stops_goes_stale(self, session: Session) -> None:
        pricing.record_ticks(session, {"metalpriceapi": [observation("4000")]}, NOW, RULES)
        price = gold(session)
        assert price is not None
        assert not price.is_stale(NOW + 120 * SECOND)
        assert price.is_stale(NOW + 121 * SECOND)


class TestRecordHistory:
    def test_past_prices_are_stored_with_their_own_dates(self, session: Session) -> None:
        year = [
            observation(str(4000 + month), NOW.replace(year=1700, month=month))
            for month in range(1, 13)
        ]
        assert pricing.record_history(session, "test", year, NOW, RULES) == 12
        price = gold(session)
        assert price is not None
        assert (price.mid, price.as_of, price.source) == (
            Decimal(4012),
            NOW.replace(year=1700, month=12),
            "test",
        )
        assert pricing.record_history(session, "test", year, NOW, RULES) == 0

    def test_past_price_does_not_replace_a_newer_one(self, session: Session) -> None:
        record(session, a="4000")
        before = gold(session)
        assert (
            pricing.record_history(session, "b", [observation("1", NOW - SECOND)], NOW, RULES) == 1
        )
        assert gold(session) == before


class TestHalt:
    def test_halt_lasts_while_prices_are_recorded(self, session: Session) -> None:
        record(session, a="4000")
        pricing.halt_market(session, None, Metal.AU, HaltReason.PRICES, note="under review")
        record(session, NOW + SECOND, a="4001")
        price = gold(session)
        assert price is not None
        assert (price.mid, price.halted, price.halted_reason) == (
            Decimal(4001),
            True,
            HaltReason.PRICES,
        )
        pricing.resume_market(session, None, Metal.AU, note="the feed is good again")
        price = gold(session)
        assert price is not None
        assert (price.halted, price.halted_reason) == (False, None)

    @pytest.mark.parametrize("asset", PRICED_NAMES)
    def test_any_market_is_halted_and_resumed_once(
        self, session: Session, people: People, asset: Priced
    ) -> None:
        """Also one without a price: it stays halted when the first one comes."""
        actor = people.staff(Role.ADMIN)
        pricing.halt_market(session, actor, asset, HaltReason.LEGAL, note="by order 4711")
        with pytest.raises(MarketAlreadyHalted):
            pricing.halt_market(session, actor, asset, HaltReason.OTHER, note="once more")
        market = pricing_queries.get_market(session, asset.value)
        assert (market.halted_reason, market.note, market.halted_by) == (
            HaltReason.LEGAL,
            "by order 4711",
            actor.user_id,
        )
        assert market.status is MarketStatus.HALTED
        pricing.resume_market(session, actor, asset, note="order 4711 ended")
        with pytest.raises(MarketNotHalted):
            pricing.resume_market(session, actor, asset, note="once more")
        past, *_ = session.select(
            pricing_queries.PastHalt,
            pricing_queries.HALTS.select.order_by(MarketHalt.id.desc()).limit(1),
        )
        assert (past.asset, past.halted_by, past.lifted_by, past.lifted_note) == (
            asset.value,
            actor.user_id,
            actor.user_id,
            "order 4711 ended",
        )

    def test_halt_needs_its_permission_and_a_reason(self, session: Session, people: People) -> None:
        customer = people.customer()
        with pytest.raises(PermissionDenied):
            pricing.halt_market(session, customer, Metal.AU, HaltReason.OTHER, note="a test")
        with pytest.raises(PermissionDenied):
            pricing.resume_market(session, customer, Metal.AU, note="a test")
        with pytest.raises(Invalid):
            pricing.halt_market(session, None, Metal.AU, HaltReason.OTHER, note="why")

    def test_halt_cannot_be_rewritten(self, database: Database) -> None:
        for statement in ("DELETE FROM market_halts", "UPDATE market_halts SET note = 'x'"):
            with (
                pytest.raises(psycopg.errors.InsufficientPrivilege),
                database.transaction() as session,
            ):
                session.send(statement)


class TestMarketPrices:
    def test_prices_are_in_the_catalogue_s_order_and_of_the_requested_metals(
        self, session: Session
    ) -> None:
        feeds = {"a": [observation("1", metal=metal) for metal in (Metal.CU, Metal.PT, Metal.AU)]}
        pricing.record_ticks(session, feeds, NOW, RULES)
        assert [price.metal for price in pricing_queries.market_prices(session)] == [
            Metal.AU,
            Metal.PT,
            Metal.CU,
        ]
        some = pricing_queries.market_prices(session, [Metal.CU, Metal.AG])
        assert [price.metal for price in some] == [Metal.CU]


class TestClaimRecordingTurn:
    def test_one_transaction_records_at_a_time(self, database: Database) -> None:
        with database.transaction() as first, database.transaction() as second:
            assert pricing.claim_recording_turn(first, now=NOW + 9**9 * SECOND, interval_seconds=2)
            assert not pricing.claim_recording_turn(
                second, now=NOW + 9**9 * SECOND, interval_seconds=2
            )

    def test_recording_happens_once_per_interval(self, session: Session) -> None:
        assert pricing.claim_recording_turn(session, now=NOW, interval_seconds=2)
        record(session, a="4000")
        for seconds, turn in [(0, False), (1.79, False), (1.8, True), (2, True), (-1, True)]:
            now = NOW + seconds * SECOND
            assert pricing.claim_recording_turn(session, now=now, interval_seconds=2) is turn


class TestConstraints:
    @pytest.mark.parametrize(
        "statement", ["UPDATE ticks SET mid = 1", "DELETE FROM ticks", "TRUNCATE ticks"]
    )
    def test_ticks_cannot_be_rewritten(self, database: Database, statement: str) -> None:
        with (
            pytest.raises(psycopg.errors.InsufficientPrivilege),
            database.transaction() as session,
        ):
            session.send(statement)

    @pytest.mark.parametrize(
        ("constraint", "values"),
        [
            ("price_in_order", "'AU', 3, 2, 1, now(), now(), 'a'"),
            ("price_in_order", "'AU', 0, 1, 1, now(), now(), 'a'"),
            ("price_in_order", "'AU', 1, 'NaN', 1, now(), now(), 'a'"),
            ("metal_known", "'XX', 1, 1, 1, now(), now(), 'a'"),
        ],
    )
    def test_impossible_market_price_is_refused(
        self, database: Database, constraint: str, values: str
    ) -> None:
        with (
            pytest.raises(psycopg.errors.CheckViolation, match=constraint),
            database.transaction() as session,
        ):
            session.send(
                "INSERT INTO market_prices (metal, bid, ask, mid, as_of, fresh_until, source, "
                f"updated_at) VALUES ({values}, now())"
            )

    @pytest.mark.parametrize(
        "prices", ["NULL, NULL, 0", "2, NULL, 1", "NULL, 1, 2", "NULL, NULL, 'NaN'"]
    )
    def test_impossible_tick_is_refused(self, database: Database, prices: str) -> None:
        with (
            pytest.raises(psycopg.errors.CheckViolation, match="tick_in_order"),
            database.transaction() as session,
        ):
            session.send(
                "INSERT INTO ticks (metal, source, observed_at, received_at, bid, ask, mid) "
                f"VALUES ('AU', 'test', now(), now(), {prices})"
            )
