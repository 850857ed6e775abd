"""Recording ticks, moving prices, halting metals; and what the database refuses."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest

from app.catalog.rules import Metal
from app.kit.db import Database, Session
from app.pricing import queries as pricing_queries
from app.pricing import service as pricing
from app.pricing.errors import PriceStale
from app.pricing.ports import Observation
from app.pricing.rules import MarketPrice, PricingRules
from app.pricing.service import TickOutcome

NOW = datetime(2026, 2, 10, 15, tzinfo=UTC)
SECOND = timedelta(seconds=1)
RULES = PricingRules()


def seen(mid: str, at: datetime = NOW, metal: Metal = Metal.AU) -> Observation:
    return Observation(metal, None, None, Decimal(mid), at)


def record(session: Session, at: datetime = NOW, **mids: str) -> TickOutcome:
    """Record gold at `at`, by feed; the outcome."""
    observations = {feed: [seen(mid, at)] for feed, mid in mids.items()}
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


class TestRecordTicks:
    def test_stores_what_each_source_said_and_the_price_they_agree_on(
        self, session: Session
    ) -> None:
        feeds = {
            "a": [
                Observation(
                    Metal.AU, Decimal("3999.5"), Decimal("4000.5"), Decimal(4000), NOW - SECOND
                )
            ],
            "b": [seen("4002.1234567", NOW - 2 * SECOND)],
            "c": [seen("9000", NOW - 3 * SECOND), seen("50", metal=Metal.AG)],
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

    def test_the_same_ticks_again_change_nothing(self, session: Session) -> None:
        record(session, a="4000")
        before = gold(session), ticks(session)
        assert record(session, a="4000") is TickOutcome.ACCEPTED
        assert (gold(session), ticks(session)) == before

    def test_never_moves_back_in_time(self, session: Session) -> None:
        record(session, a="4000")
        before = gold(session)
        assert record(session, NOW - SECOND, b="4001") is TickOutcome.OUTDATED
        assert gold(session) == before
        assert [row[0] for row in ticks(session)] == ["b", "a"]

    def test_an_old_observation_is_stored_but_is_no_price(self, session: Session) -> None:
        late = NOW + 61 * SECOND
        recorded = pricing.record_ticks(session, {"a": [seen("4000")]}, late, RULES)
        assert recorded[Metal.AU].outcome is TickOutcome.OUTDATED
        assert gold(session) is None
        assert ticks(session) == [("a", Decimal(4000), NOW, late)]

    def test_a_dispute_is_stored_and_leaves_the_price(self, session: Session) -> None:
        record(session, NOW - SECOND, a="4000")
        before = gold(session)
        assert record(session, a="4000", b="4100") is TickOutcome.DISPUTED
        assert gold(session) == before
        assert len(ticks(session)) == 3

    def test_a_jump_is_believed_at_the_third_tick(self, session: Session) -> None:
        record(session, a="4000")
        before = gold(session)
        assert record(session, NOW + SECOND, a="5000") is TickOutcome.DOUBTED
        assert record(session, NOW + 2 * SECOND, a="5001") is TickOutcome.DOUBTED
        assert gold(session) == before
        assert record(session, NOW + 3 * SECOND, a="5002") is TickOutcome.ACCEPTED
        after = gold(session)
        assert after is not None
        assert after.mid == Decimal(5002)
        # And the doubt is forgotten: another jump starts at one again.
        assert record(session, NOW + 4 * SECOND, a="4000") is TickOutcome.DOUBTED

    def test_a_return_ends_the_doubt(self, session: Session) -> None:
        record(session, a="4000")
        record(session, NOW + SECOND, a="5000")
        record(session, NOW + 2 * SECOND, a="5000")
        assert record(session, NOW + 3 * SECOND, a="4000") is TickOutcome.ACCEPTED
        assert record(session, NOW + 4 * SECOND, a="5000") is TickOutcome.DOUBTED

    def test_of_several_from_one_feed_the_newest_is_the_price(self, session: Session) -> None:
        feeds = {"a": [seen("4001"), seen("4000", NOW - SECOND)]}
        pricing.record_ticks(session, feeds, NOW, RULES)
        price = gold(session)
        assert price is not None
        assert price.mid == Decimal(4001)
        assert len(ticks(session)) == 2

    @pytest.mark.parametrize("feeds", [{}, {"a": []}])
    def test_no_news_is_nothing(
        self, session: Session, feeds: dict[str, list[Observation]]
    ) -> None:
        assert pricing.record_ticks(session, feeds, NOW, RULES) == {}
        assert ticks(session) == []


class TestRecordHistory:
    def test_stores_the_past_with_its_own_dates(self, session: Session) -> None:
        year = [
            seen(str(4000 + month), NOW.replace(year=1700, month=month)) for month in range(1, 13)
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

    def test_leaves_a_newer_price(self, session: Session) -> None:
        record(session, a="4000")
        before = gold(session)
        assert pricing.record_history(session, "b", [seen("1", NOW - SECOND)], NOW, RULES) == 1
        assert gold(session) == before


class TestHalt:
    def test_is_kept_while_prices_go_on(self, session: Session) -> None:
        record(session, a="4000")
        pricing.set_halt(session, Metal.AU, "Feed under review")
        record(session, NOW + SECOND, a="4001")
        price = gold(session)
        assert price is not None
        assert (price.mid, price.halted, price.halted_reason) == (
            Decimal(4001),
            True,
            "Feed under review",
        )
        pricing.set_halt(session, Metal.AU, None)
        price = gold(session)
        assert price is not None
        assert (price.halted, price.halted_reason) == (False, None)

    def test_refuses_a_metal_without_a_price(self, session: Session) -> None:
        with pytest.raises(PriceStale):
            pricing.set_halt(session, Metal.AU, "Feed under review")
        assert pricing_queries.market_prices(session) == []


class TestMarket:
    def test_in_the_catalogue_s_order_and_only_what_was_asked_for(self, session: Session) -> None:
        feeds = {"a": [seen("1", metal=metal) for metal in (Metal.CU, Metal.PT, Metal.AU)]}
        pricing.record_ticks(session, feeds, NOW, RULES)
        assert [price.metal for price in pricing_queries.market_prices(session)] == [
            Metal.AU,
            Metal.PT,
            Metal.CU,
        ]
        some = pricing_queries.market_prices(session, [Metal.CU, Metal.AG])
        assert [price.metal for price in some] == [Metal.CU]


class TestMayRecord:
    def test_one_at_a_time(self, database: Database) -> None:
        with database.transaction() as first, database.transaction() as second:
            assert pricing.claim_recording_turn(first, now=NOW + 9**9 * SECOND, interval_seconds=2)
            assert not pricing.claim_recording_turn(
                second, now=NOW + 9**9 * SECOND, interval_seconds=2
            )

    def test_once_an_interval(self, session: Session) -> None:
        assert pricing.claim_recording_turn(session, now=NOW, interval_seconds=2)
        record(session, a="4000")
        for seconds, turn in [(0, False), (1.79, False), (1.8, True), (2, True), (-1, True)]:
            now = NOW + seconds * SECOND
            assert pricing.claim_recording_turn(session, now=now, interval_seconds=2) is turn


class TestDatabaseRefuses:
    @pytest.mark.parametrize(
        "statement", ["UPDATE ticks SET mid = 1", "DELETE FROM ticks", "TRUNCATE ticks"]
    )
    def test_rewriting_ticks(self, database: Database, statement: str) -> None:
        with (
            pytest.raises(psycopg.errors.InsufficientPrivilege),
            database.transaction() as session,
        ):
            session.send(statement)

    @pytest.mark.parametrize(
        ("constraint", "values"),
        [
            ("price_in_order", "'AU', 3, 2, 1, now(), 'a', false, NULL"),
            ("price_in_order", "'AU', 0, 1, 1, now(), 'a', false, NULL"),
            ("price_in_order", "'AU', 1, 'NaN', 1, now(), 'a', false, NULL"),
            ("reason_if_halted", "'AU', 1, 1, 1, now(), 'a', true, NULL"),
            ("reason_if_halted", "'AU', 1, 1, 1, now(), 'a', false, 'why'"),
            ("metal_known", "'XX', 1, 1, 1, now(), 'a', false, NULL"),
        ],
    )
    def test_an_impossible_price(self, database: Database, constraint: str, values: str) -> None:
        with (
            pytest.raises(psycopg.errors.CheckViolation, match=constraint),
            database.transaction() as session,
        ):
            session.send(
                "INSERT INTO market_prices (metal, bid, ask, mid, as_of, source, halted, "
                f"halted_reason, updated_at) VALUES ({values}, now())"
            )

    @pytest.mark.parametrize(
        "prices", ["NULL, NULL, 0", "2, NULL, 1", "NULL, 1, 2", "NULL, NULL, 'NaN'"]
    )
    def test_an_impossible_tick(self, database: Database, prices: str) -> None:
        with (
            pytest.raises(psycopg.errors.CheckViolation, match="tick_in_order"),
            database.transaction() as session,
        ):
            session.send(
                "INSERT INTO ticks (metal, source, observed_at, received_at, bid, ask, mid) "
                f"VALUES ('AU', 'test', now(), now(), {prices})"
            )
