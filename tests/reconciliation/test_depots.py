"""What a partner's depot states is compared with what the ledger had there at that time."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.cases.models import Case
from app.kit import clock, ids
from app.kit.db import Database
from app.kit.ports import provide, resolve
from app.ledger.chart import AccountClass
from app.providers.ports import Listing
from app.reconciliation.queries import ReconciliationRun, latest_runs
from app.reconciliation.service import compare_source
from app.vault.depots.ports import DepotKeepers, DepotLine, DepotStatement
from app.vault.locations.models import Location
from app.vault.locations.rules import LocationKind
from sandbox.faults import FaultMode
from tests.people import People
from tests.provider_sandbox import Sandbox
from tests.rows import change_rows, read_values
from tests.vault.goods import GOLD_BAR, Goods

NAME, SOURCE = "depository", "depository inventory"
Keep = Callable[..., Any]


@pytest.fixture
def depot(people: People) -> Iterator[Goods]:
    """A depot with ten eagles, which is none for the tests that follow."""
    depot = Goods.at_a_new_location(people)
    depot.receive()
    set_kind(depot, LocationKind.DEPOT)
    yield depot
    set_kind(depot, LocationKind.VAULT)


def set_kind(goods: Goods, kind: LocationKind) -> None:
    with goods.database.transaction() as session:
        change_rows(session, Location, Location.id == goods.location.id, kind=kind)


@pytest.fixture
def keep(sandbox: Sandbox, depot: Goods) -> Keep:
    """Return a function that lets the depot keep units of a product, and state them as of now."""

    def keep(quantity: int, sku: str = "", **changes: Any) -> None:
        item = {"sku": sku or depot.sku, "quantity": quantity, "as_of": clock.now().isoformat()}
        sandbox.call_control(NAME, "/inventory", account=depot.location.code, **item | changes)

    return keep


def compare(database: Database) -> ReconciliationRun:
    compare_source(database, SOURCE, clock.now() - timedelta(days=1))
    with database.reading() as session:
        [run] = [run for run in latest_runs(session) if run.source == SOURCE]
    return run


def findings(depot: Goods, sku: str = "") -> list[str]:
    """Return the titles of the cases about a product in the depot."""
    key = f"{SOURCE}:{depot.location.code}:{sku or depot.sku}"
    with depot.database.reading() as session:
        return read_values(session, Case.title, Case.key == key)


def test_depot_that_agrees_has_no_finding(depot: Goods, keep: Keep, people: People) -> None:
    """What is sold is still there, until it is delivered; what is on its way is not."""
    depot.sell(people.customer().user_id, units=3, price="12300.00", spot="4000")
    depot.change_state(2, AccountClass.STOCK_AVAILABLE, AccountClass.STOCK_IN_TRANSIT)
    keep(8)
    run = compare(depot.database)
    assert findings(depot) == []
    assert (run.compared, run.differences, run.failure) == (1, 0, None)


def test_depot_of_a_partner_is_compared_with_the_partner_alone(depot: Goods) -> None:
    class Partner:
        name, account = "jmb", depot.location.code

        def statement(self, _account: str) -> DepotStatement:
            return DepotStatement(clock.now(), Listing([DepotLine(depot.sku, 9)]))

    provide(DepotKeepers, DepotKeepers({**resolve(DepotKeepers), "jmb": Partner()}))
    assert compare(depot.database).compared == 0
    compare_source(depot.database, "jmb inventory", clock.now())
    key = f"jmb inventory:{depot.location.code}:{depot.sku}"
    with depot.database.reading() as session:
        titles = read_values(session, Case.title, Case.key == key)
    assert titles == ["The units in a depot differ from our books"]


def test_units_that_differ_are_one_case(depot: Goods, keep: Keep) -> None:
    keep(9)
    assert [compare(depot.database).differences for _ in range(2)] == [1, 1]
    assert findings(depot) == ["The units in a depot differ from our books"]


def test_what_came_after_the_statement_is_no_difference(depot: Goods, keep: Keep) -> None:
    stated_at = clock.now()
    depot.receive(units="5", cost="19950.00")
    keep(10, as_of=clock.rfc3339(stated_at))
    assert compare(depot.database).differences == 0


def test_odd_products_of_a_statement_are_cases(depot: Goods, keep: Keep, sandbox: Sandbox) -> None:
    """One that we do not have, one that is listed twice, and one that is not listed."""
    keep(4, sku="NO-SUCH-COIN")
    sandbox.add_odd_row(NAME, "inventory.get", {"sku": "TWICE", "quantity": 1})
    sandbox.add_odd_row(NAME, "inventory.get", {"sku": "TWICE", "quantity": 1})
    assert compare(depot.database).differences == 3
    assert findings(depot, "NO-SUCH-COIN") == ["A depot lists a product that we do not have"]
    assert findings(depot, "TWICE") == ["A depot lists a product more than once"]
    assert findings(depot) == ["The units in a depot differ from our books"]


def test_row_that_cannot_be_read_is_a_case_and_no_missing_product(
    depot: Goods, keep: Keep, sandbox: Sandbox
) -> None:
    keep(0, sku="NO-SUCH-COIN")
    sandbox.add_odd_row(NAME, "inventory.get", {"sku": depot.sku, "quantity": "ten"})
    assert compare(depot.database).differences == 2
    assert findings(depot) == []
    key = f"{NAME}:inventory of {depot.location.code}:{depot.sku}"
    with depot.database.reading() as session:
        assert read_values(session, Case.kind, Case.key == key) == ["provider.row"]


@pytest.mark.parametrize("age", [timedelta(hours=37), timedelta(minutes=-6)])
def test_statement_of_another_day_is_not_compared(depot: Goods, keep: Keep, age: timedelta) -> None:
    keep(1, as_of=clock.rfc3339(clock.now() - age))
    run = compare(depot.database)
    assert run.differences == 0
    assert f"The statement of {depot.location.code} is of" in str(run.failure)


def test_depot_without_a_statement_leaves_the_run_unfinished(
    depot: Goods, keep: Keep, sandbox: Sandbox
) -> None:
    assert "account_not_found" in str(compare(depot.database).failure)
    keep(10)
    sandbox.schedule_fault(NAME, "inventory.get", FaultMode.DOWN, times=3)
    run = compare(depot.database)
    assert (run.differences, "503" in str(run.failure)) == (0, True)
    assert compare(depot.database).failure is None


def test_bars_that_differ_are_a_case(
    people: People, sandbox: Sandbox, depot: Goods, keep: Keep
) -> None:
    """Units agree, serials do not; the bar that came after the statement is left out."""
    keep(10)
    bars = replace(depot, sku=Goods.at_a_new_location(people, GOLD_BAR).sku)
    first, second, third = (f"{code}{ids.new().hex[-8:].upper()}" for code in "ABC")
    for serial in (first, second):
        bars.receive_bars(f"{serial}, Valcambi, 400, 999.9", cost="1570000")
    stated_at = clock.rfc3339(clock.now())
    bars.receive_bars(f"{third}, Valcambi, 400, 999.9", cost="1570000")
    keep(2, sku=bars.sku, serials=[second, first], as_of=stated_at)
    assert compare(depot.database).differences == 0
    keep(2, sku=bars.sku, serials=[second, third], as_of=stated_at)
    assert compare(depot.database).differences == 1
    assert findings(depot, bars.sku) == ["The bars in a depot differ from our books"]
