"""Read the exposure over the API as staff."""

from decimal import Decimal

import pytest
from flask.testing import FlaskClient

from app.access import Role
from app.kit.db import Database
from app.pricing.models import MarketPriceRow
from tests.people import PASSWORD, People, set_prices
from tests.rows import delete_rows

_PRICES = {"AU": "4000", "AG": "50", "PT": "1000", "PD": "1200", "CU": "0.3"}


def authorization(client: FlaskClient, email: str) -> dict[str, str]:
    response = client.post("/api/auth/login", json={"email": email, "password": PASSWORD})
    return {"Authorization": f"Bearer {response.json['accessToken']}"}


def test_exposure_has_the_documented_fields_and_adds_up(
    client: FlaskClient, people: People, database: Database
) -> None:
    set_prices(database, **_PRICES, PAXG=_PRICES["AU"])
    auditor = authorization(client, people.staff(Role.AUDITOR).email)
    before = client.get("/api/admin/exposure", headers=auditor).json
    people.customer(PAXG="1.5", XAU_s="0.50000001")
    response = client.get("/api/admin/exposure", headers=auditor)
    assert response.status_code == 200
    exposure = response.json
    assert set(exposure) == {"asOf", "metals", "totalNetUsd"}
    assert [metal["metal"] for metal in exposure["metals"]] == list(_PRICES)
    gold, gold_before = exposure["metals"][0], before["metals"][0]
    assert list(gold) == [
        "metal", "customerLiabilities", "openQuotes", "vault", "custody", "inTransit", "hedged",
        "net", "netUsd", "band", "status",
    ]  # fmt: skip
    for name in ("custody", "inTransit", "hedged"):
        assert gold[name] == "0.00000000"
    net = Decimal(gold["net"])
    liabilities = Decimal(gold["customerLiabilities"])
    assert liabilities - Decimal(gold_before["customerLiabilities"]) == Decimal("2.00000001")
    assert net == Decimal(gold["vault"]) - liabilities - Decimal(gold["openQuotes"])
    assert Decimal(gold["netUsd"]) == (net * 4000).quantize(Decimal("0.01"))
    assert gold["band"] == {"low": "-100.00000000", "high": "100.00000000"}
    assert gold["status"] == ("in_band" if abs(net) <= 100 else "short" if net < 0 else "long")
    total = sum(Decimal(metal["netUsd"]) for metal in exposure["metals"])
    assert Decimal(exposure["totalNetUsd"]) == total


def test_exposure_in_dollars_is_null_without_a_price(
    client: FlaskClient, people: People, database: Database
) -> None:
    people.customer(XPT_s="1")
    with database.transaction() as session:
        delete_rows(session, MarketPriceRow, MarketPriceRow.metal == "PT")
    admin = authorization(client, people.staff(Role.ADMIN).email)
    exposure = client.get("/api/admin/exposure", headers=admin).json
    assert exposure["metals"][2]["netUsd"] is None
    assert exposure["totalNetUsd"] is None


@pytest.mark.parametrize("role", [role for role in Role if role not in {Role.ADMIN, Role.AUDITOR}])
def test_exposure_is_refused_to_every_role_but_admin_and_auditor(
    client: FlaskClient, people: People, role: Role
) -> None:
    headers = authorization(client, people.staff(role).email)
    response = client.get("/api/admin/exposure", headers=headers)
    assert (response.status_code, response.json["code"]) == (403, "permission_denied")
    assert client.get("/api/admin/exposure").status_code == 401
