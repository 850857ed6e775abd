"""Adjustments: what a loss costs, what a find is worth, and that two people book them."""

from dataclasses import dataclass
from uuid import UUID

import pytest

from app.access import Actor, Role
from app.approvals.errors import ApprovalPending, SelfApproval
from app.cases.models import Case
from app.kit import ids
from app.kit.db import Database
from app.kit.errors import Invalid, PermissionDenied
from app.ledger.chart import AccountClass
from app.pricing import queries as pricing_queries
from app.pricing.errors import PriceStale
from app.vault.adjustments import service as adjustments
from app.vault.adjustments.models import StockAdjustment
from app.vault.adjustments.service import NewAdjustment
from app.vault.lots.errors import InsufficientStock
from app.vault.lots.models import Lot
from app.vault.transfers import queries as stock_transfers_queries
from app.vault.transfers import service as stock_transfers
from app.vault.transfers.rules import StockTransferStatus
from tests.people import People, set_prices
from tests.rows import read_values
from tests.second_person import approve
from tests.unchanged_database import database_unchanged
from tests.vault.goods import Goods, postings_of


@dataclass(frozen=True)
class Desk:
    """Ten units at a location, while gold is at 4,000; a person who asks, and one who approves."""

    database: Database
    goods: Goods
    maker: Actor
    checker: Actor

    def request(self, **changes: str) -> UUID:
        """Request that three available units are lost."""
        wanted = {
            "sku": self.goods.sku,
            "location": self.goods.location.code,
            "state": "available",
            "kind": "loss",
            "units": "3",
        }
        with self.database.transaction() as session:
            return adjustments.request_adjustment(
                session, self.maker, NewAdjustment(**wanted | changes), reason="A count was short"
            )

    def book(self, **changes: str) -> dict[tuple[str, str], str]:
        """Request and approve; return the entry by class and asset."""
        approval_id = self.request(**changes)
        approve(self.database, self.checker, approval_id)
        with self.database.reading() as session:
            is_this = StockAdjustment.approval_id == approval_id
            [adjustment_id] = read_values(session, StockAdjustment.id, is_this)
        return postings_of(self.database, ids.encode("adj", adjustment_id))


@pytest.fixture
def desk(database: Database, people: People) -> Desk:
    set_prices(database, AU="4000")
    goods = Goods.at_a_new_location(people)
    goods.receive()
    return Desk(database, goods, people.staff(Role.INVENTORY), people.staff(Role.COMPLIANCE))


def test_loss_costs_the_metal_at_the_price_of_now_and_its_premium(desk: Desk) -> None:
    """Three eagles: 12,000.00 of metal, and three times 90.00 of premium."""
    assert desk.book() == {
        ("stock.available", desk.goods.sku): "-3",
        ("stock.position", desk.goods.sku): "3",
        ("inventory.metal", "XAU-s"): "-3.00000000",
        ("position", "XAU-s"): "3.00000000",
        ("position", "USD"): "-12000.00",
        ("inventory.premium", "USD"): "-270.00",
        ("shrinkage", "USD"): "12270.00",
    }
    assert desk.goods.left() == {"units": 7, "premium": "630.00"}
    assert desk.goods.available() == 7


def test_find_is_a_lot_of_its_own_at_the_price_of_now_without_premium(
    database: Database, desk: Desk
) -> None:
    assert desk.book(kind="found", units="2", state="quarantine") == {
        ("stock.quarantine", desk.goods.sku): "2",
        ("stock.position", desk.goods.sku): "-2",
        ("inventory.metal", "XAU-s"): "2.00000000",
        ("position", "XAU-s"): "-2.00000000",
        ("position", "USD"): "8000.00",
        ("shrinkage", "USD"): "-8000.00",
    }
    assert desk.goods.left() == {"units": 12, "premium": "900.00"}
    with database.reading() as session:
        is_found = (Lot.sku == desk.goods.sku, Lot.supplier == "Found")
        assert read_values(session, Lot.metal_usd, *is_found) == [800_000]


def test_maker_does_not_approve_and_the_checker_needs_the_permission(
    database: Database, desk: Desk, people: People
) -> None:
    approval_id = desk.request()
    admin, support = people.staff(Role.ADMIN), people.staff(Role.SUPPORT)
    by_admin = Desk(database, desk.goods, admin, admin).request(state="quarantine", kind="found")
    with database_unchanged(database), pytest.raises(SelfApproval):
        approve(database, admin, by_admin)
    with database_unchanged(database), pytest.raises(PermissionDenied):
        approve(database, support, approval_id)


def test_who_may_not_adjust_cannot_ask_for_it(
    database: Database, desk: Desk, people: People
) -> None:
    support = Desk(database, desk.goods, people.staff(Role.SUPPORT), desk.checker)
    with database_unchanged(database), pytest.raises(PermissionDenied):
        support.request()


