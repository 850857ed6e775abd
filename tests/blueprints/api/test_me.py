"""Profile, address book and API keys over the API."""

import base64
import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy.engine import make_url

from app.access import API_KEY_SCOPES, Permission, Role
from app.blueprints.api_operation import ApiOperation
from app.config import Settings
from app.embedded.postgres import program_path
from app.identity.api_keys.service import KEY_PREFIX
from app.identity.models import ApiKey, User
from app.keys.ports import KeyRing
from app.keys.ring import FileKeyRing
from app.kit import clock
from app.kit.db import Database
from app.kit.ports import provide, resolve
from tests.api_client import ApiClient, assert_problem, wrong_fields
from tests.people import set_prices
from tests.rows import change_rows, delete_rows
from tests.unchanged_database import database_unchanged

PROFILE, ADDRESSES, KEYS = "/api/me", "/api/me/addresses", "/api/me/api-keys"
HOME_ADDRESS: dict[str, Any] = {
    "country": "US",
    "street": "1600 Amphitheatre Pkwy",
    "city": "Mountain View",
    "state": "CA",
    "zipCode": "94043",
}
ALL_SCOPES = sorted(scope.value for scope in API_KEY_SCOPES)
UNKNOWN_ID = "01kafkrz80fay8vvr14d2pf2db"


@pytest.fixture
def other(open_app: Flask) -> ApiClient:
    return ApiClient.create_customer(open_app)


def send_patch(client: ApiClient, path: str, body: object) -> Any:
    return client.send("PATCH", path, json=body)


def add_address(client: ApiClient, **changes: Any) -> dict[str, Any]:
    return client.ok(201, client.post(ADDRESSES, {**HOME_ADDRESS, **changes}))


def read_list(client: ApiClient, path: str = ADDRESSES) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = client.ok(200, client.get(path))["data"]
    return rows


class TestProfile:
    def test_profile_is_the_same_at_both_routes(self, customer: ApiClient) -> None:
        assert (
            customer.ok(200, customer.get(PROFILE))
            == customer.ok(200, customer.get("/api/auth/me"))
            == customer.user
        )

    def test_profile_changes_only_the_fields_sent(self, customer: ApiClient) -> None:
        changed = customer.ok(
            200, send_patch(customer, PROFILE, {"lastName": " King ", "phone": "+1 202 555 0123"})
        )
        assert changed == {**customer.user, "lastName": "King", "phone": "+12025550123"}
        assert customer.ok(200, send_patch(customer, PROFILE, {})) == changed
        assert customer.ok(200, send_patch(customer, PROFILE, {"phone": None})) == {
            **changed,
            "phone": None,
        }
        assert customer.ok(200, customer.get(PROFILE)) == {**changed, "phone": None}

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"firstName": ""}, "firstName"),
            ({"firstName": " "}, "firstName"),
            ({"firstName": None}, "firstName"),
            ({"firstName": 5}, "firstName"),
            ({"lastName": "x" * 101}, "lastName"),
            ({"lastName": "a\x00b"}, "lastName"),
            ({"lastName": "a\nb"}, "lastName"),
            ({"phone": "12"}, "phone"),
            ({"phone": ["+12025550123"]}, "phone"),
            ({"email": "ada@example.com"}, "email"),
            ({"role": "ADMIN"}, "role"),
            ({"id": "usr_1"}, "id"),
            ([], "body"),
        ],
        ids=str,
    )
    def test_invalid_profile_names_the_invalid_field(
        self, customer: ApiClient, database: Database, body: object, field: str
    ) -> None:
        with database_unchanged(database):
            assert wrong_fields(send_patch(customer, PROFILE, body)) == [field]

    def test_profile_is_refused_without_a_token(self, open_app: Flask) -> None:
        anonymous = ApiClient(open_app)
        for path in (PROFILE, ADDRESSES, KEYS):
            assert_problem(anonymous.get(path), 401, "token_invalid")
        assert_problem(send_patch(anonymous, PROFILE, {}), 401, "token_invalid")


