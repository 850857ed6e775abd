"""PAXG in quotes and orders: at its own price, and with gold's, whatever the two do."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from app.access import Actor
from app.catalog.rules import DOLLARS, PAXG, TRADABLE, USD, XAG, XAU, Metal, Priced, Token, Wallet
from app.funding.transfers import service as transfers
from app.kit.db import Database, Session
from app.kit.money import Amount, Asset
from app.pricing import service as pricing
from app.pricing.errors import GateClosed, MarketHalted, PriceStale, TransferLimitExceeded
from app.pricing.gate import GateRules, TransferLimits, deviates
from app.pricing.rules import HaltReason, bid_and_ask
from app.trading import service as trading
from app.trading.rules import ConversionTerms, PricePair, passes_gate, price_of
from app.trading.service import RequestedConversion
from tests.fixed_settings import fixed_settings
from tests.people import People, set_prices
from tests.unchanged_database import database_unchanged

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
GATE_BPS = GateRules().deviation_bps_max


@pytest.fixture(autouse=True)
def market(database: Database) -> time_machine.Traveller:
    """Set gold and PAXG to 3992 to 4008, with a frozen clock."""
    with time_machine.travel(NOW, tick=False) as traveller:
        set_prices(database, AU="4000", PAXG="4000", AG="50")
        yield traveller


@pytest.fixture
def person(people: People) -> Actor:
    """A customer with dollars, PAXG and gold."""
    return people.customer(USD="9000.00", PAXG="2", XAU_s="2")


def giving(source: str, target: str, text: str = "1") -> RequestedConversion:
    asset = TRADABLE[source]
    return RequestedConversion(asset, TRADABLE[target], Amount.parse(asset, text), None)


def convert(database: Database, person: Actor, source: str, target: str, text: str = "1") -> str:
    """Convert at the market. Return what was received."""
    with database.transaction() as session:
        order = trading.convert_at_market(session, person, giving(source, target, text))
    return str(order.received)


def refused_by_all(
    database: Database,
    person: Actor,
    requested: RequestedConversion,
    refusal: type[Exception],
    change: Callable[[], None],
) -> None:
    """Assert that after the change neither a quote, nor an order of an earlier one, nor an order at
    the market goes through."""
    with database.transaction() as session:
        kept = trading.create_quote(session, person, requested)
    change()
    attempts: list[Callable[[Session], object]] = [
        lambda session: trading.create_quote(session, person, requested),
        lambda session: trading.fill_quote(session, person, kept.id),
        lambda session: trading.convert_at_market(session, person, requested),
    ]
    for attempt in attempts:
        with database_unchanged(database), pytest.raises(refusal), database.transaction() as s:
            attempt(s)


@pytest.mark.parametrize(
    ("paxg", "sold", "bought"),
    [
        # 3800 ± 20 bps: sold at 3792.40, bought at gold's 4008.
        ("3800", "3773.44", "0.24825349"),
        # 4200 ± 20 bps: sold at gold's 3992, bought at 4208.40.
        ("4200", "3972.04", "0.23643189"),
    ],
)
def test_order_has_the_less_favourable_of_the_prices_of_paxg_and_gold(
    database: Database, person: Actor, *, paxg: str, sold: str, bought: str
) -> None:
    set_prices(database, PAXG=paxg)
    assert convert(database, person, "PAXG", "USD") == sold
    assert convert(database, person, "USD", "PAXG", "1000.00") == bought


@pytest.mark.parametrize(("source", "target"), [("PAXG", "XAU-s"), ("XAU-s", "PAXG")])
@pytest.mark.parametrize("mid", ["3975.99", "4024.01"])
def test_orders_between_paxg_and_gold_close_with_the_gate(
    database: Database, person: Actor, source: str, target: str, mid: str
) -> None:
    refused_by_all(
        database,
        person,
        giving(source, target),
        GateClosed,
        lambda: set_prices(database, PAXG=mid),
    )
    convert(database, person, "PAXG", "USD")


@pytest.mark.parametrize("mid", ["3976", "4024"])
def test_orders_between_paxg_and_gold_are_open_up_to_the_limit(
    database: Database, person: Actor, mid: str
) -> None:
    set_prices(database, PAXG=mid)
    convert(database, person, "PAXG", "XAU-s")
    convert(database, person, "XAU-s", "PAXG")


@pytest.mark.parametrize("halted", [Metal.AU, Token.PAXG])
@pytest.mark.parametrize(
    ("source", "target"), [("PAXG", "USD"), ("USD", "PAXG"), ("PAXG", "XAG-s"), ("PAXG", "XAU-s")]
)
def test_halt_of_paxg_or_of_gold_stops_every_order_of_paxg(
    database: Database, person: Actor, source: str, target: str, halted: Priced
) -> None:
    def halt() -> None:
        with database.transaction() as session:
            pricing.halt_market(session, None, halted, HaltReason.PRICES, note="a test")

    refused_by_all(database, person, giving(source, target), MarketHalted, halt)


def test_halt_of_paxg_leaves_gold_open(database: Database, person: Actor) -> None:
    with database.transaction() as session:
        pricing.halt_market(session, None, Token.PAXG, HaltReason.PRICES, note="a test")
    convert(database, person, "XAU-s", "USD")


@pytest.mark.parametrize("fresh", ["AU", "PAXG"])
def test_order_of_paxg_needs_two_fresh_prices(
    database: Database, person: Actor, market: time_machine.Traveller, fresh: str
) -> None:
    def age() -> None:
        market.shift(timedelta(seconds=61))
        set_prices(database, **{fresh: "4000"})

    with database.transaction() as session:
        trading.create_quote(session, person, giving("PAXG", "USD"))
    age()
    for act in (trading.create_quote, trading.convert_at_market):
        with database_unchanged(database), pytest.raises(PriceStale), database.transaction() as s:
            act(s, person, giving("PAXG", "USD"))


def transfer(database: Database, person: Actor, text: str) -> None:
    with database.transaction() as session:
        transfers.transfer(
            session,
            person,
            amount=Amount.parse(PAXG, text),
            origin=Wallet.FUNDING,
            destination=Wallet.TRADING,
        )


def test_order_between_paxg_and_gold_has_the_size_of_a_transfer_at_most(
    database: Database, people: People
) -> None:
    person = people.customer(PAXG="1000", XAU_s="1000")
    for source, target in (("PAXG", "XAU-s"), ("XAU-s", "PAXG")):
        too_large = giving(source, target, "100.00000001")
        for act in (trading.create_quote, trading.convert_at_market):
            with (
                database_unchanged(database),
                pytest.raises(TransferLimitExceeded, match="100 troy ounces"),
                database.transaction() as session,
            ):
                act(session, person, too_large)
        convert(database, person, source, target, "100")
    convert(database, person, "PAXG", "USD", "900")


def test_ounces_of_orders_and_transfers_count_to_one_limit(
    database: Database, people: People, market: time_machine.Traveller
) -> None:
    person = people.customer(PAXG="5", XAU_s="5", USD="9000.00")
    with fixed_settings(TransferLimits(ounces_per_day=Decimal(3))):
        transfer(database, person, "1")
        convert(database, person, "PAXG", "XAU-s", "0.5")
        # Neither bought nor sold metal counts.
        convert(database, person, "USD", "PAXG", "4000.00")
        convert(database, person, "XAU-s", "USD", "1")
        with database.transaction() as session:
            kept = trading.create_quote(session, person, giving("XAU-s", "PAXG", "1.5"))
        for refused in (
            lambda: convert(database, person, "PAXG", "XAU-s", "1.50000001"),
            lambda: transfer(database, person, "1.50000001"),
        ):
            with database_unchanged(database), pytest.raises(TransferLimitExceeded):
                refused()
        with database.transaction() as session:
            trading.fill_quote(session, person, kept.id)
        with database_unchanged(database), pytest.raises(TransferLimitExceeded):
            convert(database, person, "XAU-s", "PAXG", "0.00000100")
        with database_unchanged(database), pytest.raises(TransferLimitExceeded):
            transfer(database, person, "0.0001")
        market.shift(timedelta(days=1))
        set_prices(database, AU="4000", PAXG="4000")
        convert(database, person, "XAU-s", "PAXG", "3")


@pytest.mark.parametrize("side", [-1, 1], ids=["PAXG below gold", "PAXG above gold"])
def test_exchange_by_weight_pays_no_one_who_trades_paxg_elsewhere(
    database: Database, people: People, side: int
) -> None:
    """Where the gate is just open: PAXG from elsewhere sold as gold, or gold taken out as PAXG."""
    elsewhere = Decimal(4000) * (10_000 + side * GATE_BPS) / 10_000
    set_prices(database, PAXG=str(elsewhere))
    person = people.customer(USD="9000.00", PAXG="1")
    one = Amount.parse(PAXG, "1")
    with database.transaction() as session:
        if side < 0:
            transfers.transfer(
                session, person, amount=one, origin=Wallet.FUNDING, destination=Wallet.TRADING
            )
            sold = trading.convert_at_market(session, person, giving("XAU-s", "USD"))
            assert Decimal(str(sold.received)) < elsewhere
        else:
            gold = Amount(XAU, one.units)
            wanted = RequestedConversion(USD, XAU, None, gold)
            bought = trading.convert_at_market(session, person, wanted)
            transfers.transfer(
                session, person, amount=gold, origin=Wallet.TRADING, destination=Wallet.FUNDING
            )
            assert elsewhere < Decimal(str(bought.given))


METALS = (PAXG, XAU, XAG)
mids = st.decimals("3000", "5000", places=2)
half_bps = st.decimals("0", "200", places=2)


@st.composite
def markets(draw: st.DrawFn) -> tuple[dict[Priced, PricePair], bool]:
    """Return prices of gold, PAXG and silver, each with a spread of its own, and whether the gate
    is open. PAXG is mostly near gold, where the gate is."""
    gold = draw(mids)
    near = gold * (10_000 + draw(st.integers(-150, 150))) / 10_000
    token = draw(st.one_of(st.just(near.quantize(Decimal("0.01"))), mids))
    prices: dict[Priced, PricePair] = {
        priced: PricePair(*bid_and_ask(mid, draw(half_bps)), mid)
        for priced, mid in ((Metal.AU, gold), (Token.PAXG, token), (Metal.AG, gold / 80))
    }
    return prices, not deviates(token, gold, GATE_BPS)


def _steps(asset: Asset, *, gate_is_open: bool) -> list[tuple[Asset, bool]]:
    """Return where an asset can go next, and whether by weight instead of by price."""
    by_price = [
        (other, False)
        for other in (*DOLLARS, *METALS)
        if other != asset and (gate_is_open or not passes_gate(asset, other))
    ]
    twin = {PAXG: XAU, XAU: PAXG}.get(asset)
    return by_price + ([(twin, True)] if twin and gate_is_open else [])


@given(
    markets(),
    st.sampled_from([*DOLLARS, *METALS]),
    st.integers(1, 10**12),
    st.lists(st.integers(0, 100), min_size=1, max_size=5),
)
def test_no_cycle_of_conversions_and_transfers_makes_a_profit(
    market_prices: tuple[dict[Priced, PricePair], bool],
    start: Asset,
    units: int,
    choices: list[int],
) -> None:
    """Without any fee, and with as many steps as a customer likes."""
    prices, gate_is_open = market_prices
    held, asset = units, start

    def go(target: Asset, *, by_weight: bool) -> None:
        nonlocal held, asset
        if not by_weight:
            terms = ConversionTerms(
                asset, target, price_of(asset, prices), price_of(target, prices), 0
            )
            held = terms.received_for(held)
        asset = target

    for choice in choices:
        steps = _steps(asset, gate_is_open=gate_is_open)
        target, by_weight = steps[choice % len(steps)]
        go(target, by_weight=by_weight)
    if asset != start:
        if not gate_is_open and passes_gate(asset, start):
            go(USD, by_weight=False)
        go(start, by_weight=False)
    assert held <= units
