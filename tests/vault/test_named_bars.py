"""Bars that staff name by serial, to send, receive, adjust and examine them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from uuid import UUID

import pytest

from app.access import Actor, Role
from app.kit import ids
from app.kit.db import Database, Session
from app.kit.errors import Invalid
from app.vault.adjustments import service as adjustments
from app.vault.adjustments.models import StockAdjustment
from app.vault.adjustments.service import NewAdjustment
from app.vault.assays import service as assays
from app.vault.assays.service import NewAssay
from app.vault.bars import queries as bars_queries
from app.vault.bars.rules import BarState, NamedBar, parse_named_bars
from app.vault.counts import booking
from app.vault.counts import service as counts
from app.vault.counts.errors import SerialsNotCounted
from app.vault.lots import queries as lots_queries
from app.vault.movements.rules import label_of
from app.vault.transfers import service as stock_transfers
from app.vault.transfers.rules import parse_lines
from tests.people import People, set_prices
from tests.rows import read_values
from tests.second_person import approve
from tests.unchanged_database import database_unchanged
from tests.vault.goods import GOLD_BAR, Goods, postings_of


@dataclass(frozen=True)
class Vault:
    """Bars A and B of two refiners, of 399.440 and 398.935 ounces, with premiums of 475.49 and
    474.89, and a bar T of each refiner; another location; two people of the vault, one of
    compliance."""

    database: Database
    here: Goods
    there: Goods
    keeper: Actor
    assayer: Actor
    checker: Actor
    lots: dict[str, UUID]

    def serial(self, letter: str) -> str:
        return letter + self.here.location.code[-8:]

    def state(self, letter: str) -> tuple[BarState, str]:
        """Return the state of a bar, and the code of its location."""
        with self.database.reading() as session:
            bar = bars_queries.get_bar(session, self.lots[letter])
        return bar.state, bar.location_code

    def send(self, serials: str) -> UUID:
        """Send bars there, named as staff do; return the transfer's id."""
        lines = parse_lines(f"{self.here.sku}{serials}")
        with self.database.transaction() as session:
            return stock_transfers.send_goods(
                session, self.keeper,
                origin=self.here.location.code,
                destination=self.there.location.code,
                units_by_sku=lines,
            )  # fmt: skip

    def receive(self, transfer_id: UUID, serials: str) -> None:
        lines = parse_lines(f"{self.here.sku}: {serials}")
        with self.database.transaction() as session:
            stock_transfers.receive(session, self.keeper, transfer_id, lines)

    def adjust(self, serials: str, **changes: str) -> dict[tuple[str, str], str]:
        """Book that a bar is lost; return the entry by class and asset."""
        wanted = {
            "sku": self.here.sku, "location": self.here.location.code, "state": "available",
            "kind": "loss", "units": "1", "serials": serials,
        } | changes  # fmt: skip
        with self.database.transaction() as session:
            approval_id = adjustments.request_adjustment(
                session, self.keeper, NewAdjustment(**wanted), reason="A count was short"
            )
        approve(self.database, self.checker, approval_id)
        with self.database.reading() as session:
            is_this = StockAdjustment.approval_id == approval_id
            [adjustment_id] = read_values(session, StockAdjustment.id, is_this)
        return postings_of(self.database, ids.encode("adj", adjustment_id))

    def put_aside(self, serials: str, units: str = "1") -> UUID:
        with self.database.transaction() as session:
            return assays.put_into_quarantine(
                session, self.keeper, sku=self.here.sku, location=self.here.location.code,
                units=units, serials=serials, reason="They look pale",
            )  # fmt: skip

    def examine(self, quarantine_id: UUID, serials: str, result: str) -> None:
        assay = NewAssay("1", result, "ultrasound", "No hollow", serials)
        with self.database.transaction() as session:
            assays.record_assay(session, self.assayer, quarantine_id, assay)


@pytest.fixture
def vault(database: Database, people: People) -> Vault:
    set_prices(database, AU="4000")
    here = Goods.at_a_new_location(people, GOLD_BAR)
    code = here.location.code[-8:]
    first, second = here.receive_bars(
        f"A{code}, Rand Refinery, 401.125, 995.8\nB{code}, Valcambi, 398.975, .9999",
        cost="3114612.88",
    )
    here.receive_bars(f"T{code}, Asahi, 400, .999\nT{code}, Valcambi, 400, .999", cost="3116880")
    return Vault(
        database, here, here.at_another_location(people),
        people.staff(Role.INVENTORY), people.staff(Role.INVENTORY), people.staff(Role.COMPLIANCE),
        {"A": first, "B": second},
    )  # fmt: skip


