"""Bars with serials: what they weigh, what each cost, and that an act names the bars it moves."""

from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog.products.rules import OUNCE
from app.catalog.rules import Metal
from app.kit import clock, ids
from app.kit.db import Database
from app.kit.errors import Invalid
from app.ledger import service as ledger
from app.ledger.chart import AccountClass
from app.vault.bars import queries as bars_queries
from app.vault.bars.errors import BarInVault, SerialMismatch
from app.vault.bars.queries import BarRow
from app.vault.bars.rules import BarState, fine_units, parse_bars, parse_fineness, weigh
from app.vault.lots.rules import share_out
from app.vault.personal import PERSONAL_DATA
from tests.people import People
from tests.unchanged_database import database_unchanged
from tests.vault.goods import GOLD_BAR, SILVER_BAR, Goods, postings_of

AVAILABLE, QUARANTINE = AccountClass.STOCK_AVAILABLE, AccountClass.STOCK_QUARANTINE
ALLOCATED, PICKED = AccountClass.STOCK_ALLOCATED, AccountClass.STOCK_PICKED


@pytest.fixture
def gold(people: People) -> Goods:
    return Goods.at_a_new_location(people, GOLD_BAR)


def receive_two(goods: Goods) -> tuple[UUID, UUID]:
    """Receive bars of 401.125 and 398.975 ounces gross, fine 399.440 and 398.935, for 950.38
    dollars more than they are worth while gold is at 3,900."""
    code = ids.new().hex[-8:].upper()
    first, second = goods.receive_bars(
        f"A{code}, Rand Refinery, 401.125, 995.8, 2023, AS-1\nB{code}, Valcambi, 398.975, .9999",
        cost="3114612.88",
    )
    return first, second


def read_bar(database: Database, lot_id: UUID) -> BarRow:
    with database.reading() as session:
        return bars_queries.get_bar(session, lot_id)


@pytest.mark.parametrize(
    ("metal", "weighed", "fineness", "gross", "fine"),
    [
        # The example of the market's own weight list.
        (Metal.AU, "401.125", "995.8", "401.125", "399.440"),
        (Metal.AU, "401.149", "995.8", "401.125", "399.440"),
        (Metal.AU, "401.15", "995.0", "401.150", "399.144"),
        # A kilobar is no large bar: what it weighs is kept.
        (Metal.AU, "32.15074657", "999.9", "32.15074657", "32.148"),
        (Metal.AU, "32.15074657", "995.0", "32.15074657", "31.990"),
        (Metal.AU, "25", "999.9", "25", "24.998"),
        (Metal.AG, "1164.99", "999.0", "1164.9", "1163.735"),
        (Metal.AG, "749.99", "999.0", "749.99", "749.240"),
    ],
)
def test_bar_weighs_what_the_market_lists(
    metal: Metal, weighed: str, fineness: str, gross: str, fine: str
) -> None:
    stated = weigh(metal, int(Decimal(weighed) * OUNCE))
    assert Decimal(stated) / OUNCE == Decimal(gross)
    assert Decimal(fine_units(stated, parse_fineness(fineness))) / OUNCE == Decimal(fine)


def test_gold_bars_are_accounted_by_fine_ounces_and_share_the_cost_by_them(
    database: Database, gold: Goods
) -> None:
    first, second = receive_two(gold)
    assert postings_of(database, ids.encode("lot", first)) == {
        ("stock.available", gold.sku): "2",
        ("stock.position", gold.sku): "-2",
        ("inventory.metal", "XAU-s"): "798.37500000",
        ("position", "XAU-s"): "-798.37500000",
        ("position", "USD"): "3113662.50",
        ("inventory.premium", "USD"): "950.38",
        ("payables", "USD"): "-3114612.88",
    }
    assert gold.lots() == {
        first: ("399.44000000", "1557816.00", "475.49"),
        second: ("398.93500000", "1555846.50", "474.89"),
    }
    assert read_bar(database, first) == BarRow(
        first, gold.sku, Metal.AU, "Rand Refinery", read_bar(database, first).serial, 2023,
        401_125 * OUNCE // 1000, Decimal("0.9958"), 399_440 * OUNCE // 1000, "AS-1",
        gold.location.code, BarState.AVAILABLE, False, None,
    )  # fmt: skip


