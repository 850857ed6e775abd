"""Transfers of goods: what each step moves, what is missing, and what is refused."""

from dataclasses import dataclass
from uuid import UUID

import pytest
import sqlalchemy as sa

from app.access import Actor, Role
from app.branches.entities.models import LegalEntity
from app.branches.entities.rules import CashReportRegime
from app.branches.models import Branch
from app.cases.models import Case
from app.kit import clock, ids
from app.kit.db import Database, Session
from app.kit.errors import Invalid, PermissionDenied
from app.vault.lots.errors import InsufficientStock
from app.vault.transfers import queries
from app.vault.transfers import service as stock_transfers
from app.vault.transfers.errors import OtherLegalEntity, StockTransferBegun, StockTransferEnded
from app.vault.transfers.rules import StockTransferStatus, parse_lines
from tests.people import People
from tests.rows import change_rows, read_values
from tests.unchanged_database import database_unchanged
from tests.vault.goods import Goods, postings_of


@dataclass(frozen=True)
class Route:
    """A location with ten units of a product, one of another branch, and a person who sends."""

    database: Database
    actor: Actor
    here: Goods
    there: Goods

    def send(self, units: int) -> UUID:
        """Send units; return the transfer's id."""
        with self.database.transaction() as session:
            return stock_transfers.send_goods(
                session,
                self.actor,
                origin=self.here.location.code,
                destination=self.there.location.code,
                units_by_sku={self.here.sku: units},
            )

    def receive(self, transfer_id: UUID, units: int) -> None:
        with self.database.transaction() as session:
            stock_transfers.receive(session, self.actor, transfer_id, {self.here.sku: units})

    def close_short(self, transfer_id: UUID) -> None:
        with self.database.transaction() as session:
            stock_transfers.close_short(session, self.actor, transfer_id, reason="A box is missing")

    def cancel(self, transfer_id: UUID) -> None:
        with self.database.transaction() as session:
            stock_transfers.cancel(session, self.actor, transfer_id)

    def status(self, transfer_id: UUID) -> StockTransferStatus:
        with self.database.reading() as session:
            return queries.get_transfer(session, transfer_id).status


@pytest.fixture
def route(database: Database, people: People) -> Route:
    here = Goods.at_a_new_location(people)
    here.receive()
    return Route(database, people.staff(Role.INVENTORY), here, here.at_another_location(people))


def test_units_that_were_sent_are_in_transit_where_they_came_from(
    database: Database, route: Route
) -> None:
    transfer = route.send(4)
    assert postings_of(database, ids.encode("stf", transfer)) == {
        ("stock.available", route.here.sku): "-4",
        ("stock.in_transit", route.here.sku): "4",
    }
    assert route.here.left() == {"units": 10, "premium": "900.00"}
    assert route.status(transfer) is StockTransferStatus.IN_TRANSIT


def test_receipt_moves_units_lots_ounces_and_premium_to_the_other_branch(
    database: Database, route: Route
) -> None:
    transfer = route.send(4)
    route.receive(transfer, 3)
    here, there = route.here.location, route.there.location
    assert route.here.entry(f"{ids.encode('stf', transfer)}:received:1") == {
        ("stock.in_transit", here.id): "-3",
        ("stock.available", there.id): "3",
        ("stock.position", here.branch_id): "3",
        ("stock.position", there.branch_id): "-3",
        ("inventory.metal", here.branch_id): "-3.00000000",
        ("inventory.metal", there.branch_id): "3.00000000",
        ("inventory.premium", here.branch_id): "-270.00",
        ("inventory.premium", there.branch_id): "270.00",
    }
    assert route.here.left() == {"units": 7, "premium": "630.00"}
    assert route.there.left() == {"units": 3, "premium": "270.00"}
    assert route.status(transfer) is StockTransferStatus.IN_TRANSIT
    route.receive(transfer, 1)
    assert route.status(transfer) is StockTransferStatus.RECEIVED
    assert route.there.available() == 4


def test_within_a_branch_a_receipt_moves_units_alone(database: Database, people: People) -> None:
    here = Goods.at_a_new_location(people)
    here.receive()
    there = here.at_another_location(people, branch_id=here.location.branch_id)
    route = Route(database, people.staff(Role.INVENTORY), here, there)
    transfer = route.send(2)
    route.receive(transfer, 2)
    assert here.entry(f"{ids.encode('stf', transfer)}:received:1") == {
        ("stock.in_transit", here.location.id): "-2",
        ("stock.available", there.location.id): "2",
    }
    assert there.left() == {"units": 2, "premium": "180.00"}


def test_no_more_is_received_than_was_sent(database: Database, route: Route) -> None:
    transfer = route.send(4)
    route.receive(transfer, 3)
    with database_unchanged(database), pytest.raises(Invalid, match="At most 1 units"):
        route.receive(transfer, 2)
    route.receive(transfer, 1)
    with database_unchanged(database), pytest.raises(StockTransferEnded):
        route.receive(transfer, 1)


