"""Quarantine and assays: what is for sale, and who examines."""

from dataclasses import dataclass
from uuid import UUID

import pytest

from app.access import Actor, Role
from app.kit.db import Database
from app.kit.errors import Invalid, PermissionDenied
from app.ledger.chart import AccountClass
from app.vault.assays import queries
from app.vault.assays import service as assays
from app.vault.assays.errors import OwnQuarantine
from app.vault.assays.models import Quarantine
from app.vault.assays.rules import AssayResult, QuarantineStatus
from app.vault.assays.service import NewAssay
from app.vault.deliveries import service as deliveries
from app.vault.lots.errors import InsufficientStock
from tests.people import People
from tests.rows import read_values
from tests.unchanged_database import database_unchanged
from tests.vault.goods import Goods

QUARANTINE = AccountClass.STOCK_QUARANTINE


@dataclass(frozen=True)
class Laboratory:
    """Ten units at a location; a person who puts them aside, and one who examines."""

    database: Database
    goods: Goods
    keeper: Actor
    assayer: Actor

    def put_aside(self, units: str, actor: Actor | None = None, **changes: str) -> UUID:
        wanted = {"sku": self.goods.sku, "location": self.goods.location.code} | changes
        with self.database.transaction() as session:
            return assays.put_into_quarantine(
                session, actor or self.keeper, units=units, reason="They look pale", **wanted
            )

    def examine(
        self, quarantine_id: UUID, units: str, result: str, actor: Actor | None = None
    ) -> None:
        assay = NewAssay(units, result, "xrf", "Au 91.7 %")
        with self.database.transaction() as session:
            assays.record_assay(session, actor or self.assayer, quarantine_id, assay)

    def status(self, quarantine_id: UUID) -> QuarantineStatus:
        with self.database.reading() as session:
            return queries.get_quarantine(session, quarantine_id).status


@pytest.fixture
def laboratory(database: Database, people: People) -> Laboratory:
    goods = Goods.at_a_new_location(people)
    goods.receive()
    return Laboratory(database, goods, people.staff(Role.INVENTORY), people.staff(Role.INVENTORY))


def test_units_that_pass_are_for_sale_and_units_that_fail_stay(laboratory: Laboratory) -> None:
    goods, quarantine_id = laboratory.goods, laboratory.put_aside("4")
    assert (goods.available(), goods.in_state(QUARANTINE)) == (6, 4)
    assert goods.left() == {"units": 10, "premium": "900.00"}
    laboratory.examine(quarantine_id, "3", "passed")
    assert (goods.available(), goods.in_state(QUARANTINE)) == (9, 1)
    assert laboratory.status(quarantine_id) is QuarantineStatus.WAITING
    laboratory.examine(quarantine_id, "1", "failed")
    assert (goods.available(), goods.in_state(QUARANTINE)) == (9, 1)
    assert laboratory.status(quarantine_id) is QuarantineStatus.EXAMINED
    with laboratory.database.reading() as session:
        results = [each.result for each in queries.list_assays(session, quarantine_id)]
    assert results == [AssayResult.PASSED, AssayResult.FAILED]


def test_goods_are_received_into_quarantine(laboratory: Laboratory) -> None:
    goods, database = laboratory.goods, laboratory.database
    with database.transaction() as session:
        receipt = goods.receipt(units="2", cost="7980.00", quarantine="yes")
        deliveries.receive_goods(session, laboratory.keeper, receipt)
        [quarantine_id] = read_values(session, Quarantine.id, Quarantine.sku == goods.sku)
    assert (goods.available(), goods.in_state(QUARANTINE)) == (10, 2)
    with database_unchanged(database), pytest.raises(OwnQuarantine):
        laboratory.examine(quarantine_id, "2", "passed", laboratory.keeper)
    laboratory.examine(quarantine_id, "2", "passed")
    assert goods.available() == 12


def test_more_units_than_are_waiting_are_not_examined(laboratory: Laboratory) -> None:
    quarantine_id = laboratory.put_aside("2")
    laboratory.examine(quarantine_id, "1", "failed")
    with (
        database_unchanged(laboratory.database),
        pytest.raises(Invalid, match="At most 1 units") as refused,
    ):
        laboratory.examine(quarantine_id, "2", "passed")
    assert refused.value.field == "units"


def test_reserved_units_are_not_put_into_quarantine(laboratory: Laboratory) -> None:
    laboratory.goods.reserve(7)
    with database_unchanged(laboratory.database), pytest.raises(InsufficientStock):
        laboratory.put_aside("4")
    laboratory.put_aside("3")


@pytest.mark.parametrize(
    ("changes", "field"), [({"sku": "NO-SUCH-COIN"}, "sku"), ({"location": "NOWHERE"}, "location")]
)
def test_quarantine_names_the_field_that_is_wrong(
    laboratory: Laboratory, changes: dict[str, str], field: str
) -> None:
    with database_unchanged(laboratory.database), pytest.raises(Invalid) as refused:
        laboratory.put_aside("1", **changes)
    assert refused.value.field == field


def test_who_may_not_examine_can_do_no_step(laboratory: Laboratory, people: People) -> None:
    quarantine_id, auditor = laboratory.put_aside("1"), people.staff(Role.AUDITOR)
    with database_unchanged(laboratory.database), pytest.raises(PermissionDenied):
        laboratory.put_aside("1", auditor)
    with database_unchanged(laboratory.database), pytest.raises(PermissionDenied):
        laboratory.examine(quarantine_id, "1", "passed", auditor)