def test_silver_bars_are_accounted_by_gross_ounces(database: Database, people: People) -> None:
    silver = Goods.at_a_new_location(people, SILVER_BAR)
    [bar] = silver.receive_bars("X 1; Asahi; 1004.57; 999.0; 2020", cost="50500", spot="50")
    postings = postings_of(database, ids.encode("lot", bar))
    assert postings["inventory.metal", "XAG-s"] == "1004.50000000"
    assert postings["inventory.premium", "USD"] == "275.00"


@given(whole=st.integers(-(10**12), 10**12), weights=st.lists(st.integers(1, 10**12), min_size=1))
def test_shares_are_the_whole_and_each_is_within_a_unit_of_its_weight(
    whole: int, weights: list[int]
) -> None:
    shares = share_out(whole, weights)
    assert sum(shares) == whole
    total = sum(weights)
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share * total - whole * weight) <= total


def test_bar_that_is_sold_costs_what_its_own_lot_cost(
    database: Database, gold: Goods, people: People
) -> None:
    _, second = receive_two(gold)
    owner = people.customer().user_id
    reference = gold.sell(owner, second, units=1, price="1600000.00", spot="4000")
    postings = postings_of(database, reference)
    assert postings["inventory.metal", "XAU-s"] == "-398.93500000"
    assert postings["sales.premium_cost", "USD"] == "474.89"
    assert postings["sales.premium", "USD"] == "-4260.00"
    sold = read_bar(database, second)
    assert (sold.state, sold.owner_id) == (BarState.ALLOCATED, owner)
    with database.reading() as session:
        [exported] = PERSONAL_DATA.export_sections(session, owner)["bars"]
    assert exported == {
        "id": sold.public_id, "sku": gold.sku, "refiner": "Valcambi", "serial": sold.serial,
        "fineness": "0.9999", "state": "allocated",
    }  # fmt: skip
    assert gold.left() == {"units": 1, "premium": "475.49"}


def test_bar_goes_to_its_owner_and_to_no_other_customer(
    database: Database, gold: Goods, people: People
) -> None:
    first, second = receive_two(gold)
    owner, other = people.customer().user_id, people.customer().user_id
    for bar, buyer in ((first, owner), (second, other)):
        gold.sell(buyer, bar, units=1, price="1600000.00", spot="4000")
        gold.change_state(1, ALLOCATED, PICKED, bar)
    with database_unchanged(database), pytest.raises(SerialMismatch):
        gold.deliver(1, other, first)
    gold.deliver(1, owner, first)
    delivered = read_bar(database, first)
    assert (delivered.state, delivered.owner_id) == (BarState.DELIVERED, owner)


def test_act_on_a_product_with_serials_names_its_bars(
    database: Database, gold: Goods, people: People
) -> None:
    first, second = receive_two(gold)
    elsewhere = Goods.at_a_new_location(people, GOLD_BAR)
    [other] = elsewhere.receive_bars(f"{ids.new().hex[-8:]}, Valcambi, 400, 999.9", cost="1570000")
    gold.change_state(1, AVAILABLE, QUARANTINE, second)
    for units, lot_ids in (
        (1, ()), (1, (first, first)), (2, (first,)), (2, (first, first)),
        (1, (second,)), (1, (other,)), (1, (ids.new(),)),
    ):  # fmt: skip
        with database_unchanged(database), pytest.raises(SerialMismatch):
            gold.reserve(units, *lot_ids)
        with database_unchanged(database), pytest.raises(SerialMismatch):
            gold.change_state(units, AVAILABLE, QUARANTINE, *lot_ids)
    gold.reserve(1, first)


def test_reserved_bar_is_for_its_reservation_only(
    database: Database, gold: Goods, people: People
) -> None:
    first, second = receive_two(gold)
    customer = people.customer().user_id
    gold.reserve(1, first)
    hold_id = gold.reserve(1, second)
    assert read_bar(database, first).is_reserved
    with database_unchanged(database), pytest.raises(SerialMismatch):
        gold.reserve(1, first)
    with database_unchanged(database), pytest.raises(SerialMismatch):
        gold.change_state(1, AVAILABLE, QUARANTINE, first)
    with database_unchanged(database), pytest.raises(SerialMismatch):
        gold.sell_reserved(customer, hold_id, first, units=1, price="1600000.00", spot="4000")
    gold.sell_reserved(customer, hold_id, second, units=1, price="1600000.00", spot="4000")


