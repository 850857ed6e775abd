"""One declaration, one order of checks."""

from collections.abc import Callable
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.access import Permission
from app.blueprints.api.schemas.fields import ApiSchema
from app.blueprints.api_blueprint import ApiBlueprint
from app.kit import ids
from app.kit.db import Database
from tests.blueprints.conftest import SignedInCustomer, check_problem

GIFTS = "/api/probe/gifts"


class TestDeclaration:
    def declare(self, **contract: object) -> Callable[[Callable[..., object]], object]:
        return ApiBlueprint("x", "/api/x", "X").operation(
            "POST", "/y", operation_id="xPlace", **contract
        )

    def test_names_a_permission_or_says_public(self) -> None:
        with pytest.raises(TypeError, match="give either a permission or public=True"):
            self.declare()
        with pytest.raises(TypeError, match="give either a permission or public=True"):
            self.declare(permission=Permission.ORDERS_READ, public=True)

    def test_a_key_needs_an_actor_and_one_transaction(self) -> None:
        for contract in (
            {"public": True},
            {"permission": Permission.ORDERS_READ, "own_transactions": True},
        ):
            declare = self.declare(idempotent=True, **contract)
            with pytest.raises(TypeError, match="needs one actor and one transaction"):
                declare(lambda: None)

    def test_a_function_that_does_not_fit_stops_the_program(self) -> None:
        blueprint = ApiBlueprint("x", "/api/x", "X")
        declare = blueprint.operation(
            "POST",
            "/y",
            operation_id="xPlace",
            permission=Permission.ORDERS_READ,
            body_schema=ApiSchema,
        )
        with pytest.raises(TypeError, match=r"takes \['session', 'body'\]"):

            @declare
            def place(session: object, body: object) -> None: ...


class TestOrderOfChecks:
    """Each request is wrong in everything from one check on; the first one answers."""

    def wrong(self, client: FlaskClient, headers: dict[str, str], path: str = GIFTS) -> object:
        return client.post(path, data=b"{", headers={"Content-Type": "text/plain", **headers})

    def test_401_comes_first(self, client: FlaskClient) -> None:
        answer = self.wrong(client, {})
        check_problem(answer, 401, "token_invalid")
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="pbcex"'
        check_problem(self.wrong(client, {"Authorization": "Bearer x.y.z"}), 401, "token_invalid")
        check_problem(self.wrong(client, {"Authorization": "Basic eDp5"}), 401, "token_invalid")

    def test_a_revoked_session_is_told_before_anything_else(
        self, customer: SignedInCustomer
    ) -> None:
        assert (
            customer.client.post("/api/auth/logout", headers=customer.headers()).status_code == 204
        )
        check_problem(self.wrong(customer.client, customer.headers()), 401, "token_invalid")
        check_problem(customer.request_gift(), 401, "token_invalid")

    def test_then_403(self, customer: SignedInCustomer, database: Database) -> None:
        """Staff hold no customer's right to their own money."""
        with database.transaction() as session:
            session.send("UPDATE users SET role = 'SUPPORT' WHERE id = %s", (customer.user_id,))
        check_problem(self.wrong(customer.client, customer.headers()), 403, "permission_denied")
        check_problem(customer.request_gift(), 403, "permission_denied")
        with database.reading() as session:
            opened = session.rows("SELECT 1 FROM accounts WHERE owner_id = %s", (customer.user_id,))
        assert opened == []

    def test_then_the_key(self, customer: SignedInCustomer) -> None:
        check_problem(
            self.wrong(customer.client, customer.headers()), 400, "idempotency_key_required"
        )

    def test_then_the_content_type(self, customer: SignedInCustomer) -> None:
        answer = self.wrong(customer.client, customer.headers(Idempotency_Key="k"))
        check_problem(answer, 415, "unsupported_media_type")

    def test_then_the_json(
        self, customer: SignedInCustomer, dollar_balance: Callable[[], str]
    ) -> None:
        headers = customer.headers(Idempotency_Key="k", Content_Type="application/json")
        check_problem(
            customer.client.post(GIFTS, data=b"{", headers=headers), 400, "malformed_json"
        )
        assert dollar_balance() == "0"

    def test_then_the_schema(
        self, customer: SignedInCustomer, dollar_balance: Callable[[], str]
    ) -> None:
        answer = customer.request_gift(amount=1, surprise=True, lines=[{"sku": "A"}, 3])
        assert check_problem(answer, 422, "validation_failed")["errors"] == [
            {
                "field": "amount",
                "message": 'Send the amount as a decimal string, like "12.5", not as a number.',
            },
            {"field": "lines.0.quantity", "message": "This field is required."},
            {"field": "lines.1", "message": "Send a JSON object."},
            {"field": "surprise", "message": "This request has no such field. Remove it."},
        ]
        assert dollar_balance() == "0"


