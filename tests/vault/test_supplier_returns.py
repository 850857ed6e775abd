"""Returns to suppliers: what goes back is owed no more, at cost, and two people book it."""

from dataclasses import dataclass, replace
from uuid import UUID

import pytest

from app.access import Actor, Role
from app.approvals.errors import ApprovalOutdated, ApprovalPending, SelfApproval
from app.kit.db import Database
from app.kit.errors import Invalid, PermissionDenied
from app.ledger.chart import AccountClass
from app.reconciliation import invariants
from app.vault.bars import queries as bars_queries
from app.vault.bars.rules import BarState
from app.vault.lots.errors import InsufficientStock
from app.vault.movements import queries as movements_queries
from app.vault.movements.rules import label_of
from app.vault.supplier_returns import queries as supplier_returns_queries
from app.vault.supplier_returns import service as supplier_returns
from app.vault.supplier_returns.models import SupplierReturn
from app.vault.supplier_returns.queries import SupplierReturnRow
from app.vault.supplier_returns.service import NewSupplierReturn
from app.vault.transfers import service as stock_transfers
from tests.people import People
from tests.rows import read_values
from tests.second_person import approve
from tests.unchanged_database import database_unchanged
from tests.vault.goods import GOLD_BAR, Goods, postings_of

AVAILABLE, QUARANTINE = AccountClass.STOCK_AVAILABLE, AccountClass.STOCK_QUARANTINE
MINT, OTHER = "Mint of tests", "Second mint"


@dataclass(frozen=True)
class Desk:
    """Three eagles of a mint for 11,970.01 while gold is at 3,900.003333, and behind them two of
    another mint; four of the five are in quarantine."""

    database: Database
    goods: Goods
    maker: Actor
    checker: Actor

    def request(self, **changes: str) -> UUID:
        """Request that one unit goes back to the first mint."""
        wanted = {
            "sku": self.goods.sku, "location": self.goods.location.code, "units": "1",
            "supplier": MINT, "supplier_reference": "CN-12",
        }  # fmt: skip
        with self.database.transaction() as session:
            return supplier_returns.request_return(
                session, self.maker, NewSupplierReturn(**wanted | changes), reason="It failed"
            )

    def book(self, **changes: str) -> SupplierReturnRow:
        """Request and approve; return what was booked."""
        approval_id = self.request(**changes)
        approve(self.database, self.checker, approval_id)
        with self.database.reading() as session:
            is_this = SupplierReturn.approval_id == approval_id
            [return_id] = read_values(session, SupplierReturn.id, is_this)
            return supplier_returns_queries.get_return(session, return_id)


@pytest.fixture
def desk(database: Database, people: People) -> Desk:
    goods = Goods.at_a_new_location(people)
    goods.receive(units="3", cost="11970.01", spot="3900.003333")
    goods.receive(units="2", cost="7990.00", supplier=OTHER)
    goods.change_state(4, AVAILABLE, QUARANTINE)
    return Desk(database, goods, people.staff(Role.INVENTORY), people.staff(Role.COMPLIANCE))


def test_units_go_back_at_what_they_cost_and_that_much_less_is_owed(desk: Desk) -> None:
    """Three ounces at 3,900.003333 are 11,700.01, and the premium is 270.00: of each unit
    3,900.00 and 90.00."""
    returned = desk.book()
    assert postings_of(desk.database, returned.public_id) == {
        ("stock.quarantine", desk.goods.sku): "-1",
        ("stock.position", desk.goods.sku): "1",
        ("inventory.metal", "XAU-s"): "-1.00000000",
        ("position", "XAU-s"): "1.00000000",
        ("position", "USD"): "-3900.00",
        ("inventory.premium", "USD"): "-90.00",
        ("payables", "USD"): "3990.00",
    }
    assert (str(returned.cost), str(returned.premium)) == ("3990.00", "90.00")
    assert desk.goods.left() == {"units": 4, "premium": "370.00"}
    assert (desk.goods.in_state(QUARANTINE), desk.goods.available()) == (3, 1)
    with desk.database.reading() as session:
        is_this = supplier_returns_queries.RETURNS.select.where(SupplierReturn.id == returned.id)
        assert session.select(SupplierReturnRow, is_this) == [returned]
        moved = session.select(
            movements_queries.StockMovement,
            movements_queries.MOVEMENTS.select.where(
                movements_queries.Entry.reference == returned.public_id
            ),
        )
        assert [(label_of(each.cause), each.units) for each in moved] == [
            ("Returned to the supplier", -1)
        ]
        assert invariants.find_violations(session) == []


def test_lot_that_goes_back_in_steps_is_owed_no_more_to_the_cent(desk: Desk) -> None:
    """Metal of 11,700.01 is 3,900.00 for the first, and 7,800.01 for the last two."""
    first, rest = desk.book(), desk.book(units="2")
    assert [str(each.cost - each.premium) for each in (first, rest)] == ["3900.00", "7800.01"]
    assert str(first.cost + rest.cost) == "11970.01"


