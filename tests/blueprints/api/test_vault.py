"""The inventory over the API, as staff of the vault read it."""

from dataclasses import replace
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient

from app.access import Actor, Role
from app.catalog.products import service as products
from app.catalog.rules import Metal
from app.kit import ids
from app.kit.db import Database
from app.pricing.models import MarketPriceRow
from tests.people import PASSWORD, People, set_prices
from tests.rows import delete_rows
from tests.vault.goods import EAGLE, Goods

INVENTORY = "/api/vault/inventory"


class Keeper:
    """A client of a member of staff who keeps the vault."""

    def __init__(self, client: FlaskClient, people: People, role: Role = Role.INVENTORY) -> None:
        self.client = client
        sign_in = {"email": people.staff(role).email, "password": PASSWORD}
        tokens = client.post("/api/auth/login", json=sign_in).get_json()
        self._headers = {"Authorization": f"Bearer {tokens['accessToken']}"}

    def get(self, path: str, status: int = 200, **query: object) -> Any:
        response = self.client.get(f"{path}?{urlencode(query)}", headers=self._headers)
        assert response.status_code == status, response.text
        return response.get_json()

    def list(self, path: str, **query: object) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get(path, **query)["data"]
        return found


@pytest.fixture
def keeper(client: FlaskClient, people: People) -> Keeper:
    return Keeper(client, people)


@pytest.fixture
def goods(people: People) -> Goods:
    return Goods.at_a_new_location(people)


def test_inventory_has_the_documented_fields_with_what_a_unit_cost(
    keeper: Keeper, goods: Goods, person: Actor
) -> None:
    """Ten coins for 39,900.00 and three for 12,250.00; four of the first are sold, one reserved:
    (6 x 3,990.00 + 12,250.00) / 9 = 4,021.11."""
    goods.receive()
    goods.receive(units="3", cost="12250.00", spot="4000")
    goods.sell(person.user_id, units=4, price="16400.00", spot="4010")
    goods.reserve(1)
    [item] = keeper.list(INVENTORY, sku=goods.sku.lower())
    assert item == {
        "metal": "AU",
        "sku": goods.sku,
        "format": "COIN",
        "qtyAvailable": 8,
        "qtyReserved": 1,
        "vaultLocation": goods.location.code,
        "unitCost": "4021.11",
    }
    goods.sell(person.user_id, units=8, price="32800.00", spot="4010")
    assert [each["unitCost"] for each in keeper.list(INVENTORY, sku=goods.sku)] == ["4083.33"]


def test_inventory_is_filtered_and_paged(
    keeper: Keeper, goods: Goods, people: People, database: Database
) -> None:
    goods.receive()
    with database.transaction() as session:
        second = products.add_product(session, None, replace(EAGLE, sku=f"P-{ids.new().hex[:12]}"))
    replace(goods, sku=second).receive()
    here = {"location": goods.location.code}
    first = keeper.get(INVENTORY, limit=1, **here)
    rest = keeper.get(INVENTORY, limit=1, cursor=first["nextCursor"], **here)
    skus = [item["sku"] for item in (*first["data"], *rest["data"])]
    assert skus == sorted([goods.sku, second])
    assert rest["nextCursor"] is None
    assert keeper.list(INVENTORY, metal="AG", **here) == []
    assert len(keeper.list(INVENTORY, metal="AU", **here)) == 2
    other = keeper.get(INVENTORY, 422, cursor="MQ", **here)
    assert [problem["field"] for problem in other["errors"]] == ["cursor"]
    keeper.get(INVENTORY, 422, metal="XX")


def test_low_stock_names_what_is_low_and_what_is_gone(
    keeper: Keeper, goods: Goods, person: Actor
) -> None:
    """Fewer than five are low, none is critical: the default of a product."""
    goods.receive()
    here = {"sku": goods.sku}
    goods.reserve(5)
    assert keeper.list(f"{INVENTORY}/low-stock", **here) == []
    goods.reserve(1)
    [low] = keeper.list(f"{INVENTORY}/low-stock", **here)
    assert (low["qtyAvailable"], low["reorderBelow"], low["level"]) == (4, 5, "low")
    goods.reserve(4)
    [gone] = keeper.list(f"{INVENTORY}/low-stock", **here)
    assert (gone["qtyAvailable"], gone["qtyReserved"], gone["level"]) == (0, 10, "critical")


def test_summary_counts_what_is_ours_at_cost_and_at_the_price_of_its_metal(
    keeper: Keeper, goods: Goods, person: Actor, database: Database
) -> None:
    set_prices(database, **dict.fromkeys(Metal, "100") | {"AU": "4000"})
    before, total = _gold(keeper), keeper.get(f"{INVENTORY}/summary")["totalCostUsd"]
    goods.receive()
    goods.sell(person.user_id, units=4, price="16400.00", spot="4010")
    after = _gold(keeper)
    assert after["units"] - before["units"] == 6
    assert _difference(after, before, "ounces") == 6
    assert _difference(after, before, "costUsd") == 23940
    assert _difference(after, before, "valueUsd") == 24000
    summary = keeper.get(f"{INVENTORY}/summary")
    assert Decimal(summary["totalCostUsd"]) - Decimal(total) == 23940
    with database.transaction() as session:
        delete_rows(session, MarketPriceRow, MarketPriceRow.metal == "AU")
    assert _gold(keeper)["valueUsd"] is None
    assert keeper.get(f"{INVENTORY}/summary")["totalValueUsd"] is None


def _gold(keeper: Keeper) -> dict[str, Any]:
    metals = keeper.get(f"{INVENTORY}/summary")["metals"]
    assert [each["metal"] for each in metals] == list(Metal)
    gold, *_ = metals
    return dict(gold)


def _difference(after: dict[str, Any], before: dict[str, Any], name: str) -> Decimal:
    return Decimal(after[name]) - Decimal(before[name])


def test_staff_of_other_desks_read_no_inventory(client: FlaskClient, people: People) -> None:
    teller = Keeper(client, people, Role.TELLER)
    for path in (INVENTORY, f"{INVENTORY}/summary", f"{INVENTORY}/low-stock"):
        assert teller.get(path, 403)["code"] == "permission_denied"
