"""Profile, address book and API keys over the wire."""

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
from app.keys.ports import KeyRing
from app.keys.ring import FileKeyRing
from app.kit import clock
from app.kit.db import Database
from app.kit.ports import provide, resolve
from tests.api_client import ApiClient, assert_problem, wrong_fields
from tests.people import set_prices
from tests.unchanged_database import database_unchanged

ME, ADDRESSES, KEYS = "/api/me", "/api/me/addresses", "/api/me/api-keys"
HOME: dict[str, Any] = {
    "country": "US",
    "street": "1600 Amphitheatre Pkwy",
    "city": "Mountain View",
    "state": "CA",
    "zipCode": "94043",
}
ALL_SCOPES = sorted(scope.value for scope in API_KEY_SCOPES)
NOBODYS = "01kafkrz80fay8vvr14d2pf2db"


@pytest.fixture
def database(open_app: Flask) -> Database:
    database: Database = open_app.extensions["database"]
    return database


@pytest.fixture
def me(open_app: Flask) -> ApiClient:
    return ApiClient.create_customer(open_app)


@pytest.fixture
def other(open_app: Flask) -> ApiClient:
    return ApiClient.create_customer(open_app)


def patch(client: ApiClient, path: str, body: object) -> Any:
    return client.send("PATCH", path, json=body)


def add(client: ApiClient, **changes: Any) -> dict[str, Any]:
    return client.ok(201, client.post(ADDRESSES, {**HOME, **changes}))


def listed(client: ApiClient, path: str = ADDRESSES) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.ok(200, client.get(path))["data"]
    return found


class TestProfile:
    def test_is_what_auth_says(self, me: ApiClient) -> None:
        assert me.ok(200, me.get(ME)) == me.ok(200, me.get("/api/auth/me")) == me.user

    def test_changes_what_is_given(self, me: ApiClient) -> None:
        said = me.ok(200, patch(me, ME, {"lastName": " King ", "phone": "+1 202 555 0123"}))
        assert said == {**me.user, "lastName": "King", "phone": "+12025550123"}
        assert me.ok(200, patch(me, ME, {})) == said
        assert me.ok(200, patch(me, ME, {"phone": None})) == {**said, "phone": None}
        assert me.ok(200, me.get(ME)) == {**said, "phone": None}

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
    def test_names_what_is_wrong(
        self, me: ApiClient, database: Database, body: object, field: str
    ) -> None:
        with database_unchanged(database):
            assert wrong_fields(patch(me, ME, body)) == [field]

    def test_nobody_s_is_nobody_s(self, open_app: Flask) -> None:
        anonymous = ApiClient(open_app)
        for path in (ME, ADDRESSES, KEYS):
            assert_problem(anonymous.get(path), 401, "token_invalid")
        assert_problem(patch(anonymous, ME, {}), 401, "token_invalid")