@pytest.fixture
def refuse(database: Database) -> Callable[[Callable[[], object], str, str], None]:
    """Return a check that an act is refused, names this field, and says this."""

    def check(act: Callable[[], object], field: str, message: str) -> None:
        with database_unchanged(database), pytest.raises(Invalid, match=message) as refused:
            act()
        assert refused.value.field == field

    return check


Refuse = Callable[[Callable[[], object], str, str], None]


def test_two_bars_arrive_one_after_the_other_each_with_its_ounces_and_its_cost(
    database: Database, vault: Vault, refuse: Refuse
) -> None:
    a, b, here, there = vault.serial("A"), vault.serial("B"), vault.here, vault.there
    transfer = vault.send(f": {a}, {b}")
    other = vault.send(f": {vault.serial('T')} (asahi)")
    assert vault.state("A") == (BarState.IN_TRANSIT, here.location.code)
    vault.receive(transfer, b)
    assert there.entry(f"{ids.encode('stf', transfer)}:received:1") == {
        ("stock.in_transit", here.location.id): "-1",
        ("stock.available", there.location.id): "1",
        ("stock.position", here.location.branch_id): "1",
        ("stock.position", there.location.branch_id): "-1",
        ("inventory.metal", here.location.branch_id): "-398.93500000",
        ("inventory.metal", there.location.branch_id): "398.93500000",
        ("inventory.premium", here.location.branch_id): "-474.89",
        ("inventory.premium", there.location.branch_id): "474.89",
    }
    assert vault.state("B") == (BarState.AVAILABLE, there.location.code)
    # One that has arrived, and one of another transfer.
    refuse(lambda: vault.receive(transfer, b), "lines", "state In transit")
    refuse(lambda: vault.receive(other, a), "lines", "state In transit")
    vault.receive(transfer, a)
    entry = there.entry(f"{ids.encode('stf', transfer)}:received:2")
    assert entry["inventory.metal", there.location.branch_id] == "399.44000000"
    assert entry["inventory.premium", there.location.branch_id] == "475.49"
    assert there.left() == {"units": 2, "premium": "950.38"}


def test_bars_of_a_cancelled_transfer_are_for_sale_again(database: Database, vault: Vault) -> None:
    transfer = vault.send(f": {vault.serial('A')}\t")
    with database.transaction() as session:
        stock_transfers.cancel(session, vault.keeper, transfer)
    assert vault.state("A") == (BarState.AVAILABLE, vault.here.location.code)
    vault.send(f": {vault.serial('A')}")


def test_line_of_bars_is_refused_where_a_serial_does_not_name_one_of_them(
    vault: Vault, people: People, refuse: Refuse
) -> None:
    a, t = vault.serial("A"), vault.serial("T")
    vault.here.reserve(1, vault.lots["B"])
    for line, message in (
        (" 2", "2 units, and 0 serials"),
        (": NONE", "No bar NONE"),
        (f": {vault.serial('B')}", "not reserved"),
        (f": {a} (Valcambi)", r"No bar A\w+ \(Valcambi\)"),
        (f": {a}, {a} (rand refinery)", "named twice"),
        (f": {t}", rf"several refiners: Asahi, Valcambi.*like {t} \(Asahi\)"),
    ):
        refuse(partial(vault.send, line), "lines", message)
    coins = Goods.at_a_new_location(people)
    coins.receive()
    refuse(lambda: send_coins(vault, coins), "lines", "has no serials")


def send_coins(vault: Vault, coins: Goods) -> None:
    """Send a coin as if it had a serial."""
    with vault.database.transaction() as session:
        stock_transfers.send_goods(
            session, vault.keeper,
            origin=coins.location.code,
            destination=vault.there.location.code,
            units_by_sku=parse_lines(f"{coins.sku}: A1"),
        )  # fmt: skip


def test_lost_bar_costs_its_own_ounces_and_is_found_with_them(vault: Vault, refuse: Refuse) -> None:
    a = vault.serial("A")
    refuse(lambda: vault.adjust(""), "serials", "1 units, and 0 serials")
    refuse(lambda: vault.adjust(a, kind="found"), "serials", "state Written off")
    assert vault.adjust(a) == {
        ("stock.available", vault.here.sku): "-1",
        ("stock.position", vault.here.sku): "1",
        ("inventory.metal", "XAU-s"): "-399.44000000",
        ("position", "XAU-s"): "399.44000000",
        ("position", "USD"): "-1597760.00",
        ("inventory.premium", "USD"): "-475.49",
        ("shrinkage", "USD"): "1598235.49",
    }
    assert vault.state("A") == (BarState.WRITTEN_OFF, vault.here.location.code)
    assert vault.adjust(a, kind="found", state="quarantine") == {
        ("stock.quarantine", vault.here.sku): "1",
        ("stock.position", vault.here.sku): "-1",
        ("inventory.metal", "XAU-s"): "399.44000000",
        ("position", "XAU-s"): "-399.44000000",
        ("position", "USD"): "1597760.00",
        ("shrinkage", "USD"): "-1597760.00",
    }
    assert vault.state("A") == (BarState.QUARANTINE, vault.here.location.code)
    # What a depot's statement is compared with.
    with vault.database.reading() as session:
        history = lots_queries.list_bar_history(session, vault.lots["A"])
    assert [each.state for each in history] == [
        BarState.AVAILABLE,
        BarState.WRITTEN_OFF,
        BarState.QUARANTINE,
    ]