class TestServing:
    def test_an_effect_and_its_answer(
        self, customer: SignedInCustomer, dollar_balance: Callable[[], str]
    ) -> None:
        answer = customer.request_gift(note="hello")
        assert answer.status_code == 201
        assert answer.content_type == "application/json"
        owner = ids.encode("usr", customer.user_id)
        assert answer.json == {"ownerId": owner, "amount": "1.00", "note": "hello"}
        assert dollar_balance() == "100"

    def test_a_reply_carries_headers(self, customer: SignedInCustomer) -> None:
        assert customer.request_gift(note="found").headers["Location"] == "/api/probe/gifts/1"

    def test_path_and_query(self, customer: SignedInCustomer) -> None:
        url = "/api/probe/things/a-b?metal=AU&limit=7"
        answer = customer.client.get(url, headers=customer.headers())
        assert answer.status_code == 200
        assert answer.json["note"] == "a-b {'limit': 7, 'metal': 'AU'}"

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("metal=XX", "metal"),
            ("limit=0", "limit"),
            ("limit=101", "limit"),
            ("limit=ten", "limit"),
            ("limit=1&limit=2", "limit"),
            ("colour=red", "colour"),
            ("cursor=", "cursor"),
        ],
    )
    def test_a_wrong_query_names_its_field(
        self, customer: SignedInCustomer, query: str, field: str
    ) -> None:
        answer = customer.client.get(f"/api/probe/things/1?{query}", headers=customer.headers())
        assert [e["field"] for e in check_problem(answer, 422, "validation_failed")["errors"]] == [
            field
        ]

    def test_no_content(self, customer: SignedInCustomer) -> None:
        answer = customer.client.delete("/api/probe/things/1", headers=customer.headers())
        assert (answer.status_code, answer.data) == (204, b"")
        assert "Content-Type" not in answer.headers

    def test_an_operation_without_a_body_refuses_one(self, client: FlaskClient) -> None:
        assert client.post("/api/probe/guess").status_code == 204
        assert client.post("/api/probe/guess", json={}).status_code == 204
        answer = client.post("/api/probe/guess", json={"colour": "red"})
        assert check_problem(answer, 422, "validation_failed")["errors"][0]["field"] == "colour"

    def test_the_actor_of_a_token_is_whose_it_is(
        self, sign_in: Callable[[], SignedInCustomer], database: Database
    ) -> None:
        ada, bob = sign_in(), sign_in()
        assert ada.request_gift().json["ownerId"] == ids.encode("usr", ada.user_id)
        assert bob.request_gift().json["ownerId"] == ids.encode("usr", bob.user_id)
        assert balance(database, ada.user_id) == balance(database, bob.user_id) == 100

    def test_an_answered_refusal_keeps_what_was_recorded(
        self, customer: SignedInCustomer, dollar_balance: Callable[[], str]
    ) -> None:
        headers = customer.headers(Idempotency_Key="k")
        for given in ("100", "200"):
            answer = customer.client.post("/api/probe/declined", headers=headers)
            check_problem(answer, 409, "probe_declined")
            assert "Idempotent-Replayed" not in answer.headers
            assert dollar_balance() == given

    def test_a_raised_refusal_keeps_nothing(
        self, customer: SignedInCustomer, dollar_balance: Callable[[], str]
    ) -> None:
        check_problem(customer.request_gift(note="decline"), 409, "probe_declined")
        assert dollar_balance() == "0"


def balance(database: Database, owner_id: UUID) -> int:
    with database.reading() as session:
        row = session.row(
            "SELECT sum(b.posted) FROM balances b JOIN accounts a ON a.id = b.account_id"
            " WHERE a.owner_id = %s",
            (owner_id,),
        )
    assert row is not None
    return int(row[0])


def test_every_route_states_who_may_call_it(app: Flask) -> None:
    """A route that is no operation is listed here, with why it needs no permission."""
    without_people = {
        "static",  # our own files
        "api-docs.openapi_json",
        "docs.index",
        "docs.error_catalogue",
        "metrics.metrics",
        "webhooks.receive",  # providers sign what they send
    }
    undeclared = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if not hasattr(app.view_functions[rule.endpoint], "operation")
        and not hasattr(app.view_functions[rule.endpoint], "permission")
    }
    assert undeclared == without_people