class TestAddresses:
    def test_the_first_is_the_default(self, me: ApiClient) -> None:
        first = add(me)
        assert first["id"].startswith("adr_")
        assert {name: first[name] for name in HOME} == HOME
        assert first["isDefault"] is True
        assert first["recipient"] is None
        second = add(me, label="Work", street2="Floor 2", recipient="Ada Lovelace")
        assert (second["isDefault"], second["label"]) == (False, "Work")
        assert listed(me) == [second, first]
        assert me.ok(200, me.get(f"{ADDRESSES}/{second['id']}")) == second

    def test_there_is_one_default_as_long_as_there_is_any(self, me: ApiClient) -> None:
        one, two = add(me), add(me)
        three = add(me, isDefault=True)

        def default() -> list[str]:
            return [address["id"] for address in listed(me) if address["isDefault"]]

        assert default() == [three["id"]]
        assert me.ok(200, patch(me, f"{ADDRESSES}/{one['id']}", {"isDefault": True}))["isDefault"]
        assert default() == [one["id"]]
        refused = patch(me, f"{ADDRESSES}/{one['id']}", {"isDefault": False})
        assert wrong_fields(refused) == ["isDefault"]
        assert me.send("DELETE", f"{ADDRESSES}/{one['id']}").status_code == 204
        assert default() == [three["id"]]
        assert me.send("DELETE", f"{ADDRESSES}/{two['id']}").status_code == 204
        assert default() == [three["id"]]
        assert me.send("DELETE", f"{ADDRESSES}/{three['id']}").status_code == 204
        assert listed(me) == []
        assert add(me)["isDefault"]

    def test_change_in_part_and_are_checked_as_a_whole(
        self, me: ApiClient, database: Database
    ) -> None:
        address = add(me, label="Home")
        path = f"{ADDRESSES}/{address['id']}"
        said = me.ok(200, patch(me, path, {"street": "1 Infinite Loop", "label": None}))
        assert said["updatedAt"] >= address["updatedAt"]
        assert said == {
            **address, "street": "1 Infinite Loop", "label": None, "updatedAt": said["updatedAt"],
        }  # fmt: skip
        with database_unchanged(database):
            assert wrong_fields(patch(me, path, {"country": "GB"})) == ["zipCode"]
            assert wrong_fields(patch(me, path, {"zipCode": None})) == ["zipCode"]
        assert me.ok(200, me.get(path)) == said

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
    def test_name_what_is_wrong(
        self, me: ApiClient, database: Database, changes: dict[str, Any], fields: list[str]
    ) -> None:
        body = {k: v for k, v in {**HOME, **changes}.items() if v is not ...}
        with database_unchanged(database):
            assert sorted(wrong_fields(me.post(ADDRESSES, body))) == fields

    def test_of_somebody_else_are_not_there(
        self, me: ApiClient, other: ApiClient, database: Database
    ) -> None:
        theirs = add(other)["id"]
        add(me)
        with database_unchanged(database):
            for identifier in (
                theirs, f"adr_{NOBODYS}", "adr_1", f"usr_{NOBODYS}", "x" * 300, "%00", "..",
            ):  # fmt: skip
                path = f"{ADDRESSES}/{identifier}"
                assert_problem(me.get(path), 404, "not_found")
                assert_problem(patch(me, path, {"isDefault": True}), 404, "not_found")
                assert_problem(me.send("DELETE", path), 404, "not_found")
        assert [address["id"] for address in listed(other)] == [theirs]

    def test_are_not_endless(self, me: ApiClient, database: Database) -> None:
        made = [add(me)["id"] for _ in range(20)]
        with database_unchanged(database):
            assert_problem(me.post(ADDRESSES, HOME), 409, "address_book_full")
        page = me.ok(200, me.get(ADDRESSES, limit=15))
        rest = me.ok(200, me.get(ADDRESSES, limit=15, cursor=page["nextCursor"]))
        found = [address["id"] for address in page["data"] + rest["data"]]
        assert (found, rest["nextCursor"]) == (made[::-1], None)
        assert wrong_fields(me.get(ADDRESSES, cursor="x")) == ["cursor"]

    def test_wait_for_a_ring_that_is_away_and_tell_nobody_where_it_is(
        self, me: ApiClient, database: Database, tmp_path: Path
    ) -> None:
        address = add(me)
        before = resolve(KeyRing)
        provide(KeyRing, FileKeyRing(tmp_path / "keys.json", create=False))
        try:
            with database_unchanged(database):
                away(failing(me, "GET", ADDRESSES), tmp_path)
                away(failing(me, "POST", ADDRESSES, json=HOME), tmp_path)
                # Another ring in its place has other keys.
                provide(KeyRing, FileKeyRing(tmp_path / "keys.json", create=True))
                away(failing(me, "GET", f"{ADDRESSES}/{address['id']}"), tmp_path)
        finally:
            provide(KeyRing, before)
        assert listed(me) == [address]

    def test_changed_behind_our_back_do_not_open(
        self, me: ApiClient, other: ApiClient, database: Database
    ) -> None:
        """Write access to the database is not enough to move an address to another person."""
        add(me)
        add(other)
        with database.transaction() as session:
            session.send(
                "UPDATE addresses SET details_sealed = (SELECT details_sealed FROM addresses"
                " WHERE user_id = %s) WHERE user_id = %s",
                (other.user_id, me.user_id),
            )
        answer = failing(me, "GET", ADDRESSES)
        assert (answer.status_code, answer.json["code"]) == (500, "internal_error")
        assert len(listed(other)) == 1

    def test_stand_nowhere_in_a_dump_of_the_database(
        self, me: ApiClient, database: Database, open_app: Flask
    ) -> None:
        planted = {
            "street": "Xylophonweg 4711", "city": "Quetzalstadt", "label": "Zufluchtsort",
            "recipient": "Wolfeschlegelstein", "phone": "+4930901820471", "zipCode": "94098",
            "street2": "Hinterhaus-Ypsilon", "company": "Jabberwock GmbH",
        }  # fmt: skip
        made = add(me, **planted)
        me.ok(200, patch(me, f"{ADDRESSES}/{made['id']}", {"label": "Zufluchtsort"}))
        me.ok(200, patch(me, ME, {"lastName": "Plainlastname"}))
        settings: Settings = open_app.extensions["settings"]
        url = make_url(settings.database_owner_url).set(drivername="postgresql")
        command = [program_path("pg_dump"), "--inserts", url.render_as_string(hide_password=False)]
        run = subprocess.run(command, capture_output=True, text=True, check=True)
        # Control: what is not sealed is found by the same search.
        assert "Plainlastname" in run.stdout
        for text in planted.values():
            for form in (text, text.encode().hex(), base64.b64encode(text.encode()).decode()[:-4]):
                # Digits alone stand in many a hash.
                pattern = rf"\b{form}\b" if form.isdecimal() else re.escape(form)
                assert not re.search(pattern, run.stdout, re.IGNORECASE), text