def test_bar_is_free_again_once_its_reservation_ends(database: Database, gold: Goods) -> None:
    first, _ = receive_two(gold)
    hold_id = gold.reserve(1, first)
    with database.transaction() as session:
        ledger.void_holds(session, [hold_id], at=clock.now())
    assert not read_bar(database, first).is_reserved
    gold.reserve(1, first)


def test_serial_is_in_one_vault_at_a_time(
    database: Database, gold: Goods, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    serial, owner = ids.new().hex[-8:].upper(), people.customer().user_id
    [bar] = gold.receive_bars(f"{serial}, Valcambi, 400, 999.9", cost="1570000")
    again = f"{serial}, VALCAMBI, 400, 999.9"
    with database_unchanged(database), pytest.raises(Invalid, match=serial) as refused:
        gold.receive_bars(again, cost="1570000")
    assert refused.value.field == "bars"
    # Another transaction received it since this one looked.
    with monkeypatch.context() as patch:
        patch.setattr(bars_queries, "list_serials_in_vault", lambda _session, _bars: [])
        with database_unchanged(database), pytest.raises(BarInVault):
            gold.receive_bars(again, cost="1570000")
    gold.receive_bars(f"{serial}, Asahi, 400, 999.9", cost="1570000")
    gold.sell(owner, bar, units=1, price="1600000.00", spot="4000")
    gold.change_state(1, ALLOCATED, PICKED, bar)
    gold.deliver(1, owner, bar)
    gold.receive_bars(again, cost="1570000")


def test_products_with_and_without_serials_are_received_apart(
    database: Database, gold: Goods, people: People
) -> None:
    coins = Goods.at_a_new_location(people)
    with database_unchanged(database):
        with pytest.raises(Invalid, match="page Bars"):
            gold.receive()
        with pytest.raises(Invalid, match="page Deliveries"):
            coins.receive_bars("A1, Valcambi, 1, 999.9", cost="4000")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("A1, Valcambi, 400", "Enter serial, refiner, gross weight, fineness, year and assay"),
        ("A1, Valcambi, 400, 995.0, 2020, X, Y", "Enter serial, refiner"),
        ("?, Valcambi, 400, 995.0", "Enter the serial"),
        (f"{'A' * 31}, Valcambi, 400, 995.0", "Enter the serial"),
        ("A1, , 400, 995.0", "Enter the refiner"),
        ("A1, Valcambi, heavy, 995.0", "Enter a weight in troy ounces"),
        ("A1, Valcambi, 299.975, 995.0", "A bar of this product weighs about 400.000"),
        ("A1, Valcambi, 500.025, 995.0", "A bar of this product weighs about 400.000"),
        ("A1, Valcambi, 400, 1.0", "Enter the fineness"),
        ("A1, Valcambi, 400, 99.5", "Enter the fineness"),
        ("A1, Valcambi, 400, 995.05", "Enter the fineness"),
        ("A1, Valcambi, 400, 0.99505", "Enter the fineness"),
        ("A1, Valcambi, 400, 000", "Enter the fineness"),
        ("A1, Valcambi, 400, 995.0, 20", "Enter the year"),
        ("A1, Valcambi, 400, 995.0, 1799", "Enter the year"),
        ("B1, VALCAMBI, 400, 995.0", "this bar is in line 2, too"),
    ],
)
def test_list_of_bars_names_the_line_that_is_wrong(line: str, problem: str) -> None:
    text = f"Serial, refiner, gross, fineness\nb1, Valcambi, 300, .995\n\n{line}"
    with pytest.raises(Invalid, match=f"^bars: Line 4: {problem}"):
        parse_bars(text, Metal.AU, 400 * OUNCE)


def test_list_of_bars_is_read_as_spreadsheets_write_it() -> None:
    [tabs] = parse_bars("a 1\tRand, Refinery\t400.024\t995.0\t\t", Metal.AU, 400 * OUNCE)
    [quoted] = parse_bars('A 1,"Rand, Refinery",400.024,0.995', Metal.AU, 400 * OUNCE)
    assert tabs == quoted
    assert (tabs.serial, tabs.refiner, tabs.year) == ("A 1", "Rand, Refinery", None)
    assert tabs.gross_units == 400 * OUNCE


@pytest.mark.parametrize("text", ["", "Serial, refiner", "\n".join(["x"] * 7)])
def test_list_of_bars_has_bars_and_a_few_problems_at_once(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_bars(text, Metal.AU, 400 * OUNCE)
    assert refused.value.message.count("Line") <= 5