def test_shortage_is_a_case_until_what_is_missing_is_found(
    database: Database, route: Route
) -> None:
    transfer = route.send(4)
    route.receive(transfer, 3)
    route.close_short(transfer)
    assert route.status(transfer) is StockTransferStatus.SHORT
    assert shortages(database, transfer) == ["open"]
    assert route.here.left() == {"units": 7, "premium": "630.00"}
    with database_unchanged(database), pytest.raises(StockTransferEnded):
        route.close_short(transfer)
    route.receive(transfer, 1)
    assert route.status(transfer) is StockTransferStatus.RECEIVED
    assert shortages(database, transfer) == ["closed"]


def shortages(database: Database, transfer: UUID) -> list[str]:
    """Return the states of the cases about a transfer."""
    with database.reading() as session:
        about = Case.subject == ids.encode("stf", transfer)
        return read_values(session, Case.state, Case.kind == "stock.shortage", about)


def test_transfer_is_cancelled_only_before_anything_was_received(
    database: Database, route: Route
) -> None:
    cancelled = route.send(4)
    route.cancel(cancelled)
    assert route.status(cancelled) is StockTransferStatus.CANCELLED
    assert route.here.available() == 10
    begun = route.send(4)
    route.receive(begun, 1)
    with database_unchanged(database), pytest.raises(StockTransferBegun):
        route.cancel(begun)
    with database_unchanged(database), pytest.raises(StockTransferEnded):
        route.receive(cancelled, 1)


def test_reserved_units_are_not_sent(database: Database, route: Route) -> None:
    route.here.reserve(7)
    with database_unchanged(database), pytest.raises(InsufficientStock):
        route.send(4)
    route.send(3)


def test_goods_go_to_another_legal_entity_by_a_sale(database: Database, route: Route) -> None:
    with database_unchanged(database), pytest.raises(OtherLegalEntity):
        send_to_another_entity(database, route)


def send_to_another_entity(database: Database, route: Route) -> None:
    """Give the other branch to a new legal entity, and send a unit there, in one transaction."""
    entity_id, branch = ids.new(), Branch.id == route.there.location.branch_id
    entity = sa.insert(LegalEntity).values(
        id=entity_id,
        code=f"E{entity_id.hex[-11:].upper()}",
        name="A company of tests",
        jurisdiction="US-DE",
        cash_report_regime=CashReportRegime.FORM_8300,
        added_at=clock.now(),
    )
    with database.transaction() as session:
        session.write(entity)
        change_rows(session, Branch, branch, legal_entity_id=entity_id)
        send(session, route)


def send(session: Session, route: Route, **changes: str) -> None:
    """Send a unit, with other values than the route's."""
    stock_transfers.send_goods(
        session,
        route.actor,
        origin=changes.get("origin", route.here.location.code),
        destination=changes.get("destination", route.there.location.code),
        units_by_sku={changes.get("sku", route.here.sku): 1},
    )


@pytest.mark.parametrize(
    ("name", "value", "field"),
    [
        ("origin", "NOWHERE", "origin"),
        ("destination", "NOWHERE", "destination"),
        ("sku", "NO-SUCH-COIN", "lines"),
    ],
)
def test_transfer_names_the_field_that_is_wrong(
    database: Database, route: Route, name: str, value: str, field: str
) -> None:
    with (
        database_unchanged(database),
        pytest.raises(Invalid) as refused,
        database.transaction() as session,
    ):
        send(session, route, **{name: value})
    assert refused.value.field == field


def test_goods_go_to_another_location(database: Database, route: Route) -> None:
    with pytest.raises(Invalid, match="another location"), database.transaction() as session:
        send(session, route, destination=route.here.location.code)


def test_who_may_not_transfer_can_do_no_step(
    database: Database, route: Route, people: People
) -> None:
    transfer, auditor = route.send(1), people.staff(Role.AUDITOR)
    unpermitted = Route(database, auditor, route.here, route.there)
    for act in (
        lambda: unpermitted.send(1),
        lambda: unpermitted.receive(transfer, 1),
        lambda: unpermitted.close_short(transfer),
        lambda: unpermitted.cancel(transfer),
    ):
        with database_unchanged(database), pytest.raises(PermissionDenied):
            act()


def test_lines_are_read_with_empty_ones_left_out() -> None:
    assert parse_lines("AU-EAGLE-1OZ 5\r\n\r\n ag-round-1oz  20 ") == {
        "AU-EAGLE-1OZ": 5,
        "AG-ROUND-1OZ": 20,
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "1 to 100 lines"),
        ("\n".join(f"AU-COIN-{number} 1" for number in range(101)), "1 to 100 lines"),
        ("AU-EAGLE-1OZ 5\nAG-ROUND-1OZ", "Line 2: enter a SKU"),
        ("AU-EAGLE-1OZ 0", "Line 1: enter a SKU"),
        ("? 5", "Line 1: enter a SKU"),
        ("AU-EAGLE-1OZ 5\nau-eagle-1oz 1", "Line 2: AU-EAGLE-1OZ is there already"),
    ],
)
def test_lines_that_cannot_be_read_are_named(text: str, message: str) -> None:
    with pytest.raises(Invalid, match=message):
        parse_lines(text)