def test_bar_that_is_missing_from_a_transfer_is_written_off_by_its_serial(
    database: Database, vault: Vault, refuse: Refuse
) -> None:
    a, b = vault.serial("A"), vault.serial("B")
    transfer = vault.send(f": {a}, {b}")
    vault.receive(transfer, a)
    with database.transaction() as session:
        stock_transfers.close_short(session, vault.keeper, transfer, reason="A box is missing")
    missing = {"state": "in_transit", "transfer": ids.encode("stf", transfer)}
    refuse(lambda: vault.adjust(a, **missing), "serials", "state In transit")
    assert vault.adjust(b, **missing)["inventory.premium", "USD"] == "-474.89"
    assert vault.state("B") == (BarState.WRITTEN_OFF, vault.here.location.code)


def test_each_bar_in_quarantine_is_examined_once(
    database: Database, vault: Vault, refuse: Refuse
) -> None:
    a, b = vault.serial("A"), vault.serial("B")
    refuse(lambda: vault.put_aside(a, "2"), "serials", "2 units, and 1 serials")
    quarantine = vault.put_aside(f"{a}\r\n{b}\r\n", "2")
    vault.examine(quarantine, a, "failed")
    refuse(lambda: vault.examine(quarantine, a, "passed"), "serials", "state In quarantine")
    with database.reading() as session:
        assert waiting(session, quarantine) == [b]
    vault.examine(quarantine, b, "passed")
    code = vault.here.location.code
    assert vault.state("A") == (BarState.QUARANTINE, code)
    assert vault.state("B") == (BarState.AVAILABLE, code)
    assert history(database, vault, "A") == [
        ("Delivery received", BarState.AVAILABLE),
        ("Put into quarantine", BarState.QUARANTINE),
        ("Failed an assay", BarState.QUARANTINE),
    ]
    assert history(database, vault, "B")[-1] == ("Passed an assay", BarState.AVAILABLE)


def history(database: Database, vault: Vault, letter: str) -> list[tuple[str, BarState]]:
    with database.reading() as session:
        changes = lots_queries.list_bar_history(session, vault.lots[letter])
    return [(label_of(change.cause), change.state) for change in changes]


def waiting(session: Session, quarantine_id: UUID) -> list[str]:
    """Return the serials that are to be examined."""
    reference = ids.encode("qua", quarantine_id)
    found = bars_queries.list_waiting_bars(session, reference, BarState.QUARANTINE)
    return [bar.serial for bar in found]


def test_variance_of_bars_is_not_booked(database: Database, vault: Vault) -> None:
    with database.transaction() as session:
        location = vault.here.location.code
        count_id = counts.start_count(session, vault.keeper, location=location)
        counts.enter_line(session, vault.keeper, count_id, sku=vault.here.sku, units="3")
        counts.submit_count(session, vault.keeper, count_id)
    with (
        database_unchanged(database),
        pytest.raises(SerialsNotCounted),
        database.transaction() as session,
    ):
        booking.request_booking(session, vault.keeper, count_id, reason="One is missing")


def test_bars_are_named_as_people_write_and_scanners_send_them() -> None:
    assert parse_named_bars("serials", "a1,\r\nB 2 (Rand, Refinery (Pty)), c/3\n") == (
        NamedBar("A1"),
        NamedBar("B 2", "Rand, Refinery (Pty)"),
        NamedBar("C/3"),
    )
    assert parse_named_bars("serials", " ") == ()


@pytest.mark.parametrize(
    "text", ["A1, ?", "A" * 31, "(Valcambi)", "A1 (Valcambi", "A1 (x) y", "A1 ()"]
)
def test_serial_that_cannot_be_read_is_named(text: str) -> None:
    with pytest.raises(Invalid, match="is no serial"):
        parse_named_bars("serials", text)


def test_number_of_serials_has_a_limit() -> None:
    parse_named_bars("serials", "\n".join(f"A{number}" for number in range(500)))
    with pytest.raises(Invalid, match="at most 500"):
        parse_named_bars("serials", "\n".join(f"A{number}" for number in range(501)))