def test_reserved_units_are_not_adjusted_away(database: Database, desk: Desk) -> None:
    desk.goods.reserve(8)
    approval_id = desk.request()
    with database_unchanged(database), pytest.raises(InsufficientStock):
        approve(database, desk.checker, approval_id)


def test_more_units_than_there_are_cannot_be_asked_for(database: Database, desk: Desk) -> None:
    with database_unchanged(database), pytest.raises(InsufficientStock):
        desk.request(units="11")
    desk.request(units="10")


def test_nothing_is_booked_without_an_accepted_price(
    database: Database, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    approval_id = desk.request()
    monkeypatch.setattr(
        pricing_queries, "mids_at", lambda _session, instants: {at: {} for at in instants}
    )
    with database_unchanged(database), pytest.raises(PriceStale):
        approve(database, desk.checker, approval_id)


def test_same_adjustment_is_requested_once(database: Database, desk: Desk) -> None:
    desk.request()
    with database_unchanged(database), pytest.raises(ApprovalPending):
        desk.request(units="1")


@dataclass(frozen=True)
class Shortage:
    """A transfer of four units that was closed while two were missing."""

    transfer_id: UUID
    desk: Desk

    @property
    def public_id(self) -> str:
        return ids.encode("stf", self.transfer_id)

    def book(self, units: str) -> dict[tuple[str, str], str]:
        """Write missing units off."""
        return self.desk.book(state="in_transit", transfer=self.public_id, units=units)


@pytest.fixture
def shortage(database: Database, desk: Desk, people: People) -> Shortage:
    there = desk.goods.at_another_location(people)
    with database.transaction() as session:
        transfer_id = stock_transfers.send_goods(
            session,
            desk.maker,
            origin=desk.goods.location.code,
            destination=there.location.code,
            units_by_sku={desk.goods.sku: 4},
        )
        stock_transfers.receive(session, desk.maker, transfer_id, {desk.goods.sku: 2})
        stock_transfers.close_short(session, desk.maker, transfer_id, reason="A box was open")
    return Shortage(transfer_id, desk)


def test_missing_units_of_a_transfer_are_written_off_where_they_came_from(
    database: Database, shortage: Shortage
) -> None:
    goods = shortage.desk.goods
    assert shortage.book("1") == {
        ("stock.in_transit", goods.sku): "-1",
        ("stock.position", goods.sku): "1",
        ("inventory.metal", "XAU-s"): "-1.00000000",
        ("position", "XAU-s"): "1.00000000",
        ("position", "USD"): "-4000.00",
        ("inventory.premium", "USD"): "-90.00",
        ("shrinkage", "USD"): "4090.00",
    }
    assert status(database, shortage) is StockTransferStatus.SHORT
    shortage.book("1")
    assert status(database, shortage) is StockTransferStatus.WRITTEN_OFF
    assert goods.in_state(AccountClass.STOCK_IN_TRANSIT) == 0
    with database.reading() as session:
        is_about = Case.subject == shortage.public_id
        assert read_values(session, Case.state, is_about) == ["closed"]


def status(database: Database, shortage: Shortage) -> StockTransferStatus:
    with database.reading() as session:
        return stock_transfers_queries.get_transfer(session, shortage.transfer_id).status


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"units": "3"}, "units"),
        ({"kind": "found"}, "kind"),
        ({"transfer": ""}, "transfer"),
        ({"transfer": "stf_00000000000000000000000000"}, "transfer"),
        ({"state": "available"}, "transfer"),
        ({"state": "allocated", "transfer": ""}, "state"),
        ({"sku": "NO-SUCH-COIN"}, "sku"),
        ({"location": "NOWHERE"}, "location"),
        ({"units": "0"}, "units"),
    ],
)
def test_adjustment_names_the_field_that_is_wrong(
    database: Database, shortage: Shortage, changes: dict[str, str], field: str
) -> None:
    wanted = {"state": "in_transit", "transfer": shortage.public_id, "units": "2"} | changes
    with database_unchanged(database), pytest.raises(Invalid) as refused:
        shortage.desk.request(**wanted)
    assert refused.value.field == field


def test_transfer_that_is_not_closed_short_lacks_nothing(
    database: Database, desk: Desk, people: People
) -> None:
    there = desk.goods.at_another_location(people)
    with database.transaction() as session:
        transfer_id = stock_transfers.send_goods(
            session,
            desk.maker,
            origin=desk.goods.location.code,
            destination=there.location.code,
            units_by_sku={desk.goods.sku: 4},
        )
    with database_unchanged(database), pytest.raises(Invalid, match="Nothing is missing"):
        desk.request(state="in_transit", transfer=ids.encode("stf", transfer_id))
