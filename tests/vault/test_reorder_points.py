"""Reorder points: a location may have one of its own, on either side of that of the product."""

from dataclasses import dataclass

import pytest

from app.access import Actor, Role
from app.audit.actions import AuditAction
from app.kit.db import Database
from app.kit.errors import Invalid, NotFound, PermissionDenied
from app.vault.alerts.queries import OPEN_ALERTS, AlertRow
from app.vault.inventory.queries import INVENTORY, InventoryRow
from app.vault.reorder_points import queries as reorder_points_queries
from app.vault.reorder_points import service as reorder_points
from app.vault.stock.queries import STOCK, StockRow
from app.vault.stock.rules import StockLevel
from tests.people import People
from tests.unchanged_database import database_unchanged
from tests.vault.goods import Goods


@dataclass(frozen=True)
class Places:
    """Ten coins here and four there, of a product that is low below five."""

    here: Goods
    there: Goods
    keeper: Actor

    def set(self, goods: Goods, below: str, **changes: object) -> None:
        wanted = {"actor": self.keeper, "sku": goods.sku, "location": goods.location.code} | changes
        with goods.database.transaction() as session:
            reorder_points.set_reorder_point(session, reorder_below=below, **wanted)

    def low(self) -> dict[str, tuple[StockLevel, int]]:
        """Return the level and the point of each open alert by location, and check that the
        lists of stock, and of the API, say the same."""
        with self.here.database.reading() as session:
            alerts = session.select(AlertRow, OPEN_ALERTS.select)
            stock = session.select(StockRow, STOCK.select)
            inventory = session.select(InventoryRow, INVENTORY.select)
        units = {row.location_code: row.available for row in stock if row.sku == self.here.sku}
        assert all(
            alert.available == units[alert.location_code]
            for alert in alerts
            if alert.sku == self.here.sku
        )
        found = {
            alert.location_code: (alert.level, alert.reorder_below)
            for alert in alerts
            if alert.sku == self.here.sku
        }
        for rows in (stock, inventory):
            assert found == {
                row.location_code: (row.level, row.reorder_below)
                for row in rows
                if row.sku == self.here.sku and row.level is not StockLevel.ENOUGH
            }
        return found


@pytest.fixture
def places(people: People) -> Places:
    here = Goods.at_a_new_location(people)
    there = here.at_another_location(people, here.location.branch_id)
    here.receive()
    there.receive(units="4", cost="15960.00")
    return Places(here, there, people.staff(Role.INVENTORY))


def test_location_is_low_below_its_own_point_and_no_other_one_is(places: Places) -> None:
    here, there = places.here.location.code, places.there.location.code
    assert places.low() == {there: (StockLevel.LOW, 5)}
    places.set(places.here, "10")
    assert places.low() == {there: (StockLevel.LOW, 5)}
    places.set(places.here, "11")
    assert places.low() == {there: (StockLevel.LOW, 5), here: (StockLevel.LOW, 11)}
    places.set(places.there, "4")
    assert places.low() == {here: (StockLevel.LOW, 11)}
    places.there.reserve(1)
    assert places.low()[there] == (StockLevel.LOW, 4)
    places.set(places.here, "")
    assert places.low() == {there: (StockLevel.LOW, 4)}


def test_point_of_zero_means_that_none_need_be_there(places: Places) -> None:
    places.set(places.there, "0")
    places.there.reserve(4)
    assert places.low() == {}


def test_points_are_listed_and_the_audit_trail_has_both_values(
    database: Database, places: Places
) -> None:
    places.set(places.here, "7")
    places.set(places.here, "8")
    with database.reading() as session:
        points = reorder_points_queries.list_reorder_points(session, places.here.sku)
        recorded = session.rows(
            "SELECT before, after FROM audit_records WHERE action = %s AND subject = %s"
            " ORDER BY id",
            (AuditAction.REORDER_POINT_SET, places.here.sku),
        )
    assert [(point.location_code, point.reorder_below) for point in points] == [
        (places.here.location.code, 8)
    ]
    assert [(before["reorder_below"], after["reorder_below"]) for before, after in recorded] == [
        (None, 7),
        (7, 8),
    ]


def test_wrong_point_is_refused_and_changes_nothing(
    database: Database, places: Places, people: People
) -> None:
    with database.transaction() as session:
        passing = places.here.at_another_location(people).location
        session.send("UPDATE locations SET kind = 'receiving' WHERE id = %s", (passing.id,))
    for below, changes, refusal, field in (
        ("-1", {}, Invalid, "reorder_below"),
        ("1.5", {}, Invalid, "reorder_below"),
        ("5", {"location": "NOWHERE"}, Invalid, "location"),
        ("5", {"location": passing.code}, Invalid, "location"),
        ("5", {"sku": "NO-SUCH-COIN"}, NotFound, ""),
        ("5", {"actor": people.staff(Role.SUPPORT)}, PermissionDenied, ""),
    ):
        with database_unchanged(database), pytest.raises(refusal) as refused:
            places.set(places.here, below, **changes)
        assert refused.value.field == field