def test_lots_of_the_supplier_go_back_and_those_of_others_stay(desk: Desk) -> None:
    """The second mint's two units cost 3,900.00 and 95.00 each, though they came later."""
    returned = desk.book(supplier=OTHER.upper(), units="2")
    assert (str(returned.cost), str(returned.premium)) == ("7990.00", "190.00")
    assert returned.supplier == OTHER
    assert desk.goods.left() == {"units": 3, "premium": "270.00"}


def test_branch_that_received_the_goods_owes_less_where_another_one_returns_them(
    desk: Desk, people: People
) -> None:
    there = desk.goods.at_another_location(people)
    with desk.database.transaction() as session:
        transfer_id = stock_transfers.send_goods(
            session, desk.maker, origin=desk.goods.location.code, destination=there.location.code,
            units_by_sku={desk.goods.sku: 1},
        )  # fmt: skip
        stock_transfers.receive(session, desk.maker, transfer_id, {desk.goods.sku: 1})
    there.change_state(1, AVAILABLE, QUARANTINE)
    returned = replace(desk, goods=there).book()
    entry = there.entry(returned.public_id)
    assert entry["payables", desk.goods.location.branch_id] == "3990.00"
    assert entry["inventory.premium", there.location.branch_id] == "-90.00"


def test_maker_does_not_approve_and_who_may_not_adjust_cannot_ask(
    desk: Desk, people: People
) -> None:
    support = replace(desk, maker=people.staff(Role.SUPPORT))
    with database_unchanged(desk.database), pytest.raises(PermissionDenied):
        support.request()
    admin = people.staff(Role.ADMIN)
    approval_id = replace(desk, maker=admin).request()
    with database_unchanged(desk.database), pytest.raises(SelfApproval):
        approve(desk.database, admin, approval_id)
    with database_unchanged(desk.database), pytest.raises(ApprovalPending):
        desk.request()


def test_units_that_passed_meanwhile_do_not_go_back(desk: Desk) -> None:
    approval_id = desk.request()
    desk.goods.change_state(4, QUARANTINE, AVAILABLE)
    with pytest.raises(ApprovalOutdated):
        approve(desk.database, desk.checker, approval_id)
    assert desk.goods.left() == {"units": 5, "premium": "460.00"}
    with database_unchanged(desk.database), pytest.raises(InsufficientStock):
        desk.request(sku=desk.goods.sku.lower(), supplier=OTHER)


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"sku": "NO-SUCH-COIN"}, "sku", "no product"),
        ({"location": "NOWHERE"}, "location", "no location"),
        ({"units": "0"}, "units", "whole number"),
        ({"units": "4"}, "units", "delivered, 3 units"),
        ({"supplier": "Third mint"}, "supplier", "Nothing that Third mint delivered"),
        ({"supplier_reference": " "}, "supplier_reference", "characters"),
        ({"serials": "A1"}, "serials", "no serials"),
    ],
)
def test_return_names_the_field_that_is_wrong(
    desk: Desk, changes: dict[str, str], field: str, message: str
) -> None:
    with database_unchanged(desk.database), pytest.raises(Invalid, match=message) as refused:
        desk.request(**changes)
    assert refused.value.field == field


def test_named_bar_goes_back_and_may_be_delivered_again(database: Database, people: People) -> None:
    """Bar A: 399.440 fine ounces at 3,900 are 1,557,816.00, and its premium is 475.49."""
    goods = Goods.at_a_new_location(people, GOLD_BAR)
    code = goods.location.code[-8:]
    bars = f"A{code}, Rand Refinery, 401.125, 995.8\nB{code}, Valcambi, 398.975, .9999"
    a, b = goods.receive_bars(bars, cost="3114612.88")
    desk = Desk(database, goods, people.staff(Role.INVENTORY), people.staff(Role.COMPLIANCE))
    wanted = {"supplier": "Refiner of tests", "serials": f"A{code}"}
    with database_unchanged(database), pytest.raises(Invalid, match="with the state In quarantine"):
        desk.request(**wanted)
    goods.change_state(2, AVAILABLE, QUARANTINE, a, b)
    returned = desk.book(**wanted)
    assert postings_of(database, returned.public_id) == {
        ("stock.quarantine", goods.sku): "-1",
        ("stock.position", goods.sku): "1",
        ("inventory.metal", "XAU-s"): "-399.44000000",
        ("position", "XAU-s"): "399.44000000",
        ("position", "USD"): "-1557816.00",
        ("inventory.premium", "USD"): "-475.49",
        ("payables", "USD"): "1558291.49",
    }
    with database.reading() as session:
        states = [bars_queries.get_bar(session, lot_id).state for lot_id in (a, b)]
        assert states == [BarState.RETURNED, BarState.QUARANTINE]
    goods.receive_bars(bars.splitlines()[0], cost="1558291.49")
    with database.reading() as session:
        assert invariants.find_violations(session) == []
