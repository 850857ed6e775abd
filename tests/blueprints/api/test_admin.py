"""The exposure as programs of staff read it."""

from decimal import Decimal

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.access import Role
from app.kit.db import Database
from tests.page_client import Browser
from tests.people import PASSWORD, People, set_prices

_PRICES = {"AU": "4000", "AG": "50", "PT": "1000", "PD": "1200", "CU": "0.3"}


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return Browser(app).client


def token(client: FlaskClient, email: str) -> dict[str, str]:
    answer = client.post("/api/auth/login", json={"email": email, "password": PASSWORD})
    return {"Authorization": f"Bearer {answer.json['accessToken']}"}


def test_it_is_what_the_contract_says(
    client: FlaskClient, people: People, database: Database
) -> None:
    set_prices(database, **_PRICES)
    auditor = token(client, people.staff(Role.AUDITOR).email)
    before = client.get("/api/admin/exposure", headers=auditor).json
    people.customer(PAXG="1.5", XAU_s="0.50000001")
    answer = client.get("/api/admin/exposure", headers=auditor)
    assert answer.status_code == 200
    found = answer.json
    assert set(found) == {"asOf", "metals", "totalNetUsd"}
    assert [metal["metal"] for metal in found["metals"]] == list(_PRICES)
    gold, gold_before = found["metals"][0], before["metals"][0]
    assert list(gold) == [
        "metal", "customerLiabilities", "openQuotes", "vault", "custody", "inTransit", "hedged",
        "net", "netUsd", "band", "status",
    ]  # fmt: skip
    for name in ("vault", "custody", "inTransit", "hedged"):
        assert gold[name] == "0.00000000"
    owed = Decimal(gold["customerLiabilities"])
    assert owed - Decimal(gold_before["customerLiabilities"]) == Decimal("2.00000001")
    assert Decimal(gold["net"]) == -owed - Decimal(gold["openQuotes"])
    assert Decimal(gold["netUsd"]) == (Decimal(gold["net"]) * 4000).quantize(Decimal("0.01"))
    assert gold["band"] == {"low": "-100.00000000", "high": "100.00000000"}
    assert gold["status"] == ("short" if owed > 100 else "in_band")
    total = sum(Decimal(metal["netUsd"]) for metal in found["metals"])
    assert Decimal(found["totalNetUsd"]) == total


def test_dollars_are_null_without_a_price(
    client: FlaskClient, people: People, database: Database
) -> None:
    people.customer(XPT_s="1")
    with database.transaction() as session:
        session.send("DELETE FROM market_prices WHERE metal = 'PT'")
    admin = token(client, people.staff(Role.ADMIN).email)
    found = client.get("/api/admin/exposure", headers=admin).json
    assert found["metals"][2]["netUsd"] is None
    assert found["totalNetUsd"] is None


@pytest.mark.parametrize("role", [role for role in Role if role not in {Role.ADMIN, Role.AUDITOR}])
def test_only_oversight_may_read_it(client: FlaskClient, people: People, role: Role) -> None:
    headers = token(client, people.staff(role).email)
    answer = client.get("/api/admin/exposure", headers=headers)
    assert (answer.status_code, answer.json["code"]) == (403, "permission_denied")
    assert client.get("/api/admin/exposure").status_code == 401
