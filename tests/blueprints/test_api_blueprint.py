"""API operations: what a declaration needs, the order of the checks, and what a route returns."""

from collections.abc import Callable
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.access import Permission
from app.blueprints.api.schemas.fields import ApiSchema
from app.blueprints.api_blueprint import ApiBlueprint
from app.flags.rules import Feature
from app.identity.models import User
from app.kit import ids
from app.kit.db import Database
from tests.blueprints.conftest import SignedInCustomer, check_problem
from tests.rows import change_rows

GIFTS = "/api/probe/gifts"


class TestDeclaration:
    def declare(self, **contract: object) -> Callable[[Callable[..., object]], object]:
        return ApiBlueprint("x", "/api/x", "X").operation(
            "POST", "/y", operation_id="xPlace", **contract
        )

    def test_operation_needs_either_a_permission_or_public(self) -> None:
        with pytest.raises(TypeError, match="give either a permission or public=True"):
            self.declare()
        with pytest.raises(TypeError, match="give either a permission or public=True"):
            self.declare(permission=Permission.ORDERS_READ, public=True)

    def test_idempotent_operation_needs_an_actor_and_one_transaction(self) -> None:
        for contract in (
            {"public": True},
            {"permission": Permission.ORDERS_READ, "own_transactions": True},
        ):
            declare = self.declare(idempotent=True, **contract)
            with pytest.raises(TypeError, match="needs one actor and one transaction"):
                declare(lambda: None)

    def test_feature_needs_a_known_caller(self) -> None:
        with pytest.raises(TypeError, match="the caller is not known"):
            self.declare(public=True, feature=Feature.SUPPORT)(lambda session: None)

    @pytest.mark.parametrize(
        "contract", [{"idempotent": True}, {"fresh": True}, {"feature": Feature.SUPPORT}]
    )
    def test_what_needs_one_person_is_not_for_visitors(self, contract: dict[str, object]) -> None:
        declare = self.declare(permission=Permission.ORDERS_READ, visitors=True, **contract)
        with pytest.raises(TypeError, match="a visitor has no"):
            declare(lambda session, actor: None)

    def test_function_with_other_parameters_than_declared_is_refused(self) -> None:
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
    """Each request fails one check and all that follow it; the first of them decides the
    response."""

    def post_invalid(
        self, client: FlaskClient, headers: dict[str, str], path: str = GIFTS
    ) -> object:
        return client.post(path, data=b"{", headers={"Content-Type": "text/plain", **headers})

    def test_missing_or_invalid_token_is_refused_first(self, client: FlaskClient) -> None:
        response = self.post_invalid(client, {})
        check_problem(response, 401, "token_invalid")
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="pbcex"'
        check_problem(
            self.post_invalid(client, {"Authorization": "Bearer x.y.z"}), 401, "token_invalid"
        )
        check_problem(
            self.post_invalid(client, {"Authorization": "Basic eDp5"}), 401, "token_invalid"
        )

    def test_revoked_session_is_refused_before_any_other_check(
        self, customer: SignedInCustomer
    ) -> None:
        assert (
            customer.client.post("/api/auth/logout", headers=customer.headers()).status_code == 204
        )
        check_problem(self.post_invalid(customer.client, customer.headers()), 401, "token_invalid")
        check_problem(customer.request_gift(), 401, "token_invalid")

    def test_missing_permission_is_refused_second_and_opens_no_account(
        self, customer: SignedInCustomer, database: Database
    ) -> None:
        """A role of staff does not hold the customer's permissions for their own money."""
        with database.transaction() as session:
            change_rows(session, User, User.id == customer.user_id, role="SUPPORT")
        check_problem(
            self.post_invalid(customer.client, customer.headers()), 403, "permission_denied"
        )
        check_problem(customer.request_gift(), 403, "permission_denied")
        with database.reading() as session:
            opened = session.rows("SELECT 1 FROM accounts WHERE owner_id = %s", (customer.user_id,))
        assert opened == []

    def test_missing_idempotency_key_is_refused_third(self, customer: SignedInCustomer) -> None:
        check_problem(
            self.post_invalid(customer.client, customer.headers()), 400, "idempotency_key_required"
        )

    def test_wrong_content_type_is_refused_fourth(self, customer: SignedInCustomer) -> None:
        response = self.post_invalid(customer.client, customer.headers(Idempotency_Key="k"))
        check_problem(response, 415, "unsupported_media_type")

    def test_malformed_json_is_refused_fifth(
        self, customer: SignedInCustomer, dollar_balance: Callable[[], str]
    ) -> None:
        headers = customer.headers(Idempotency_Key="k", Content_Type="application/json")
        check_problem(
            customer.client.post(GIFTS, data=b"{", headers=headers), 400, "malformed_json"
        )
        assert dollar_balance() == "0"

    def test_invalid_fields_are_refused_last_with_a_message_each(
        self, customer: SignedInCustomer, dollar_balance: Callable[[], str]
    ) -> None:
        response = customer.request_gift(amount=1, surprise=True, lines=[{"sku": "A"}, 3])
        assert check_problem(response, 422, "validation_failed")["errors"] == [
            {
                "field": "amount",
                "message": 'Send the amount as a decimal string, like "12.5", not as a number.',
            },
            {"field": "lines.0.quantity", "message": "This field is required."},
            {"field": "lines.1", "message": "Send a JSON object."},
            {"field": "surprise", "message": "This request has no such field. Remove it."},
        ]
        assert dollar_balance() == "0"