class TestAddresses:
    def test_first_address_is_the_default(self, customer: ApiClient) -> None:
        first = add_address(customer)
        assert first["id"].startswith("adr_")
        assert {name: first[name] for name in HOME_ADDRESS} == HOME_ADDRESS
        assert first["isDefault"] is True
        assert first["recipient"] is None
        second = add_address(customer, label="Work", street2="Floor 2", recipient="Ada Lovelace")
        assert (second["isDefault"], second["label"]) == (False, "Work")
        assert read_list(customer) == [second, first]
        assert customer.ok(200, customer.get(f"{ADDRESSES}/{second['id']}")) == second

    def test_address_book_always_has_one_default_unless_empty(self, customer: ApiClient) -> None:
        first, second = add_address(customer), add_address(customer)
        third = add_address(customer, isDefault=True)

        def default_ids() -> list[str]:
            return [address["id"] for address in read_list(customer) if address["isDefault"]]

        assert default_ids() == [third["id"]]
        assert customer.ok(
            200, send_patch(customer, f"{ADDRESSES}/{first['id']}", {"isDefault": True})
        )["isDefault"]
        assert default_ids() == [first["id"]]
        refused = send_patch(customer, f"{ADDRESSES}/{first['id']}", {"isDefault": False})
        assert wrong_fields(refused) == ["isDefault"]
        assert customer.send("DELETE", f"{ADDRESSES}/{first['id']}").status_code == 204
        assert default_ids() == [third["id"]]
        assert customer.send("DELETE", f"{ADDRESSES}/{second['id']}").status_code == 204
        assert default_ids() == [third["id"]]
        assert customer.send("DELETE", f"{ADDRESSES}/{third['id']}").status_code == 204
        assert read_list(customer) == []
        assert add_address(customer)["isDefault"]

    def test_address_changes_in_part_and_is_validated_as_a_whole(
        self, customer: ApiClient, database: Database
    ) -> None:
        address = add_address(customer, label="Home")
        path = f"{ADDRESSES}/{address['id']}"
        changed = customer.ok(
            200, send_patch(customer, path, {"street": "1 Infinite Loop", "label": None})
        )
        assert changed["updatedAt"] >= address["updatedAt"]
        assert changed == {
            **address,
            "street": "1 Infinite Loop",
            "label": None,
            "updatedAt": changed["updatedAt"],
        }
        with database_unchanged(database):
            assert wrong_fields(send_patch(customer, path, {"country": "GB"})) == ["zipCode"]
            assert wrong_fields(send_patch(customer, path, {"zipCode": None})) == ["zipCode"]
        assert customer.ok(200, customer.get(path)) == changed

    @pytest.mark.parametrize(
        ("changes", "fields"),
        [
            ({"country": ...}, ["country"]),
            ({"street": ...}, ["street"]),
            ({"country": None}, ["country"]),
            ({"country": "USA"}, ["country"]),
            ({"country": "XX"}, ["country"]),
            ({"country": "al"}, ["zipCode"]),
            ({"zipCode": "1"}, ["zipCode"]),
            ({"zipCode": 94043}, ["zipCode"]),
            ({"zipCode": "9" * 21}, ["zipCode"]),
            ({"state": "Bavaria"}, ["state"]),
            ({"city": ""}, ["city"]),
            ({"city": ...}, ["city"]),
            ({"street": "a\x00"}, ["street"]),
            ({"street": "x" * 101}, ["street"]),
            ({"street": {"line": "1"}}, ["street"]),
            ({"isDefault": "yes"}, ["isDefault"]),
            ({"isDefault": 1}, ["isDefault"]),
            ({"isDefault": None}, ["isDefault"]),
            ({"phone": "1"}, ["phone"]),
            ({"userId": "usr_1"}, ["userId"]),
            ({"id": "adr_1", "details": {}}, ["details", "id"]),
        ],
        ids=str,
    )
    def test_invalid_address_names_every_invalid_field(
        self, customer: ApiClient, database: Database, changes: dict[str, Any], fields: list[str]
    ) -> None:
        body = {
            name: value for name, value in {**HOME_ADDRESS, **changes}.items() if value is not ...
        }
        with database_unchanged(database):
            assert sorted(wrong_fields(customer.post(ADDRESSES, body))) == fields

    def test_address_of_another_customer_is_not_found(
        self, customer: ApiClient, other: ApiClient, database: Database
    ) -> None:
        foreign_id = add_address(other)["id"]
        add_address(customer)
        with database_unchanged(database):
            for identifier in (
                foreign_id, f"adr_{UNKNOWN_ID}", "adr_1", f"usr_{UNKNOWN_ID}", "x" * 300, "%00",
                "..",
            ):  # fmt: skip
                path = f"{ADDRESSES}/{identifier}"
                assert_problem(customer.get(path), 404, "not_found")
                assert_problem(send_patch(customer, path, {"isDefault": True}), 404, "not_found")
                assert_problem(customer.send("DELETE", path), 404, "not_found")
        assert [address["id"] for address in read_list(other)] == [foreign_id]

    def test_address_book_is_full_at_20_addresses(
        self, customer: ApiClient, database: Database
    ) -> None:
        address_ids = [add_address(customer)["id"] for _ in range(20)]
        with database_unchanged(database):
            assert_problem(customer.post(ADDRESSES, HOME_ADDRESS), 409, "address_book_full")
        page = customer.ok(200, customer.get(ADDRESSES, limit=15))
        rest = customer.ok(200, customer.get(ADDRESSES, limit=15, cursor=page["nextCursor"]))
        listed_ids = [address["id"] for address in page["data"] + rest["data"]]
        assert (listed_ids, rest["nextCursor"]) == (address_ids[::-1], None)
        assert wrong_fields(customer.get(ADDRESSES, cursor="x")) == ["cursor"]

    def test_addresses_are_unavailable_without_the_key_ring_and_its_path_is_hidden(
        self, customer: ApiClient, database: Database, tmp_path: Path
    ) -> None:
        address = add_address(customer)
        before = resolve(KeyRing)
        provide(KeyRing, FileKeyRing(tmp_path / "keys.json", create=False))
        try:
            with database_unchanged(database):
                assert_unavailable(send_unchecked(customer, "GET", ADDRESSES), tmp_path)
                assert_unavailable(
                    send_unchecked(customer, "POST", ADDRESSES, json=HOME_ADDRESS), tmp_path
                )
                # Another key ring in its place has other keys.
                provide(KeyRing, FileKeyRing(tmp_path / "keys.json", create=True))
                assert_unavailable(
                    send_unchecked(customer, "GET", f"{ADDRESSES}/{address['id']}"), tmp_path
                )
        finally:
            provide(KeyRing, before)
        assert read_list(customer) == [address]

    def test_address_moved_to_another_customer_in_the_database_is_not_opened(
        self, customer: ApiClient, other: ApiClient, database: Database
    ) -> None:
        """Write access to the database is not enough to move an address to another customer."""
        add_address(customer)
        add_address(other)
        with database.transaction() as session:
            session.send(
                "UPDATE addresses SET details_sealed = (SELECT details_sealed FROM addresses"
                " WHERE user_id = %s) WHERE user_id = %s",
                (other.user_id, customer.user_id),
            )
        response = send_unchecked(customer, "GET", ADDRESSES)
        assert (response.status_code, response.json["code"]) == (500, "internal_error")
        assert len(read_list(other)) == 1

    def test_address_details_are_in_no_database_dump(
        self, customer: ApiClient, database: Database, open_app: Flask
    ) -> None:
        details = {
            "street": "Xylophonweg 4711", "city": "Quetzalstadt", "label": "Zufluchtsort",
            "recipient": "Wolfeschlegelstein", "phone": "+4930901820471", "zipCode": "94098",
            "street2": "Hinterhaus-Ypsilon", "company": "Jabberwock GmbH",
        }  # fmt: skip
        created = add_address(customer, **details)
        customer.ok(
            200, send_patch(customer, f"{ADDRESSES}/{created['id']}", {"label": "Zufluchtsort"})
        )
        customer.ok(200, send_patch(customer, PROFILE, {"lastName": "Plainlastname"}))
        settings: Settings = open_app.extensions["settings"]
        url = make_url(settings.database_owner_url).set(drivername="postgresql")
        command = [program_path("pg_dump"), "--inserts", url.render_as_string(hide_password=False)]
        run = subprocess.run(command, capture_output=True, text=True, check=True)
        # Control: the same search finds a value that is not sealed.
        assert "Plainlastname" in run.stdout
        for text in details.values():
            for form in (
                text,
                text.encode().hex(),
                base64.b64encode(text.encode()).decode().rstrip("=")[:-1],
            ):
                # Hashes contain such digits by chance.
                pattern = rf"\b{form}\b" if form.isdecimal() else re.escape(form)
                assert not re.search(pattern, run.stdout, re.IGNORECASE), text


