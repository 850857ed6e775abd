"""Quotes and orders with their refusals. A refusal leaves no order, entry, job or quote."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
import time_machine

from app.access import Actor
from app.catalog.rules import TRADABLE, USD, XAU, Haltable, Metal, Stablecoin
from app.kit import ids
from app.kit.db import Database
from app.kit.errors import Invalid
from app.kit.money import Amount
from app.ledger import chart
from app.ledger import service as ledger
from app.ledger.errors import InsufficientFunds
from app.pricing import service as pricing
from app.pricing.errors import MarketHalted, PriceStale
from app.pricing.models import MarketPriceRow
from app.pricing.rules import HaltReason
from app.trading import queries as trading_queries
from app.trading import service as trading
from app.trading.errors import QuoteExpired, QuoteNotFound, QuoteUsed, SlippageExceeded
from app.trading.service import ConversionOrder, Quote, RequestedConversion
from tests.people import People, set_prices
from tests.rows import delete_rows
from tests.unchanged_database import database_unchanged

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def market(database: Database) -> time_machine.Traveller:
    """Set gold to 3992 to 4008 and silver to 49.80 to 50.20, with a frozen clock."""
    with time_machine.travel(NOW, tick=False) as traveller:
        set_prices(database, AU="4000", AG="50", PAXG="4000")
        yield traveller


@pytest.fixture
def person(people: People) -> Actor:
    """A customer with 2,000.00 USD and 3 ounces of gold."""
    return people.customer(USD="2000.00", XAU_s="3")


def giving(source: str, target: str, text: str) -> RequestedConversion:
    """Request a conversion of this amount of `source` into `target`."""
    asset = TRADABLE[source]
    return RequestedConversion(asset, TRADABLE[target], Amount.parse(asset, text), None)


def receiving(source: str, target: str, text: str) -> RequestedConversion:
    """Request a conversion of `source` into this amount of `target`."""
    asset = TRADABLE[target]
    return RequestedConversion(TRADABLE[source], asset, None, Amount.parse(asset, text))


BUY = giving("USD", "XAU-s", "1250.00")


def quote(database: Database, person: Actor, requested: RequestedConversion = BUY) -> Quote:
    with database.transaction() as session:
        return trading.create_quote(session, person, requested)


def fill(database: Database, person: Actor, quote_id: UUID) -> ConversionOrder:
    with database.transaction() as session:
        return trading.fill_quote(session, person, quote_id)


def convert(
    database: Database,
    person: Actor,
    requested: RequestedConversion = BUY,
    *,
    slippage_bps_max: int | None = None,
    expected_price: Decimal | None = None,
) -> ConversionOrder:
    with database.transaction() as session:
        return trading.convert_at_market(
            session,
            person,
            requested,
            slippage_bps_max=slippage_bps_max,
            expected_price=expected_price,
        )


def halt(database: Database, metal: Haltable) -> None:
    with database.transaction() as session:
        pricing.halt_market(session, None, metal, HaltReason.PRICES, note="a test")


def resume(database: Database, metal: Haltable) -> None:
    with database.transaction() as session:
        pricing.resume_market(session, None, metal, note="the test is over")


def postings_of(database: Database, order: ConversionOrder) -> dict[tuple[str, str], int]:
    with database.reading() as session:
        rows = session.rows(
            """SELECT a.class, a.asset, p.units FROM entries e
               JOIN postings p ON p.entry_id = e.id JOIN accounts a ON a.id = p.account_id
               WHERE e.reference = %s AND e.cause = 'trade' AND e.posted_at = %s""",
            (ids.encode("trd", order.id), order.executed_at),
        )
    return {(account_class, asset): units for account_class, asset, units in rows}


class TestQuote:
    def test_quote_keeps_the_price_for_thirty_seconds_and_reserves_nothing(
        self, database: Database, people: People, person: Actor
    ) -> None:
        before = people.balances(person)
        created = quote(database, person)
        assert created.expires_at == NOW + timedelta(seconds=30)
        assert str(created.conversion.received) == "0.31031686"
        assert people.balances(person) == before
        with database.reading() as session:
            row = session.row(
                """SELECT user_id, from_asset, to_asset, given_units, received_units, price,
                          fee_asset, fee_units, spread_units, rounding_units, quoted_at
                   FROM quotes WHERE id = %s""",
                (created.id,),
            )
        assert row == (
            *(person.user_id, "USD", "XAU-s", 125_000, 31_031_686, Decimal(4008)),
            *("USD", 625, 248, 0, NOW),
        )

    def test_quote_may_exceed_the_balance(self, database: Database, person: Actor) -> None:
        assert quote(database, person, giving("USD", "XAU-s", "5000000.00")).conversion

    @pytest.mark.parametrize(
        ("requested", "field"),
        [
            (giving("XAG-s", "USD", "0.00020080"), "fromAmount"),
            (giving("USDC", "USD", "0.009999"), "fromAmount"),
            (giving("XAU-s", "USDC", "10000000000"), "fromAmount"),
            (giving("USD", "XAG-s", "10000000000000000.00"), "fromAmount"),
            (receiving("XAG-s", "XAU-s", "10000000000"), "toAmount"),
            (receiving("USDC", "XAU-s", "10000000000"), "toAmount"),
        ],
    )
    def test_amount_that_cannot_be_moved_is_refused_at_its_field(
        self, database: Database, person: Actor, requested: RequestedConversion, field: str
    ) -> None:
        for ask in (quote, convert):
            with database_unchanged(database), pytest.raises(Invalid) as refusal:
                ask(database, person, requested)
            assert refusal.value.field == field


class TestFillQuote:
    def test_filled_quote_converts_at_the_quoted_price_after_the_market_moved(
        self, database: Database, people: People, person: Actor, market: time_machine.Traveller
    ) -> None:
        created = quote(database, person)
        market.shift(timedelta(seconds=29))
        set_prices(database, AU="4500")
        order = fill(database, person, created.id)
        assert order == ConversionOrder(
            id=order.id,
            quote_id=created.id,
            given=Amount(USD, 125_000),
            received=Amount(XAU, 31_031_686),
            price=Decimal(4008),
            fee=Amount(USD, 625),
            executed_at=NOW + timedelta(seconds=29),
        )
        assert people.balances(person) == {"USD": "750.00", "XAU-s": "3.31031686"}

    def test_unknown_or_foreign_quote_is_not_found(
        self, database: Database, people: People, person: Actor
    ) -> None:
        for stranger, quote_id in (
            (people.customer(USD="2000.00"), quote(database, person).id),
            (person, uuid4()),
        ):
            with database_unchanged(database), pytest.raises(QuoteNotFound):
                fill(database, stranger, quote_id)

    def test_quote_is_filled_once(self, database: Database, person: Actor) -> None:
        created = quote(database, person, giving("USD", "XAU-s", "10.00"))
        fill(database, person, created.id)
        with database_unchanged(database), pytest.raises(QuoteUsed):
            fill(database, person, created.id)

    def test_used_quote_is_refused_as_used_even_after_expiry(
        self, database: Database, person: Actor, market: time_machine.Traveller
    ) -> None:
        created = quote(database, person)
        fill(database, person, created.id)
        market.shift(timedelta(minutes=1))
        with database_unchanged(database), pytest.raises(QuoteUsed):
            fill(database, person, created.id)

    def test_quote_is_refused_from_the_instant_it_expires(
        self, database: Database, person: Actor, market: time_machine.Traveller
    ) -> None:
        early, late = quote(database, person), quote(database, person)
        market.shift(timedelta(seconds=30) - timedelta(microseconds=1))
        fill(database, person, early.id)
        market.shift(timedelta(microseconds=1))
        with database_unchanged(database), pytest.raises(QuoteExpired):
            fill(database, person, late.id)

    def test_fill_needs_an_open_market(self, database: Database, person: Actor) -> None:
        created = quote(database, person)
        halt(database, Metal.AU)
        with (
            database_unchanged(database),
            pytest.raises(MarketHalted, match="prices are being checked"),
        ):
            fill(database, person, created.id)
        resume(database, Metal.AU)
        fill(database, person, created.id)

    def test_halt_of_another_metal_does_not_stop_a_fill(
        self, database: Database, person: Actor
    ) -> None:
        created = quote(database, person)
        halt(database, Metal.AG)
        fill(database, person, created.id)

    def test_halt_of_usdc_stops_all_that_gives_or_receives_it(
        self, database: Database, people: People
    ) -> None:
        """It counts as a dollar, whatever its market says."""
        person = people.customer(USD="2000.00", USDC="2000")
        wanted = [giving(*pair, "10") for pair in (("USDC", "USD"), ("USD", "USDC"))]
        wanted.append(giving("USDC", "XAU-s", "10"))
        created = [quote(database, person, each) for each in wanted]
        halt(database, Stablecoin.USDC)
        try:
            for each, kept in zip(wanted, created, strict=True):
                with database_unchanged(database), pytest.raises(MarketHalted, match="USD Coin"):
                    quote(database, person, each)
                with database_unchanged(database), pytest.raises(MarketHalted):
                    convert(database, person, each)
                with database_unchanged(database), pytest.raises(MarketHalted):
                    fill(database, person, kept.id)
            convert(database, person)
        finally:
            resume(database, Stablecoin.USDC)
        for kept in created:
            fill(database, person, kept.id)

    def test_fill_needs_fresh_prices(
        self, database: Database, person: Actor, market: time_machine.Traveller
    ) -> None:
        market.shift(timedelta(seconds=45))
        created = quote(database, person)
        market.shift(timedelta(seconds=15))
        second = quote(database, person)
        fill(database, person, created.id)
        market.shift(timedelta(seconds=1))
        with database_unchanged(database), pytest.raises(PriceStale):
            fill(database, person, second.id)

    def test_fill_needs_the_money(self, database: Database, person: Actor) -> None:
        created = quote(database, person, giving("USD", "XAU-s", "2000.01"))
        with database_unchanged(database), pytest.raises(InsufficientFunds):
            fill(database, person, created.id)


class TestConvert:
    @pytest.mark.parametrize(
        ("requested", "expected"),
        [
            (
                BUY,
                {
                    ("customer.funding", "USD"): 125_000,
                    # 1,250.00 less the fee and 2.48 of spread.
                    ("position", "USD"): -124_127,
                    ("fees", "USD"): -625,
                    ("spread", "USD"): -248,
                    ("position", "XAU-s"): 31_031_686,
                    ("customer.trading", "XAU-s"): -31_031_686,
                },
            ),
            (
                giving("XAU-s", "USD", "0.12345678"),
                {
                    ("customer.trading", "XAU-s"): 12_345_678,
                    ("position", "XAU-s"): -12_345_678,
                    # At mid 493.83, of which 490.37 are paid out.
                    ("position", "USD"): 49_383,
                    ("customer.funding", "USD"): -49_037,
                    ("fees", "USD"): -246,
                    ("spread", "USD"): -99,
                    ("rounding", "USD"): -1,
                },
            ),
            (
                giving("USD", "USDC", "100.00"),
                {
                    ("customer.funding", "USD"): 10_000,
                    ("position", "USD"): -9950,
                    ("fees", "USD"): -50,
                    ("position", "USDC"): 99_500_000,
                    ("customer.funding", "USDC"): -99_500_000,
                },
            ),
            (
                giving("XAU-s", "XAG-s", "1.00000000"),
                {
                    ("customer.trading", "XAU-s"): 100_000_000,
                    # 79.12430278 oz of silver at 80 to one are 0.98905378475 oz of gold.
                    ("position", "XAU-s"): -98_905_378,
                    ("fees", "XAU-s"): -500_000,
                    # The rest up to 0.995, less the truncation of the price.
                    ("spread", "XAU-s"): -594_622,
                    ("position", "XAG-s"): 7_912_430_278,
                    ("customer.trading", "XAG-s"): -7_912_430_278,
                },
            ),
            (
                receiving("USD", "PAXG", "0.25000000"),
                {
                    # A quarter of 4008 is 1002; 1002 / 0.995 = 1007.035…; its fee is 5.04.
                    ("customer.funding", "USD"): 100_704,
                    ("position", "USD"): -100_000,
                    ("fees", "USD"): -504,
                    ("spread", "USD"): -200,
                    ("position", "PAXG"): 25_000_000,
                    ("customer.funding", "PAXG"): -25_000_000,
                },
            ),
        ],
        ids=["buy", "sell", "dollars", "metals", "received"],
    )
    def test_conversion_posts_every_part(
        self,
        database: Database,
        person: Actor,
        requested: RequestedConversion,
        expected: dict[tuple[str, str], int],
    ) -> None:
        order = convert(database, person, requested)
        assert postings_of(database, order) == expected

    def test_conversion_records_the_order_and_stages_its_confirmation(
        self, database: Database, person: Actor
    ) -> None:
        order = convert(database, person)
        with database.reading() as session:
            page = trading_queries.order_history(session, person.user_id, limit=10, cursor=None)
            jobs = session.rows(
                "SELECT task, args, done_at FROM outbox WHERE args ->> 'user_id' = %s",
                (str(person.user_id),),
            )
        assert page.data == [order]
        number = ids.encode("trd", order.id)
        assert jobs == [
            (
                "messages.deliver",
                {
                    "user_id": str(person.user_id),
                    "event_key": f"trade_confirmed:{number}",
                    "kind": "trade_confirmed",
                    "values": {
                        "order": number,
                        "from_amount": "1250.00",
                        "from_asset": "USD",
                        "to_amount": "0.31031686",
                        "to_asset": "XAU-s",
                        "price": "4008.000000",
                        "fee_amount": "6.25",
                        "fee_asset": "USD",
                        "executed_at": "2026-03-04T12:00:00.000Z",
                    },
                },
                None,
            )
        ]

    def test_conversion_stops_at_the_slippage_limit(
        self, database: Database, person: Actor
    ) -> None:
        """4008 is 20 bps above mid, and 10 bps above 4003.996."""
        tight: list[Callable[[], ConversionOrder]] = [
            lambda: convert(database, person, slippage_bps_max=19),
            lambda: convert(
                database, person, slippage_bps_max=9, expected_price=Decimal("4003.996")
            ),
            lambda: convert(
                database, person, slippage_bps_max=0, expected_price=Decimal("4007.999999")
            ),
        ]
        for attempt in tight:
            with database_unchanged(database), pytest.raises(SlippageExceeded):
                attempt()
        ten = giving("USD", "XAU-s", "10.00")
        convert(database, person, ten, slippage_bps_max=20)
        convert(database, person, ten, slippage_bps_max=0, expected_price=Decimal(4008))
        sell = giving("XAU-s", "USD", "0.01")
        with database_unchanged(database), pytest.raises(SlippageExceeded):
            convert(database, person, sell, slippage_bps_max=19)
        convert(database, person, sell, slippage_bps_max=20)

    def test_conversion_needs_the_money(self, database: Database, person: Actor) -> None:
        with database_unchanged(database), pytest.raises(InsufficientFunds):
            convert(database, person, giving("USD", "XAU-s", "2000.01"))
        with database_unchanged(database), pytest.raises(InsufficientFunds):
            convert(database, person, giving("PAXG", "XAU-s", "1"))

    def test_conversion_does_not_spend_held_money(self, database: Database, person: Actor) -> None:
        with database.transaction() as session:
            ledger.place_hold(
                session,
                hold_id=uuid4(),
                account=chart.customer(person.user_id, USD),
                amount=Amount(USD, 100_000),
                cause="test",
                placed_at=NOW,
            )
        with database_unchanged(database), pytest.raises(InsufficientFunds):
            convert(database, person, giving("USD", "XAU-s", "1000.01"))
        convert(database, person, giving("USD", "XAU-s", "1000.00"))

    @pytest.mark.parametrize(
        "requested",
        [
            BUY,
            giving("XAU-s", "USD", "1"),
            giving("PAXG", "USD", "1"),
            giving("XAU-s", "XAG-s", "1"),
        ],
    )
    def test_quotes_and_conversions_need_an_open_market(
        self, database: Database, person: Actor, requested: RequestedConversion
    ) -> None:
        created = quote(database, person, requested)
        halt(database, Metal.AU)
        for attempt in (
            lambda: convert(database, person, requested),
            lambda: quote(database, person, requested),
            lambda: fill(database, person, created.id),
        ):
            with database_unchanged(database), pytest.raises(MarketHalted):
                attempt()

    def test_quotes_and_conversions_need_a_fresh_price_of_every_metal(
        self, database: Database, person: Actor, market: time_machine.Traveller
    ) -> None:
        market.shift(timedelta(seconds=61))
        set_prices(database, AU="4000")
        for ask in (quote, convert):
            with database_unchanged(database), pytest.raises(PriceStale):
                ask(database, person, giving("XAU-s", "XAG-s", "1"))
            ask(database, person, giving("XAU-s", "USD", "1"))

    def test_metal_without_a_price_is_refused(self, database: Database, person: Actor) -> None:
        with database.transaction() as session:
            delete_rows(session, MarketPriceRow, MarketPriceRow.metal == "AG")
        for ask in (quote, convert):
            with database_unchanged(database), pytest.raises(PriceStale):
                ask(database, person, giving("USD", "XAG-s", "1.00"))

    def test_dollar_conversion_needs_no_metal_price(
        self, database: Database, people: People, market: time_machine.Traveller
    ) -> None:
        market.shift(timedelta(days=1))
        person = people.customer(USDC="100.00")
        convert(database, person, giving("USDC", "USD", "100.000000"))
        assert people.balances(person) == {"USD": "99.50"}


class TestHistory:
    def test_history_pages_through_the_person_s_own_orders(
        self, database: Database, people: People, person: Actor
    ) -> None:
        orders = [convert(database, person, giving("USD", "XAU-s", "1.00")) for _ in range(5)]
        convert(database, people.customer(USD="1.00"), giving("USD", "XAU-s", "1.00"))
        listed: list[ConversionOrder] = []
        cursor = None
        with database.reading() as session:
            while True:
                page = trading_queries.order_history(
                    session, person.user_id, limit=2, cursor=cursor
                )
                assert len(page.data) <= 2
                listed += page.data
                cursor = page.next_cursor
                if cursor is None:
                    break
        assert listed == orders[::-1]

    def test_history_refuses_a_malformed_cursor(self, database: Database, person: Actor) -> None:
        with database.reading() as session, pytest.raises(Invalid):
            trading_queries.order_history(session, person.user_id, limit=2, cursor="created up")


class TestDeleteExpiredQuotes:
    def test_unfilled_quotes_are_deleted_a_week_after_expiry(
        self, database: Database, person: Actor, market: time_machine.Traveller
    ) -> None:
        filled, unfilled = quote(database, person), quote(database, person)
        fill(database, person, filled.id)

        def remaining() -> set[UUID]:
            with database.transaction() as session:
                trading.delete_expired_quotes(session)
                rows = session.rows("SELECT id FROM quotes WHERE user_id = %s", (person.user_id,))
            return {row[0] for row in rows}

        market.move_to(unfilled.expires_at + timedelta(days=7))
        assert remaining() == {filled.id, unfilled.id}
        market.shift(timedelta(microseconds=1))
        assert remaining() == {filled.id}
