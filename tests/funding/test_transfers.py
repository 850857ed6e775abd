"""Transfers between PAXG and XAU-s, their refusals, and valued balances. A refusal changes
nothing."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from threading import Barrier
from uuid import uuid4

import pytest
import time_machine

from app.access import Actor
from app.catalog.rules import PAXG, TRADABLE, XAU, Metal, Wallet
from app.funding import queries as funding_queries
from app.funding.transfers import service as transfers
from app.funding.transfers.service import Transfer
from app.kit import ids
from app.kit.db import Database
from app.kit.errors import Invalid
from app.kit.money import Amount
from app.ledger import chart
from app.ledger import service as ledger
from app.ledger.errors import InsufficientFunds
from app.pricing import service as pricing
from app.pricing.errors import GateClosed, MarketHalted, PriceStale, TransferLimitExceeded
from app.pricing.gate import TransferLimits
from app.pricing.models import MarketPriceRow
from app.pricing.rules import HaltReason
from tests.fixed_settings import fixed_settings
from tests.people import People, set_prices
from tests.rows import delete_rows
from tests.unchanged_database import database_unchanged

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
FUNDING, TRADING = Wallet.FUNDING, Wallet.TRADING


@pytest.fixture(autouse=True)
def market(database: Database) -> time_machine.Traveller:
    """Set gold and PAXG to 4000, and freeze the clock."""
    with time_machine.travel(NOW, tick=False) as traveller:
        set_prices(database, AU="4000", PAXG="4000")
        yield traveller


@pytest.fixture
def gold_owner(people: People) -> Actor:
    """Return a customer with 2 PAXG and 1 XAU-s."""
    return people.customer(PAXG="2", XAU_s="1")


def transfer(
    database: Database,
    person: Actor,
    text: str,
    code: str = "PAXG",
    *,
    wallets: tuple[Wallet, Wallet] | None = None,
    limits: TransferLimits | None = None,
) -> Transfer:
    origin, destination = wallets or ((FUNDING, TRADING) if code == "PAXG" else (TRADING, FUNDING))
    with fixed_settings(limits or TransferLimits()), database.transaction() as session:
        return transfers.transfer(
            session,
            person,
            amount=Amount.parse(TRADABLE[code], text),
            origin=origin,
            destination=destination,
        )


class TestTransfer:
    @pytest.mark.parametrize(
        ("code", "cause", "left"),
        [
            ("PAXG", "mint", {"PAXG": "1.87654322", "XAU-s": "1.12345678"}),
            ("XAU-s", "burn", {"PAXG": "2.12345678", "XAU-s": "0.87654322"}),
        ],
    )
    def test_transfer_moves_gold_one_to_one_by_weight(
        self,
        database: Database,
        people: People,
        gold_owner: Actor,
        *,
        code: str,
        cause: str,
        left: dict,
    ) -> None:
        made = transfer(database, gold_owner, "0.12345678", code)
        given, received = (PAXG, XAU) if cause == "mint" else (XAU, PAXG)
        assert made == Transfer(
            made.id, Amount(given, 12_345_678), Amount(received, 12_345_678), NOW
        )
        assert people.balances(gold_owner) == left
        with database.reading() as session:
            postings = session.rows(
                """SELECT e.cause, a.class, a.asset, p.units FROM entries e
                   JOIN postings p ON p.entry_id = e.id JOIN accounts a ON a.id = p.account_id
                   WHERE e.reference = %s""",
                (ids.encode("trf", made.id),),
            )
            row = session.row(
                """SELECT user_id, from_asset, to_asset, units, transferred_at
                   FROM transfers WHERE id = %s""",
                (made.id,),
            )
        customers = {"PAXG": "customer.funding", "XAU-s": "customer.trading"}
        assert sorted(postings) == sorted(
            [
                (cause, customers[given.code], given.code, 12_345_678),
                (cause, "backing", given.code, -12_345_678),
                (cause, "backing", received.code, 12_345_678),
                (cause, customers[received.code], received.code, -12_345_678),
            ]
        )
        assert row == (gold_owner.user_id, given.code, received.code, 12_345_678, NOW)

    def test_transfer_and_back_restores_the_balances(
        self, database: Database, people: People, gold_owner: Actor
    ) -> None:
        before = people.balances(gold_owner)
        transfer(database, gold_owner, "2")
        transfer(database, gold_owner, "2", "XAU-s")
        assert people.balances(gold_owner) == before

    def test_transfer_above_the_balance_is_refused(
        self, database: Database, gold_owner: Actor
    ) -> None:
        for text, code in (("2.00000001", "PAXG"), ("1.00000001", "XAU-s")):
            with database_unchanged(database), pytest.raises(InsufficientFunds):
                transfer(database, gold_owner, text, code)

    def test_held_amount_cannot_be_transferred(self, database: Database, gold_owner: Actor) -> None:
        with database.transaction() as session:
            ledger.place_hold(
                session,
                hold_id=uuid4(),
                account=chart.customer(gold_owner.user_id, PAXG),
                amount=Amount(PAXG, 100_000_000),
                cause="test",
                placed_at=NOW,
            )
        with database_unchanged(database), pytest.raises(InsufficientFunds):
            transfer(database, gold_owner, "1.00000001")
        transfer(database, gold_owner, "1")

    @pytest.mark.parametrize(
        ("text", "code", "wallets", "field"),
        [
            ("1.00", "USD", (FUNDING, TRADING), "asset"),
            ("1", "PAXG", (TRADING, FUNDING), "asset"),
            ("1", "XAU-s", (FUNDING, TRADING), "asset"),
            ("1", "XAG-s", (TRADING, FUNDING), "asset"),
            ("1", "PAXG", (FUNDING, FUNDING), "to"),
            ("0.00009999", "PAXG", (FUNDING, TRADING), "amount"),
            ("100.00000001", "PAXG", (FUNDING, TRADING), "amount"),
        ],
    )
    def test_other_pairs_and_sizes_are_refused(
        self,
        database: Database,
        gold_owner: Actor,
        *,
        text: str,
        code: str,
        wallets: tuple[Wallet, Wallet],
        field: str,
    ) -> None:
        with database_unchanged(database), pytest.raises(Invalid) as refusal:
            transfer(database, gold_owner, text, code, wallets=wallets)
        assert refusal.value.field == field


class TestGate:
    @pytest.mark.parametrize("mid", ["3975.99", "4024.01"])
    @pytest.mark.parametrize("code", ["PAXG", "XAU-s"])
    def test_gate_is_closed_while_paxg_deviates_from_gold(
        self, database: Database, gold_owner: Actor, mid: str, code: str
    ) -> None:
        set_prices(database, PAXG=mid)
        with database_unchanged(database), pytest.raises(GateClosed):
            transfer(database, gold_owner, "1", code)
        set_prices(database, PAXG="4000")
        transfer(database, gold_owner, "1", code)

    @pytest.mark.parametrize("mid", ["3976", "4024"])
    def test_gate_is_open_up_to_the_limit(
        self, database: Database, gold_owner: Actor, mid: str
    ) -> None:
        set_prices(database, PAXG=mid)
        transfer(database, gold_owner, "1")

    @pytest.mark.parametrize(("fresh", "code"), [("AU", "PAXG"), ("PAXG", "XAU-s")])
    def test_gate_requires_two_fresh_prices(
        self,
        database: Database,
        gold_owner: Actor,
        market: time_machine.Traveller,
        *,
        fresh: str,
        code: str,
    ) -> None:
        market.shift(timedelta(seconds=61))
        set_prices(database, **{fresh: "4000"})
        with database_unchanged(database), pytest.raises(PriceStale):
            transfer(database, gold_owner, "1", code)

    def test_gate_requires_a_price_of_paxg(self, database: Database, gold_owner: Actor) -> None:
        with database.transaction() as session:
            delete_rows(session, MarketPriceRow, MarketPriceRow.metal == "PAXG")
        with database_unchanged(database), pytest.raises(PriceStale):
            transfer(database, gold_owner, "1")

    def test_gate_is_closed_while_gold_is_halted(
        self, database: Database, gold_owner: Actor
    ) -> None:
        with database.transaction() as session:
            pricing.halt_market(session, None, Metal.AU, HaltReason.PRICES, note="a test")
        with database_unchanged(database), pytest.raises(MarketHalted):
            transfer(database, gold_owner, "1")


class TestDailyLimit:
    LIMITS = TransferLimits(ounces_per_day=Decimal(3))

    def test_daily_limit_counts_both_directions(
        self, database: Database, people: People, market: time_machine.Traveller
    ) -> None:
        person = people.customer(PAXG="2", XAU_s="3")

        def move(text: str, code: str = "PAXG") -> None:
            transfer(database, person, text, code, limits=self.LIMITS)

        move("2")
        market.shift(timedelta(hours=12))
        set_prices(database, AU="4000", PAXG="4000")
        move("1", "XAU-s")
        with database_unchanged(database), pytest.raises(TransferLimitExceeded):
            move("0.0001", "XAU-s")
        other = people.customer(PAXG="3")
        transfer(database, other, "3", limits=self.LIMITS)
        # From now on the first two ounces no longer count.
        market.shift(timedelta(hours=12))
        set_prices(database, AU="4000", PAXG="4000")
        with database_unchanged(database), pytest.raises(TransferLimitExceeded):
            move("2.0001", "XAU-s")
        move("2", "XAU-s")

    def test_concurrent_transfers_stay_within_the_daily_limit(
        self, database: Database, people: People, gold_owner: Actor
    ) -> None:
        barrier = Barrier(2)

        def move(code: str) -> Transfer | TransferLimitExceeded:
            barrier.wait(timeout=30)
            try:
                return transfer(database, gold_owner, "1", code, limits=limits)
            except TransferLimitExceeded as refusal:
                return refusal

        limits = TransferLimits(ounces_per_day=Decimal("1.5"))
        with ThreadPoolExecutor(2) as pool:
            outcomes = list(pool.map(move, ["PAXG", "XAU-s"]))
        refused = [outcome for outcome in outcomes if not isinstance(outcome, Transfer)]
        assert len(refused) == 1
        with database.reading() as session:
            count = session.row(
                "SELECT count(*) FROM transfers WHERE user_id = %s", (gold_owner.user_id,)
            )
        assert count == (1,)


class TestValuedBalances:
    def test_balances_list_every_asset_with_its_value(
        self, database: Database, people: People
    ) -> None:
        set_prices(database, AG="50")
        person = people.customer(USD="10.00", PAXG="2", XAU_s="0.5", XAG_s="3")
        with database.transaction() as session:
            ledger.place_hold(
                session,
                hold_id=uuid4(),
                account=chart.customer(person.user_id, PAXG),
                amount=Amount(PAXG, 50_000_000),
                cause="test",
                placed_at=NOW,
            )
            balances = funding_queries.valued_balances(session, person.user_id)
        shown: Callable[[funding_queries.ValuedBalance], tuple[str, ...]] = lambda balance: tuple(  # noqa: E731
            str(part) for part in (balance.available, balance.held, balance.total)
        )
        assert [(balance.total.asset.code, shown(balance)) for balance in balances.funding] == [
            ("USD", ("10.00", "0.00", "10.00")),
            ("USDC", ("0.000000", "0.000000", "0.000000")),
            ("PAXG", ("1.50000000", "0.50000000", "2.00000000")),
        ]
        values = {
            balance.total.asset.code: str(balance.usd_value)
            for balance in (*balances.funding, *balances.trading)
            if balance.total
        }
        # At the bid: 3992 and 49.80.
        assert values == {"USD": "10.00", "PAXG": "7984.00", "XAU-s": "1996.00", "XAG-s": "149.40"}
        assert str(balances.total_usd) == "10139.40"