def send_unchecked(client: ApiClient, method: str, path: str, **options: Any) -> Any:
    """Send a request whose response may have a status of 500 or above."""
    headers = {"Authorization": f"Bearer {client.token}"}
    return client.app.test_client().open(path, method=method, headers=headers, **options)


def assert_unavailable(response: Any, folder: Path) -> None:
    """Check for a 503 with Retry-After that does not name the folder of the keys."""
    assert (response.status_code, response.json["code"]) == (503, "unavailable")
    assert response.headers["Retry-After"]
    assert str(folder) not in response.text


def create_key(client: ApiClient, *scopes: str, **changes: Any) -> dict[str, Any]:
    body = {"name": "A program", "scopes": list(scopes or ALL_SCOPES), **changes}
    return client.ok(201, client.post(KEYS, body))


def client_with_key(client: ApiClient, key: str) -> ApiClient:
    """Return a client program that has an API key as its only credential."""
    program = ApiClient(client.app)
    program.token, program.user = key, client.user
    return program


class TestApiKeys:
    def test_api_key_is_shown_once_and_not_stored(
        self, customer: ApiClient, database: Database
    ) -> None:
        created = create_key(customer, "own:balances:read", name=" Home ")
        key = created.pop("key")
        assert key.startswith(KEY_PREFIX)
        assert (created["prefix"], created["lastFour"]) == (key[:10], key[-4:])
        assert (created["name"], created["scopes"]) == ("Home", ["own:balances:read"])
        assert created["id"].startswith("key_")
        assert created["revokedAt"] is None
        assert read_list(customer, KEYS) == [created]
        with database.reading() as session:
            [(stored,)] = session.rows(
                "SELECT api_keys::text FROM api_keys WHERE user_id = %s", (customer.user_id,)
            )
        assert key not in stored
        assert key[10:-4] not in stored

    def test_api_key_has_its_scopes_and_nothing_else(self, customer: ApiClient) -> None:
        program = client_with_key(customer, create_key(customer, "own:balances:read")["key"])
        assert program.get("/api/wallet/balances").status_code == 200
        for path in ("/api/trade/history", "/api/auth/me", "/api/messages", ADDRESSES):
            assert_problem(program.get(path), 403, "permission_denied")

    def test_api_key_trades_with_the_idempotency_keys_of_its_owner(
        self, customer: ApiClient, database: Database
    ) -> None:
        set_prices(database, AU="4000")
        customer.credit(USD="200.00")
        program = client_with_key(
            customer, create_key(customer, "own:orders:place", "own:orders:read")["key"]
        )
        order = {"fromAsset": "USD", "toAsset": "XAU-s", "fromAmount": "100.00"}
        first = program.post("/api/trade/order", order, key="one")
        assert first.status_code == 201
        again = program.post("/api/trade/order", order, key="one")
        assert (again.data, again.headers["Idempotent-Replayed"]) == (first.data, "true")
        # An idempotency key belongs to the person, whichever credential they use.
        assert customer.post("/api/trade/order", order, key="one").data == first.data
        assert (
            program.ok(200, program.get("/api/trade/history"))["data"][0]["id"]
            == (first.json["id"])
        )

    def test_api_key_is_refused_by_every_route_outside_its_scopes(
        self, customer: ApiClient, database: Database
    ) -> None:
        """Request every route of the application with a key that has every scope."""
        program = client_with_key(customer, create_key(customer)["key"])
        scopes_in_use, refused = set(), set()
        for rule in customer.app.url_map.iter_rules():
            operation = getattr(customer.app.view_functions[rule.endpoint], "operation", None)
            if not isinstance(operation, ApiOperation) or operation.permission is None:
                continue
            path = rule.rule.replace("<address_id>", f"adr_{UNKNOWN_ID}")
            path = path.replace("<key_id>", f"key_{UNKNOWN_ID}")
            headers = {"Idempotency-Key": "k"} if operation.idempotent else {}
            if operation.permission in API_KEY_SCOPES:
                scopes_in_use.add(operation.permission)
                continue
            with database_unchanged(database):
                response = program.send(operation.method, path, headers=headers, json={})
            assert_problem(response, 403, "permission_denied")
            refused.add(rule.rule)
        assert scopes_in_use == API_KEY_SCOPES
        assert {
            KEYS,
            PROFILE,
            ADDRESSES,
            "/api/auth/change-password",
            "/api/auth/logout",
        } <= refused

    def test_api_key_scopes_exclude_account_and_credential_changes(self) -> None:
        assert not API_KEY_SCOPES & {
            Permission.ACCOUNT_CHANGE,
            Permission.ADDRESSES_CHANGE,
            Permission.API_KEYS_MANAGE,
            Permission.PASSWORD_CHANGE,
            Permission.SESSIONS_REVOKE,
        }
        assert all(permission.startswith("own:") for permission in API_KEY_SCOPES)

    def test_revoked_api_key_is_refused_at_once(self, customer: ApiClient) -> None:
        created = create_key(customer)
        program = client_with_key(customer, created["key"])
        assert program.get("/api/auth/me").status_code == 200
        for _ in range(2):
            assert customer.send("DELETE", f"{KEYS}/{created['id']}").status_code == 204
            assert_problem(program.get("/api/auth/me"), 401, "token_invalid")
        [revoked] = read_list(customer, KEYS)
        revoked_at = revoked["revokedAt"]
        assert revoked_at is not None
        assert customer.send("DELETE", f"{KEYS}/{created['id']}").status_code == 204
        assert read_list(customer, KEYS)[0]["revokedAt"] == revoked_at

    def test_api_key_survives_sign_out_and_ends_with_a_suspension(
        self, customer: ApiClient, database: Database
    ) -> None:
        program = client_with_key(customer, create_key(customer)["key"])
        assert customer.post("/api/auth/logout").status_code == 204
        assert program.get("/api/auth/me").status_code == 200
        with database.transaction() as session:
            change_rows(session, User, User.id == customer.user_id, status="suspended")
        assert_problem(program.get("/api/auth/me"), 401, "token_invalid")

    def test_api_key_is_refused_after_its_expiry(self, customer: ApiClient) -> None:
        expiry = clock.now() + timedelta(minutes=5)
        created = create_key(customer, expiresAt=clock.rfc3339(expiry))
        assert created["expiresAt"] == clock.rfc3339(expiry)
        program = client_with_key(customer, created["key"])
        assert program.get("/api/auth/me").status_code == 200
        with time_machine.travel(expiry + timedelta(seconds=1)):
            assert_problem(program.get("/api/auth/me"), 401, "token_invalid")

    def test_api_key_loses_the_permissions_its_owner_loses(
        self, customer: ApiClient, database: Database
    ) -> None:
        program = client_with_key(customer, create_key(customer)["key"])
        with database.transaction() as session:
            change_rows(session, User, User.id == customer.user_id, role=Role.AUDITOR)
        assert program.get("/api/auth/me").status_code == 200
        assert_problem(program.get("/api/wallet/balances"), 403, "permission_denied")
        assert_problem(program.get("/api/admin/exposure"), 403, "permission_denied")

    @pytest.mark.parametrize(
        "forge",
        [
            lambda key: key[:-1] + ("A" if key[-1] != "A" else "B"),
            lambda key: key[:5] + ("A" if key[5] != "A" else "B") + key[6:],
            lambda key: key[:40] + ("A" if key[40] != "A" else "B") + key[41:],
            lambda key: key[:-1],
            lambda key: key + "A",
            lambda key: key.upper(),
            lambda key: KEY_PREFIX,
            lambda key: KEY_PREFIX + "A" * 76,
            lambda key: KEY_PREFIX + "=" * 76,
            lambda key: KEY_PREFIX + "é" * 76,
            lambda key: key[len(KEY_PREFIX) :],
            lambda key: key + " x",
        ],
        ids=[
            "last character changed",
            "character 5 changed",
            "character 40 changed",
            "last character cut",
            "one character more",
            "upper case",
            "prefix only",
            "zero bytes",
            "padding only",
            "not ASCII",
            "no prefix",
            "text appended",
        ],
    )
    def test_forged_api_key_is_refused(self, customer: ApiClient, forge: Any) -> None:
        key = create_key(customer)["key"]
        forged = forge(key)
        assert forged != key
        program = client_with_key(customer, forged.encode().decode("latin-1"))
        assert_problem(program.get("/api/auth/me"), 401, "token_invalid")

    def test_deleted_api_key_is_refused(self, customer: ApiClient, database: Database) -> None:
        created = create_key(customer)
        with database.transaction() as session:
            delete_rows(session, ApiKey, ApiKey.user_id == customer.user_id)
        assert_problem(
            client_with_key(customer, created["key"]).get("/api/auth/me"), 401, "token_invalid"
        )

    @pytest.mark.parametrize(
        ("changes", "fields"),
        [
            ({"name": ...}, ["name"]),
            ({"name": " "}, ["name"]),
            ({"name": "a\nb"}, ["name"]),
            ({"name": "x" * 101}, ["name"]),
            ({"name": 1}, ["name"]),
            ({"scopes": ...}, ["scopes"]),
            ({"scopes": []}, ["scopes"]),
            ({"scopes": None}, ["scopes"]),
            ({"scopes": "own:balances:read"}, ["scopes"]),
            ({"scopes": ["own:password:change"]}, ["scopes.0"]),
            ({"scopes": ["own:api_keys:manage"]}, ["scopes.0"]),
            ({"scopes": ["all:exposure:read"]}, ["scopes.0"]),
            ({"scopes": ["own:balances:read", "*"]}, ["scopes.1"]),
            ({"scopes": ["own:balances:read"] * 2}, ["scopes"]),
            ({"scopes": [["own:balances:read"]]}, ["scopes.0"]),
            ({"expiresAt": "2020-01-01T00:00:00Z"}, ["expiresAt"]),
            ({"expiresAt": "tomorrow"}, ["expiresAt"]),
            ({"expiresAt": 5}, ["expiresAt"]),
            ({"key": "pbk_mine"}, ["key"]),
        ],
        ids=str,
    )
    def test_invalid_api_key_names_the_invalid_field(
        self, customer: ApiClient, database: Database, changes: dict[str, Any], fields: list[str]
    ) -> None:
        good = {"name": "A program", "scopes": ["own:balances:read"]}
        body = {name: value for name, value in {**good, **changes}.items() if value is not ...}
        with database_unchanged(database):
            assert wrong_fields(customer.post(KEYS, body)) == fields

    def test_api_key_of_another_customer_is_not_found(
        self, customer: ApiClient, other: ApiClient, database: Database
    ) -> None:
        foreign_key = create_key(other)
        assert read_list(customer, KEYS) == []
        with database_unchanged(database):
            for identifier in (foreign_key["id"], f"key_{UNKNOWN_ID}", "key_1", "x"):
                assert_problem(customer.send("DELETE", f"{KEYS}/{identifier}"), 404, "not_found")
        assert client_with_key(other, foreign_key["key"]).get("/api/auth/me").status_code == 200

    def test_api_keys_are_full_at_20_keys(self, customer: ApiClient, database: Database) -> None:
        keys = [create_key(customer) for _ in range(20)]
        with database_unchanged(database):
            body = {"name": "One more", "scopes": ["own:balances:read"]}
            assert_problem(customer.post(KEYS, body), 409, "api_keys_full")
        assert customer.send("DELETE", f"{KEYS}/{keys[0]['id']}").status_code == 204
        create_key(customer)

    def test_api_key_shares_the_rate_limit_of_its_owner(self, app: Flask) -> None:
        """A forged key with the id of a customer does not count against that customer."""
        with time_machine.travel(datetime(2026, 3, 4, tzinfo=UTC), tick=False):
            customer = ApiClient.create_customer(app)
            key = create_key(customer)["key"]
            program = client_with_key(customer, key)
            remaining = [
                int(client.get("/api/auth/me").headers["RateLimit"].split("r=")[1].split(";")[0])
                for client in (
                    customer,
                    program,
                    client_with_key(customer, key[:-1] + "!"),
                    customer,
                )
            ]
        assert remaining[1] == remaining[0] - 1
        assert remaining[3] == remaining[1] - 1


class TestAuditTrail:
    def test_audit_trail_records_the_actions_without_personal_data(
        self, customer: ApiClient, database: Database
    ) -> None:
        created = create_key(customer, "own:balances:read")
        for _ in range(2):
            customer.send("DELETE", f"{KEYS}/{created['id']}")
        customer.ok(
            200,
            send_patch(customer, PROFILE, {"lastName": "Plainlastname", "phone": "+12025550123"}),
        )
        with database.reading() as session:
            rows = session.rows(
                "SELECT action, subject, after::text FROM audit_records"
                " WHERE actor_id = %s AND action NOT LIKE 'login%%' ORDER BY id",
                (customer.user_id,),
            )
        records = [(action, subject) for action, subject, _ in rows]
        assert records[-3:] == [
            ("api_key.created", created["id"]),
            ("api_key.revoked", created["id"]),
            ("person.changed", customer.user["id"]),
        ]
        assert rows[-1][2] == '{"fields":["last_name","phone"]}'
        assert created["key"] not in str(rows)
