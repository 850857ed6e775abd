"""Exposure from the ledger, the open quotes and its record."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from app.access import Actor
from app.catalog.rules import METAL_OF, TRADABLE, Metal, Wallet
from app.funding.transfers import service as transfers
from app.hedging import queries as hedging_queries
from app.hedging import service as hedging
from app.hedging.queries import Exposure
from app.hedging.rules import MetalExposure
from app.kit.db import SNAPSHOT, Database
from app.kit.money import Amount
from app.ledger import queries as ledger_queries
from app.ledger.chart import AccountClass
from app.pricing.models import MarketPriceRow
from app.trading import service as trading
from app.trading.service import Quote, RequestedConversion
from tests.people import People, set_prices
from tests.rows import delete_rows

_OWED = {AccountClass.CUSTOMER_FUNDING, AccountClass.CUSTOMER_TRADING}


@pytest.fixture(autouse=True)
def _prices(database: Database) -> None:
    set_prices(database, AU="4000", AG="50", PT="1000", PD="1200", CU="0.3", PAXG="4001")


def read_exposure(database: Database) -> Exposure:
    """Return the exposure now, after checking that it owes what is on customers' accounts."""
    with database.transaction(SNAPSHOT) as session:
        exposure = hedging_queries.current_exposure(session)
        owed = dict.fromkeys(Metal, 0)
        for line in ledger_queries.trial_balance(session):
            # What a customer owes PBCEx takes nothing off what PBCEx owes to customers.
            if line.account_class in _OWED and line.asset in METAL_OF:
                owed[METAL_OF[line.asset]] += line.units
    assert {metal.metal: metal.customer_liabilities.units for metal in exposure.metals} == owed
    return exposure


def metal_of(exposure: Exposure, metal: Metal) -> MetalExposure:
    return next(exposed for exposed in exposure.metals if exposed.metal is metal)


def moved(before: Exposure, after: Exposure, metal: Metal) -> dict[str, str]:
    """Return the figures of a metal that changed, and by how much."""
    old, new = metal_of(before, metal), metal_of(after, metal)
    names = ("customer_liabilities", "open_quotes", "net", "position")
    steps = {name: getattr(new, name) - getattr(old, name) for name in names}
    return {name: str(step) for name, step in steps.items() if step}


def requested_conversion(
    from_code: str, to_code: str, *, given: str = "", received: str = ""
) -> RequestedConversion:
    from_asset, to_asset = TRADABLE[from_code], TRADABLE[to_code]
    return RequestedConversion(
        from_asset,
        to_asset,
        Amount.parse(from_asset, given) if given else None,
        Amount.parse(to_asset, received) if received else None,
    )


def quote(database: Database, actor: Actor, requested: RequestedConversion) -> Quote:
    with database.transaction() as session:
        return trading.create_quote(session, actor, requested)


def convert(database: Database, actor: Actor, requested: RequestedConversion) -> None:
    with database.transaction() as session:
        trading.convert_at_market(session, actor, requested)


