"""Price rules and deliveries in CSV files."""

import csv
import io
from collections.abc import Mapping, Sequence
from uuid import UUID

import pytest

from app.access import Actor, Role
from app.imports import queries, service
from app.imports.queries import ImportSummary
from app.imports.rules import ImportState, RowOutcome
from app.kit.db import Database
from app.vault.lots.models import Lot
from tests.mailbox import run_pending_jobs
from tests.people import People, set_prices
from tests.rows import read_values
from tests.shop.sales_range import SalesRange, tier
from tests.vault.goods import Goods

JOBS = ("imports.check_rows", "imports.apply_rows")


@pytest.fixture
def keeper(people: People) -> Actor:
    return people.staff(Role.INVENTORY)


def send(
    database: Database, keeper: Actor, kind: str, rows: Sequence[Mapping[str, str]]
) -> ImportSummary:
    """Send a file with these rows, and return the import as it was checked."""
    output = io.StringIO()
    writer = csv.DictWriter(output, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    raw = output.getvalue().encode()
    with database.transaction() as session:
        import_id = service.request_import(session, keeper, kind, raw=raw, file_name="a.csv")
    run_pending_jobs(database, JOBS[0])
    with database.reading() as session:
        return queries.get_import(session, keeper, import_id)


def apply(database: Database, keeper: Actor, import_id: UUID) -> ImportSummary:
    """Confirm an import, and return it as it ended."""
    with database.transaction() as session:
        service.confirm_import(session, keeper, import_id)
    run_pending_jobs(database, JOBS[1])
    with database.reading() as session:
        return queries.get_import(session, keeper, import_id)


def outcomes(database: Database, import_id: UUID) -> list[tuple[RowOutcome, str, set[str]]]:
    with database.reading() as session:
        rows = [
            *queries.list_rows(session, import_id, is_wrong=False),
            *queries.list_rows(session, import_id, is_wrong=True),
        ]
    return [(row.outcome, row.subject, set(row.problems)) for row in rows]


def export(database: Database, keeper: Actor, kind: str) -> list[dict[str, str]]:
    with database.transaction() as session:
        text = service.export(session, keeper, kind).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


class TestPriceRules:
    """A row for each rule."""

    def test_rules_are_changed_added_and_left_and_exported_as_they_can_be_imported(
        self, database: Database, keeper: Actor
    ) -> None:
        set_prices(database, AU="4000")
        goods = SalesRange(database)
        known, same, new = goods.add(tier("5")), goods.add(tier("5")), goods.add()
        rows = [
            {"sku": known, "tiers": "1, 5.2; 10, 4.25, 0.50"},
            {"sku": same, "tiers": "1, 5"},
            {"sku": new, "tiers": "1, 4"},
        ]
        checked = send(database, keeper, "price_rules", rows)
        assert outcomes(database, checked.id) == [
            (RowOutcome.CHANGED, known, set()),
            (RowOutcome.SAME, same, set()),
            (RowOutcome.ADDED, new, set()),
        ]
        assert apply(database, keeper, checked.id).state is ImportState.DONE
        own = {known, same, new}
        exported = [row for row in export(database, keeper, "price_rules") if row["sku"] in own]
        assert {row["sku"]: row["tiers"] for row in exported} == {
            known: "1, 5.2, 0, 0; 10, 4.25, 0.5, 0",
            same: "1, 5, 0, 0",
            new: "1, 4, 0, 0",
        }
        again = send(database, keeper, "price_rules", exported)
        assert (again.same_count, again.changed_count, again.wrong_count) == (3, 0, 0)

    def test_rule_that_moves_a_price_far_is_left_to_two_people(
        self, database: Database, keeper: Actor
    ) -> None:
        set_prices(database, AU="4000")
        sku = SalesRange(database).add(tier("5"))
        checked = send(database, keeper, "price_rules", [{"sku": sku, "tiers": "1, 50"}])
        assert checked.state is ImportState.WRONG
        assert outcomes(database, checked.id) == [(RowOutcome.WRONG, sku, {"tiers"})]

    @pytest.mark.parametrize(
        ("cells", "column"),
        [
            ({"sku": "", "metal": ""}, "sku"),
            ({"metal": "AU"}, "sku"),
            ({"sku": "NO-SUCH-SKU"}, "sku"),
            ({"sku": "", "category": "nowhere"}, "category"),
            ({"sku": "", "metal": "XX"}, "metal"),
            ({"form": "coin"}, "form"),
            ({"sku": "", "metal": "AU", "form": "spoon"}, "form"),
            ({"tiers": "1, a"}, "tiers"),
            ({"tiers": " ; "}, "tiers"),
            ({"first_day": "tomorrow"}, "first_day"),
            ({"last_day": "2020-01-01"}, "last_day"),
        ],
    )
    def test_wrong_cell_is_named(
        self, database: Database, keeper: Actor, cells: dict[str, str], column: str
    ) -> None:
        set_prices(database, AU="4000")
        row = {
            "sku": SalesRange(database).add(tier("5")), "category": "", "metal": "", "form": "",
            "tiers": "1, 5.1", "first_day": "", "last_day": "",
        }  # fmt: skip
        checked = send(database, keeper, "price_rules", [row | cells])
        [(outcome, _subject, problems)] = outcomes(database, checked.id)
        assert (outcome, problems) == (RowOutcome.WRONG, {column})


class TestDeliveries:
    """A row for each product of a delivery."""

    @pytest.fixture
    def row(self, people: People) -> dict[str, str]:
        goods = Goods.at_a_new_location(people)
        return {
            "sku": goods.sku, "location": goods.location.code, "units": "10", "cost": "41000.00",
            "spot": "4000", "supplier": "The mint", "supplier_reference": f"INV-{goods.sku}",
        }  # fmt: skip

    def test_delivery_is_received_once_and_exported_as_it_came(
        self, database: Database, keeper: Actor, row: dict[str, str]
    ) -> None:
        checked = send(database, keeper, "deliveries", [row])
        assert checked.added_count == 1
        assert apply(database, keeper, checked.id).state is ImportState.DONE
        again = send(database, keeper, "deliveries", [row])
        assert (again.same_count, again.added_count) == (1, 0)
        assert row in export(database, keeper, "deliveries")
        with database.reading() as session:
            assert read_values(session, Lot.units, Lot.sku == row["sku"]) == [10]
        changed = send(database, keeper, "deliveries", [row | {"units": "11"}])
        assert [each[2] for each in outcomes(database, changed.id)] == [{"units"}]

    @pytest.mark.parametrize(
        ("column", "cell"),
        [
            ("sku", "NO-SUCH-SKU"),
            ("location", "NOWHERE"),
            ("units", "1.5"),
            ("cost", "much"),
            ("spot", "0"),
            ("supplier", " "),
            ("supplier_reference", ""),
        ],
    )
    def test_wrong_cell_is_named(
        self, database: Database, keeper: Actor, row: dict[str, str], column: str, cell: str
    ) -> None:
        checked = send(database, keeper, "deliveries", [row | {column: cell}])
        assert [each[2] for each in outcomes(database, checked.id)] == [{column}]