def failing(client: ApiClient, method: str, path: str, **options: Any) -> Any:
    """An answer that the tests' own client would not take: 500 and more."""
    headers = {"Authorization": f"Bearer {client.token}"}
    return client.app.test_client().open(path, method=method, headers=headers, **options)


def away(answer: Any, folder: Path) -> None:
    """Told to come back, and not told from where the keys are missing."""
    told = answer.json
    assert (answer.status_code, told["code"]) == (503, "unavailable")
    assert answer.headers["Retry-After"]
    assert str(folder) not in answer.text


def create(client: ApiClient, *scopes: str, **more: Any) -> dict[str, Any]:
    body = {"name": "A program", "scopes": list(scopes or ALL_SCOPES), **more}
    return client.ok(201, client.post(KEYS, body))


def by(client: ApiClient, key: str) -> ApiClient:
    """A program that has this key, and nothing else of the customer."""
    program_of_theirs = ApiClient(client.app)
    program_of_theirs.token, program_of_theirs.user = key, client.user
    return program_of_theirs


class TestApiKeys:
    def test_are_shown_once(self, me: ApiClient, database: Database) -> None:
        made = create(me, "own:balances:read", name=" Home ")
        key = made.pop("key")
        assert key.startswith(KEY_PREFIX)
        assert (made["prefix"], made["lastFour"]) == (key[:10], key[-4:])
        assert (made["name"], made["scopes"]) == ("Home", ["own:balances:read"])
        assert made["id"].startswith("key_")
        assert (made["expiresAt"], made["revokedAt"]) == (None, None)
        assert listed(me, KEYS) == [made]
        with database.reading() as session:
            [(stored,)] = session.rows(
                "SELECT api_keys::text FROM api_keys WHERE user_id = %s", (me.user_id,)
            )
        assert key not in stored
        assert key[10:-4] not in stored

    def test_open_what_their_scopes_say_and_nothing_else(self, me: ApiClient) -> None:
        program = by(me, create(me, "own:balances:read")["key"])
        assert program.get("/api/wallet/balances").status_code == 200
        for path in ("/api/trade/history", "/api/auth/me", "/api/messages", ADDRESSES):
            assert_problem(program.get(path), 403, "permission_denied")

    def test_trade_like_their_owner(self, me: ApiClient, database: Database) -> None:
        set_prices(database, AU="4000")
        me.credit(USD="200.00")
        program = by(me, create(me, "own:orders:place", "own:orders:read")["key"])
        order = {"fromAsset": "USD", "toAsset": "XAU-s", "fromAmount": "100.00"}
        first = program.post("/api/trade/order", order, key="one")
        assert first.status_code == 201
        again = program.post("/api/trade/order", order, key="one")
        assert (again.data, again.headers["Idempotent-Replayed"]) == (first.data, "true")
        # The same key of the same person, whichever credential they use.
        assert me.post("/api/trade/order", order, key="one").data == first.data
        assert (
            program.ok(200, program.get("/api/trade/history"))["data"][0]["id"]
            == (first.json["id"])
        )

    def test_open_no_route_that_asks_for_more_than_may_be_delegated(
        self, me: ApiClient, database: Database
    ) -> None:
        """Every route of the application, with a key that has every scope there is."""
        program = by(me, create(me)["key"])
        asked, refused = set(), set()
        for rule in me.app.url_map.iter_rules():
            operation = getattr(me.app.view_functions[rule.endpoint], "operation", None)
            if not isinstance(operation, ApiOperation) or operation.permission is None:
                continue
            path = rule.rule.replace("<address_id>", f"adr_{NOBODYS}")
            path = path.replace("<key_id>", f"key_{NOBODYS}")
            headers = {"Idempotency-Key": "k"} if operation.idempotent else {}
            if operation.permission in API_KEY_SCOPES:
                asked.add(operation.permission)
                continue
            with database_unchanged(database):
                answer = program.send(operation.method, path, headers=headers, json={})
            assert_problem(answer, 403, "permission_denied")
            refused.add(rule.rule)
        assert asked == API_KEY_SCOPES
        assert {KEYS, ME, ADDRESSES, "/api/auth/change-password", "/api/auth/logout"} <= refused

    def test_no_credential_may_be_delegated(self) -> None:
        assert not API_KEY_SCOPES & {
            Permission.ACCOUNT_CHANGE,
            Permission.ADDRESSES_CHANGE,
            Permission.API_KEYS_MANAGE,
            Permission.PASSWORD_CHANGE,
            Permission.SESSIONS_REVOKE,
        }
        assert all(permission.startswith("own:") for permission in API_KEY_SCOPES)

    def test_revoked_count_no_more_at_once(self, me: ApiClient) -> None:
        made = create(me)
        program = by(me, made["key"])
        assert program.get("/api/auth/me").status_code == 200
        for _ in range(2):
            assert me.send("DELETE", f"{KEYS}/{made['id']}").status_code == 204
            assert_problem(program.get("/api/auth/me"), 401, "token_invalid")
        [shown] = listed(me, KEYS)
        first = shown["revokedAt"]
        assert first is not None
        assert me.send("DELETE", f"{KEYS}/{made['id']}").status_code == 204
        assert listed(me, KEYS)[0]["revokedAt"] == first

    def test_outlive_the_login_session_and_end_with_the_person(
        self, me: ApiClient, database: Database
    ) -> None:
        program = by(me, create(me)["key"])
        assert me.post("/api/auth/logout").status_code == 204
        assert program.get("/api/auth/me").status_code == 200
        with database.transaction() as session:
            session.send("UPDATE users SET status = 'suspended' WHERE id = %s", (me.user_id,))
        assert_problem(program.get("/api/auth/me"), 401, "token_invalid")

    def test_expire(self, me: ApiClient) -> None:
        soon = clock.now() + timedelta(minutes=5)
        made = create(me, expiresAt=clock.rfc3339(soon))
        assert made["expiresAt"] == clock.rfc3339(soon)
        program = by(me, made["key"])
        assert program.get("/api/auth/me").status_code == 200
        with time_machine.travel(soon + timedelta(seconds=1)):
            assert_problem(program.get("/api/auth/me"), 401, "token_invalid")

    def test_give_no_more_than_their_owner_may(self, me: ApiClient, database: Database) -> None:
        program = by(me, create(me)["key"])
        with database.transaction() as session:
            session.send("UPDATE users SET role = %s WHERE id = %s", (Role.AUDITOR, me.user_id))
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
        ids=str,
    )
    def test_are_ours_or_nothing(self, me: ApiClient, forge: Any) -> None:
        key = create(me)["key"]
        forged = forge(key)
        assert forged != key
        program = by(me, forged.encode().decode("latin-1"))
        assert_problem(program.get("/api/auth/me"), 401, "token_invalid")

    def test_of_ours_that_were_never_stored_are_nothing(
        self, me: ApiClient, database: Database
    ) -> None:
        made = create(me)
        with database.transaction() as session:
            session.send("DELETE FROM api_keys WHERE user_id = %s", (me.user_id,))
        assert_problem(by(me, made["key"]).get("/api/auth/me"), 401, "token_invalid")

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
    def test_name_what_is_wrong(
        self, me: ApiClient, database: Database, changes: dict[str, Any], fields: list[str]
    ) -> None:
        good = {"name": "A program", "scopes": ["own:balances:read"]}
        body = {k: v for k, v in {**good, **changes}.items() if v is not ...}
        with database_unchanged(database):
            assert wrong_fields(me.post(KEYS, body)) == fields

    def test_of_somebody_else_are_not_there(
        self, me: ApiClient, other: ApiClient, database: Database
    ) -> None:
        theirs = create(other)
        assert listed(me, KEYS) == []
        with database_unchanged(database):
            for identifier in (theirs["id"], f"key_{NOBODYS}", "key_1", "x"):
                assert_problem(me.send("DELETE", f"{KEYS}/{identifier}"), 404, "not_found")
        assert by(other, theirs["key"]).get("/api/auth/me").status_code == 200

    def test_are_not_endless(self, me: ApiClient, database: Database) -> None:
        made = [create(me) for _ in range(20)]
        with database_unchanged(database):
            body = {"name": "One more", "scopes": ["own:balances:read"]}
            assert_problem(me.post(KEYS, body), 409, "api_keys_full")
        assert me.send("DELETE", f"{KEYS}/{made[0]['id']}").status_code == 204
        create(me)

    def test_count_under_the_limit_of_their_owner(self, app: Flask) -> None:
        """A forged key with a person's id does not count against that person."""
        with time_machine.travel(datetime(2026, 3, 4, tzinfo=UTC), tick=False):
            me = ApiClient.create_customer(app)
            made = create(me)["key"]
            program = by(me, made)
            left = [
                int(client.get("/api/auth/me").headers["RateLimit"].split("r=")[1].split(";")[0])
                for client in (me, program, by(me, made[:-1] + "!"), me)
            ]
        assert left[1] == left[0] - 1
        assert left[3] == left[1] - 1


class TestTheTrail:
    def test_says_what_was_done_and_nothing_personal(
        self, me: ApiClient, database: Database
    ) -> None:
        made = create(me, "own:balances:read")
        for _ in range(2):
            me.send("DELETE", f"{KEYS}/{made['id']}")
        me.ok(200, patch(me, ME, {"lastName": "Plainlastname", "phone": "+12025550123"}))
        with database.reading() as session:
            rows = session.rows(
                "SELECT action, subject, after::text FROM audit_records"
                " WHERE actor_id = %s AND action NOT LIKE 'login%%' ORDER BY id",
                (me.user_id,),
            )
        told = [(action, subject) for action, subject, _ in rows]
        assert told[-3:] == [
            ("api_key.created", made["id"]),
            ("api_key.revoked", made["id"]),
            ("person.changed", me.user["id"]),
        ]
        assert rows[-1][2] == '{"fields":["last_name","phone"]}'
        assert made["key"] not in str(rows)