class TestExposure:
    def test_customers_balances_are_owed_and_gold_counts_in_both_forms(
        self, database: Database, people: People
    ) -> None:
        before = read_exposure(database)
        people.customer(PAXG="2", XAU_s="0.5", XAG_s="10", USD="100")
        after = read_exposure(database)
        assert moved(before, after, Metal.AU) == {
            "customer_liabilities": "2.50000000",
            "net": "-2.50000000",
        }
        assert moved(before, after, Metal.AG) == {
            "customer_liabilities": "10.00000000",
            "net": "-10.00000000",
        }
        assert moved(before, after, Metal.PT) == {}

    def test_conversion_moves_the_amount_owed_and_the_position_alike(
        self, database: Database, people: People
    ) -> None:
        actor = people.customer(USD="10000", XAG_s="10")
        before = read_exposure(database)
        convert(database, actor, requested_conversion("USD", "XAU-s", received="1.25"))
        convert(database, actor, requested_conversion("XAG-s", "USD", given="4"))
        after = read_exposure(database)
        assert moved(before, after, Metal.AU) == {
            "customer_liabilities": "1.25000000",
            "net": "-1.25000000",
            "position": "-1.25000000",
        }
        assert moved(before, after, Metal.AG) == {
            "customer_liabilities": "-4.00000000",
            "net": "4.00000000",
            "position": "4.00000000",
        }

    def test_minting_changes_no_exposure(self, database: Database, people: People) -> None:
        actor = people.customer(PAXG="2")
        before = read_exposure(database)
        with database.transaction() as session:
            transfers.transfer(
                session,
                actor,
                amount=Amount.parse(TRADABLE["PAXG"], "2"),
                origin=Wallet.FUNDING,
                destination=Wallet.TRADING,
            )
        assert moved(before, read_exposure(database), Metal.AU) == {}

    def test_open_quote_counts_until_it_is_filled(self, database: Database, people: People) -> None:
        actor = people.customer(USD="10000")
        before = read_exposure(database)
        quoted_conversion = quote(
            database, actor, requested_conversion("USD", "XAU-s", received="2")
        )
        quoted = read_exposure(database)
        assert moved(before, quoted, Metal.AU) == {
            "open_quotes": "2.00000000",
            "net": "-2.00000000",
        }
        with database.transaction() as session:
            trading.fill_quote(session, actor, quoted_conversion.id)
        assert moved(quoted, read_exposure(database), Metal.AU) == {
            "customer_liabilities": "2.00000000",
            "open_quotes": "-2.00000000",
            "position": "-2.00000000",
        }

    def test_metal_to_be_given_counts_against_metal_to_be_received(
        self, database: Database, people: People
    ) -> None:
        actor = people.customer(XAG_s="300", PAXG="1")
        before = read_exposure(database)
        quoted_conversion = quote(
            database, actor, requested_conversion("XAG-s", "XAU-s", given="100")
        )
        after = read_exposure(database)
        assert moved(before, after, Metal.AG) == {
            "open_quotes": "-100.00000000",
            "net": "100.00000000",
        }
        received = str(quoted_conversion.conversion.received)
        assert moved(before, after, Metal.AU) == {"open_quotes": received, "net": f"-{received}"}

    def test_open_quote_counts_until_it_expires(self, database: Database, people: People) -> None:
        actor = people.customer()
        start = datetime(2026, 11, 22, 9, tzinfo=UTC)
        with time_machine.travel(start, tick=False) as clock:
            set_prices(database, AU="4000")
            before = read_exposure(database)
            quote(database, actor, requested_conversion("USD", "XAU-s", received="2"))
            clock.move_to(start + timedelta(seconds=29.999))
            assert moved(before, read_exposure(database), Metal.AU)["open_quotes"] == "2.00000000"
            clock.move_to(start + timedelta(seconds=30))
            assert moved(before, read_exposure(database), Metal.AU) == {}

    def test_totals_are_in_dollars_at_each_asset_s_mid(
        self, database: Database, people: People
    ) -> None:
        before = read_exposure(database)
        people.customer(PAXG="2", XAG_s="10")
        after = read_exposure(database)
        assert before.total_net_usd is not None
        assert after.total_net_usd is not None
        assert str(after.total_net_usd - before.total_net_usd) == "-8502.00"
        assert before.total_owed_usd is not None
        assert after.total_owed_usd is not None
        assert str(after.total_owed_usd - before.total_owed_usd) == "8502.00"

    def test_metal_without_a_price_makes_the_total_unknown(
        self, database: Database, people: People
    ) -> None:
        people.customer(XPT_s="1")
        with database.transaction() as session:
            delete_rows(session, MarketPriceRow, MarketPriceRow.metal == "PT")
        exposure = read_exposure(database)
        assert metal_of(exposure, Metal.PT).net_usd is None
        assert exposure.total_net_usd is None


class TestHistory:
    def test_history_has_one_net_per_minute_for_hours_and_records_last_a_week(
        self, database: Database, people: People
    ) -> None:
        start = datetime(2031, 1, 6, 9, tzinfo=UTC)

        def record() -> None:
            with database.transaction() as session:
                hedging.record_exposure(session)

        with time_machine.travel(start, tick=False) as clock:
            set_prices(database, AG="50", PT="1000")
            before = metal_of(read_exposure(database), Metal.AG).net
            record()
            record()
            clock.move_to(start + timedelta(hours=1))
            people.customer(XAG_s="7")
            record()
            clock.shift(timedelta(seconds=30))
            people.customer(XAG_s="3")
            record()
            with database.reading() as session:
                nets = hedging_queries.exposure_history(session)[Metal.AG]
            assert [str(past.net - before) for past in nets] == ["0.00000000", "-10.00000000"]
            worth = metal_of(read_exposure(database), Metal.AG).net_usd
            assert nets[-1].net_usd == worth
            clock.move_to(start + timedelta(hours=6, seconds=1))
            with database.reading() as session:
                assert len(hedging_queries.exposure_history(session)[Metal.AG]) == 1
            clock.move_to(start + timedelta(days=7, seconds=1))
            record()
            with database.reading() as session:
                [(kept,)] = session.rows(
                    "SELECT count(DISTINCT taken_at) FROM exposures"
                    " WHERE taken_at BETWEEN %s AND %s",
                    (start, start + timedelta(days=7, seconds=1)),
                )
            assert kept == 3

    def test_history_lists_every_metal_even_without_records(self, database: Database) -> None:
        with time_machine.travel(datetime(2032, 1, 6, tzinfo=UTC)), database.reading() as session:
            assert hedging_queries.exposure_history(session) == {metal: [] for metal in Metal}