class TestResponses:
    def test_operation_has_its_effect_and_returns_its_body(
        self, customer: SignedInCustomer, dollar_balance: Callable[[], str]
    ) -> None:
        response = customer.request_gift(note="hello")
        assert response.status_code == 201
        assert response.content_type == "application/json"
        owner = ids.encode("usr", customer.user_id)
        assert response.json == {"ownerId": owner, "amount": "1.00", "note": "hello"}
        assert dollar_balance() == "100"

    def test_route_reply_adds_its_headers(self, customer: SignedInCustomer) -> None:
        assert customer.request_gift(note="found").headers["Location"] == "/api/probe/gifts/1"

    def test_path_variable_and_query_are_parsed(self, customer: SignedInCustomer) -> None:
        url = "/api/probe/things/a-b?metal=AU&limit=7"
        response = customer.client.get(url, headers=customer.headers())
        assert response.status_code == 200
        assert response.json["note"] == "a-b {'limit': 7, 'metal': 'AU'}"

    @pytest.mark.parametrize("limit", [1, 100])
    def test_smallest_and_largest_page_are_taken(
        self, customer: SignedInCustomer, limit: int
    ) -> None:
        url = f"/api/probe/things/1?limit={limit}"
        response = customer.client.get(url, headers=customer.headers())
        assert response.json["note"] == f"1 {{'limit': {limit}}}"

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
    def test_invalid_query_parameter_is_named(
        self, customer: SignedInCustomer, query: str, field: str
    ) -> None:
        response = customer.client.get(f"/api/probe/things/1?{query}", headers=customer.headers())
        assert [
            e["field"] for e in check_problem(response, 422, "validation_failed")["errors"]
        ] == [field]

    def test_operation_without_response_body_returns_204(self, customer: SignedInCustomer) -> None:
        response = customer.client.delete("/api/probe/things/1", headers=customer.headers())
        assert (response.status_code, response.data) == (204, b"")
        assert "Content-Type" not in response.headers

    def test_operation_without_a_request_body_refuses_fields(self, client: FlaskClient) -> None:
        assert client.post("/api/probe/guess").status_code == 204
        assert client.post("/api/probe/guess", json={}).status_code == 204
        response = client.post("/api/probe/guess", json={"colour": "red"})
        assert check_problem(response, 422, "validation_failed")["errors"][0]["field"] == "colour"

    def test_actor_is_the_owner_of_the_token(
        self, sign_in: Callable[[], SignedInCustomer], database: Database
    ) -> None:
        ada, bob = sign_in(), sign_in()
        assert ada.request_gift().json["ownerId"] == ids.encode("usr", ada.user_id)
        assert bob.request_gift().json["ownerId"] == ids.encode("usr", bob.user_id)
        assert total_posted(database, ada.user_id) == total_posted(database, bob.user_id) == 100

    def test_refusal_that_keeps_records_commits_what_was_recorded(
        self, customer: SignedInCustomer, dollar_balance: Callable[[], str]
    ) -> None:
        headers = customer.headers(Idempotency_Key="k")
        for balance_cents in ("100", "200"):
            response = customer.client.post("/api/probe/declined", headers=headers)
            check_problem(response, 409, "probe_declined")
            assert "Idempotent-Replayed" not in response.headers
            assert dollar_balance() == balance_cents

    def test_raised_refusal_rolls_back_what_was_recorded(
        self, customer: SignedInCustomer, dollar_balance: Callable[[], str]
    ) -> None:
        check_problem(customer.request_gift(note="decline"), 409, "probe_declined")
        assert dollar_balance() == "0"


def total_posted(database: Database, owner_id: UUID) -> int:
    """Return the posted units of all accounts of this owner."""
    with database.reading() as session:
        row = session.row(
            "SELECT sum(b.posted) FROM balances b JOIN accounts a ON a.id = b.account_id"
            " WHERE a.owner_id = %s",
            (owner_id,),
        )
    assert row is not None
    return int(row[0])


def test_every_route_declares_who_may_call_it(app: Flask) -> None:
    """A route that is not declared as an operation is listed here, with the reason."""
    routes_without_permission = {
        "static",  # public files of our own
        "show_openapi_document",
        "docs.index",
        "docs.error_catalogue",
        "docs.show_group",
        "metrics.metrics",
        "webhooks.receive",  # providers sign their webhooks
    }
    undeclared = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if not hasattr(app.view_functions[rule.endpoint], "operation")
        and not hasattr(app.view_functions[rule.endpoint], "permission")
    }
    assert undeclared == routes_without_permission
