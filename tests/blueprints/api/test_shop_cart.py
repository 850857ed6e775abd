"""Carts over HTTP: what they hold, whose they are, and what a sign-in takes over."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
import time_machine
from flask import Flask
from werkzeug.test import TestResponse

from app.access import Permission, Role
from app.identity.api_keys import service as api_keys
from app.kit import clock, ids
from app.kit.db import Database
from app.kit.networks import SITE_FACTOR, site_of
from app.pricing.models import MarketPriceRow
from app.privacy import personal_data_tables
from app.shop.cart import service as cart
from app.shop.cart.models import CartItemRow, CartRow
from app.shop.cart.rules import LIFETIME, PREFIX, CartLimits, hash_token
from tests.api_client import PASSWORD, ApiClient, assert_problem, wrong_fields
from tests.blueprints.api.test_credentials import turn_on_second_factor
from tests.catalog.test_products import add as add_product
from tests.fixed_settings import fixed_settings
from tests.people import PASSWORD as STAFF_PASSWORD
from tests.people import People, set_prices
from tests.rows import count_rows, delete_rows, read_values
from tests.shop.wares import add_coin, publish, stock_coins
from tests.unchanged_database import database_unchanged

CART = "/api/shop/cart"
LOCK = "/api/shop/lock-quote"
LOGIN = "/api/auth/login"


@pytest.fixture
def shop(open_app: Flask) -> Database:
    """The database of the customers and visitors."""
    return open_app.extensions["database"]


@pytest.fixture
def visitor(open_app: Flask) -> ApiClient:
    """A program that has not signed in."""
    return ApiClient(open_app)


def open_cart(client: ApiClient) -> str:
    """Open a cart, or find one's own; return its id."""
    response = client.post(CART)
    assert response.status_code in {200, 201}, response.text
    return str(response.json["id"])


def add(client: ApiClient, cart_id: str, sku: str, quantity: int = 1) -> dict[str, int]:
    """Put units into a cart; return its quantities."""
    body = {"sku": sku, "quantity": quantity}
    client.ok(200, client.post(f"{CART}/{cart_id}/items", body))
    return held(client, cart_id)


def held(client: ApiClient, cart_id: str) -> dict[str, int]:
    """Return the quantities in a cart by SKU, in its order."""
    found = client.ok(200, client.get(f"{CART}/{cart_id}"))
    return {item["sku"]: item["quantity"] for item in found["items"]}


def lines(client: ApiClient, cart_id: str) -> tuple[list[tuple[str, str]], str]:
    """Return unit price and total of each line, and the total of the cart."""
    found = client.ok(200, client.get(f"{CART}/{cart_id}"))
    return [(item["unitPrice"], item["total"]) for item in found["items"]], found["total"]


def problems_of(item: dict[str, list[dict[str, str]]]) -> list[str]:
    """Return the codes of a line's problems."""
    return [problem["code"] for problem in item["problems"]]


def sign_in(client: ApiClient, cart_id: object, **more: str) -> None:
    """Sign in again, with a cart that was filled before."""
    body = {"email": client.email, "password": PASSWORD, "cartId": cart_id, **more}
    client.token = None
    client.token = client.ok(200, client.post(LOGIN, body))["accessToken"]


class TestItems:
    def test_cart_from_its_opening_until_it_is_empty(
        self, visitor: ApiClient, shop: Database
    ) -> None:
        coin, other = stock_coins(shop, 5), add_coin(shop)
        cart_id = open_cart(visitor)
        assert add(visitor, cart_id, coin.sku.lower(), 2) == {coin.sku: 2}
        assert add(visitor, cart_id, coin.sku, 3) == {coin.sku: 5}
        path = f"{CART}/{cart_id}/items"
        visitor.ok(200, visitor.send("PUT", f"{path}/{other}", json={"quantity": 4}))
        visitor.ok(200, visitor.send("PUT", f"{path}/{coin.sku}", json={"quantity": 1}))
        assert list(held(visitor, cart_id).items()) == [(coin.sku, 1), (other, 4)]
        for _twice in range(2):
            visitor.ok(200, visitor.send("PUT", f"{path}/{coin.sku}", json={"quantity": 0}))
            assert held(visitor, cart_id) == {other: 4}
        for _twice in range(2):
            visitor.ok(200, visitor.send("DELETE", f"{path}/{other}"))
            assert held(visitor, cart_id) == {}

    @pytest.mark.parametrize("quantity", [0, -1, 10_001, 1.5, "1", True, None, 10**30])
    def test_quantity_that_is_no_number_of_units_is_refused(
        self, visitor: ApiClient, shop: Database, quantity: object
    ) -> None:
        cart_id, sku = open_cart(visitor), add_coin(shop)
        with database_unchanged(shop):
            refused = visitor.post(f"{CART}/{cart_id}/items", {"sku": sku, "quantity": quantity})
            assert wrong_fields(refused) == ["quantity"]
            if quantity != 0:
                put = visitor.send(
                    "PUT", f"{CART}/{cart_id}/items/{sku}", json={"quantity": quantity}
                )
                assert wrong_fields(put) == ["quantity"]

    def test_product_that_customers_do_not_see_is_refused(
        self, visitor: ApiClient, shop: Database
    ) -> None:
        cart_id, draft = open_cart(visitor), add_coin(shop)
        publish(shop, draft, until="2026-01-02")
        with database_unchanged(shop):
            for sku in (draft, "NO-SUCH-COIN", "é' OR 1=1"):
                body = {"sku": sku, "quantity": 1}
                assert wrong_fields(visitor.post(f"{CART}/{cart_id}/items", body)) == ["sku"]
                put = visitor.send("PUT", f"{CART}/{cart_id}/items/{sku}", json={"quantity": 1})
                assert_problem(put, 404, "not_found")

    def test_cart_holds_no_more_than_it_can(
        self, visitor: ApiClient, shop: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cart_id, skus = open_cart(visitor), [add_coin(shop) for _ in range(3)]
        add(visitor, cart_id, skus[0], 9_999)
        body = {"sku": skus[0], "quantity": 2}
        with database_unchanged(shop):
            refused = visitor.post(f"{CART}/{cart_id}/items", body)
            assert wrong_fields(refused) == ["quantity"]
            assert "Add at most 1." in refused.text
        monkeypatch.setattr(cart, "LINES_MAX", 2)
        add(visitor, cart_id, skus[1])
        with database_unchanged(shop):
            third = visitor.post(f"{CART}/{cart_id}/items", {"sku": skus[2], "quantity": 1})
            assert_problem(third, 409, "cart_full")
        assert add(visitor, cart_id, skus[1]) == {skus[0]: 9_999, skus[1]: 2}

    def test_cart_shows_the_prices_of_the_moment(self, visitor: ApiClient, shop: Database) -> None:
        set_prices(shop, AU="4000")
        cart_id, coin, other = open_cart(visitor), stock_coins(shop, 20), stock_coins(shop, 1)
        add(visitor, cart_id, coin.sku, 9)
        add(visitor, cart_id, other.sku)
        assert lines(visitor, cart_id) == (
            [("4208.40", "37875.60"), ("4208.40", "4208.40")],
            "42084.00",
        )
        add(visitor, cart_id, coin.sku)
        assert lines(visitor, cart_id) == (
            [("4168.32", "41683.20"), ("4208.40", "4208.40")],
            "45891.60",
        )
        set_prices(shop, AU="4100")
        assert lines(visitor, cart_id)[0][1] == ("4313.61", "4313.61")
        with shop.transaction() as session:
            delete_rows(session, MarketPriceRow)
        assert lines(visitor, cart_id) == ([(None, None)] * 2, None)
        found = visitor.ok(200, visitor.get(f"{CART}/{cart_id}"))
        assert [problems_of(item) for item in found["items"]] == [["price_stale"]] * 2
        assert found["items"][0]["availability"] == "in_stock"

    def test_line_that_cannot_be_bought_says_why_and_stays(
        self, visitor: ApiClient, shop: Database
    ) -> None:
        set_prices(shop, AU="4000")
        cart_id, few, none, ended, unpriced = (
            open_cart(visitor), stock_coins(shop, 3), add_coin(shop), stock_coins(shop, 2),
            add_product(shop).sku,
        )  # fmt: skip
        publish(shop, unpriced)
        for sku, quantity in ((few.sku, 3), (none, 1), (ended.sku, 2), (unpriced, 1)):
            add(visitor, cart_id, sku, quantity)
        few.reserve(1)
        publish(shop, ended.sku, until="2026-01-02")
        found = visitor.ok(200, visitor.get(f"{CART}/{cart_id}"))
        assert [
            (item["availability"], item["available"], item["total"], problems_of(item))
            for item in found["items"]
        ] == [
            ("low", 2, "12625.20", ["insufficient_stock"]),
            ("out_of_stock", 0, "4208.40", ["insufficient_stock"]),
            ("out_of_stock", 0, None, ["not_for_sale"]),
            ("out_of_stock", 0, None, ["not_for_sale"]),
        ]
        assert (found["total"], found["currency"]) == (None, "USD")


class TestHolders:
    def test_person_has_one_cart_which_others_do_not_find(
        self, customer: ApiClient, visitor: ApiClient, open_app: Flask, shop: Database
    ) -> None:
        first = customer.post(CART)
        assert first.status_code == 201
        cart_id, sku = first.json["id"], add_coin(shop)
        again = customer.post(CART)
        assert (again.status_code, again.json["id"]) == (200, cart_id)
        add(customer, cart_id, sku)
        other = ApiClient.create_customer(open_app)
        open_cart(other)
        with database_unchanged(shop):
            for stranger in (visitor, other):
                for method, path, body in (
                    ("GET", "", None),
                    ("POST", "/items", {"sku": sku, "quantity": 1}),
                    ("PUT", f"/items/{sku}", {"quantity": 1}),
                    ("PUT", f"/items/{sku}", {"quantity": 0}),
                    ("DELETE", f"/items/{sku}", None),
                ):
                    options = {} if body is None else {"json": body}
                    refused = stranger.send(method, f"{CART}/{cart_id}{path}", **options)
                    assert_problem(refused, 404, "not_found")

    def test_cart_of_a_visitor_is_found_by_its_secret_alone(
        self, visitor: ApiClient, customer: ApiClient, open_app: Flask, shop: Database
    ) -> None:
        secret = open_cart(visitor)
        assert secret != open_cart(visitor)
        with shop.reading() as session:
            rows = read_values(session, CartRow.id, CartRow.user_id.is_(None))
            stored = session.rows("SELECT t::text FROM carts t")
        assert not any(secret.removeprefix(f"{PREFIX}_") in text for (text,) in stored)
        for guess in (
            *(ids.encode(PREFIX, row) for row in rows),
            secret.upper(), secret[:-1], f"{secret}a", f"{secret}%20", "crt_", "%00", "..",
            ids.encode(PREFIX, ids.new()), "a" * 3000,
        ):  # fmt: skip
            assert visitor.get(f"{CART}/{guess}").status_code == 404
        assert held(ApiClient(open_app), secret) == held(customer, secret) == {}

    def test_credential_that_is_sent_must_be_valid(
        self, visitor: ApiClient, customer: ApiClient, shop: Database, open_app: Flask
    ) -> None:
        secret, keeper = open_cart(visitor), ApiClient(open_app)
        path = f"{CART}/{secret}"
        for credential in ("Bearer x", "Basic YTpi", "Bearer pbk_x_y"):
            refused = visitor.send("GET", path, headers={"Authorization": credential})
            assert_problem(refused, 401, "token_invalid")
        ended = customer.token
        customer.send("POST", "/api/auth/logout")
        refused = visitor.send("GET", path, headers={"Authorization": f"Bearer {ended}"})
        assert_problem(refused, 401, "token_invalid")
        staff = People(shop).staff(Role.SUPPORT)
        body = {"email": staff.email, "password": STAFF_PASSWORD, "cartId": secret}
        keeper.token = keeper.ok(200, keeper.post(LOGIN, body))["accessToken"]
        assert_problem(keeper.get(path), 403, "permission_denied")
        assert held(visitor, secret) == {}
        assert count_denials(shop, secret) == 0

    def test_api_key_needs_the_scope(self, shop: Database, open_app: Flask) -> None:
        owner, program = People(shop).customer(), ApiClient(open_app)
        for scope, status in ((Permission.ORDERS_READ, 403), (Permission.CARTS_MANAGE, 201)):
            with shop.transaction() as session:
                created = api_keys.create_key(
                    session, owner, name="A program", scopes=[scope], expires_at=None
                )
            program.token = created.key
            assert program.post(CART).status_code == status

    def test_network_opens_a_number_of_carts_in_an_hour(
        self, visitor: ApiClient, customer: ApiClient, shop: Database
    ) -> None:
        with fixed_settings(CartLimits(opened_max=2)):
            for _ in range(2):
                open_cart(visitor)
            with database_unchanged(shop):
                refused = visitor.post(CART)
                assert_problem(refused, 429, "rate_limited")
            assert 0 < int(refused.headers["Retry-After"]) <= 3600
            customer._client.environ_base["REMOTE_ADDR"] = visitor._client.environ_base[
                "REMOTE_ADDR"
            ]
            open_cart(customer)
            address = visitor._client.environ_base["REMOTE_ADDR"]
            head = ":".join(address.split(":")[:3])
            statuses = []
            for number in range(SITE_FACTOR * 2):
                visitor._client.environ_base["REMOTE_ADDR"] = f"{head}:{number + 1:x}::1"
                statuses.append(visitor.post(CART).status_code)
            assert site_of(f"{address}/64") is not None
            assert statuses.count(201) == SITE_FACTOR * 2 - 2
            assert statuses[-2:] == [429, 429]


def post_unchecked(client: ApiClient, body: object) -> TestResponse:
    """Request a price lock that may be refused with a status of 500 or above."""
    headers = {"Authorization": f"Bearer {client.token}", "Idempotency-Key": ids.new().hex}
    return client._client.post(LOCK, json=body, headers=headers)


def count_denials(database: Database, secret: str) -> int:
    """Return how many records of the audit trail have the secret."""
    with database.reading() as session:
        return int(
            session.value(
                "SELECT count(*) FROM audit_records t WHERE strpos(t::text, %s) > 0", (secret,)
            )
        )


class TestSignIn:
    def test_sign_in_adds_the_visitors_cart_to_ones_own(
        self, customer: ApiClient, visitor: ApiClient, shop: Database
    ) -> None:
        both, mine, theirs = add_coin(shop), add_coin(shop), add_coin(shop)
        own, secret = open_cart(customer), open_cart(visitor)
        for client, cart_id, sku, quantity in (
            (customer, own, both, 9_998), (customer, own, mine, 1),
            (visitor, secret, both, 3), (visitor, secret, theirs, 4),
        ):  # fmt: skip
            add(client, cart_id, sku, quantity)
        for _twice in range(2):
            sign_in(customer, secret)
            assert held(customer, own) == {both: 10_000, mine: 1, theirs: 4}
            assert_problem(visitor.get(f"{CART}/{secret}"), 404, "not_found")

    def test_registration_and_the_second_step_take_the_cart_over(
        self, visitor: ApiClient, open_app: Flask, shop: Database
    ) -> None:
        sku, person = add_coin(shop), ApiClient(open_app)
        secret = open_cart(visitor)
        add(visitor, secret, sku, 2)
        person.register(cartId=secret)
        own = open_cart(person)
        assert held(person, own) == {sku: 2}
        person.credit()
        turn_on_second_factor(person)
        later = open_cart(visitor)
        add(visitor, later, sku, 1)
        body = {"email": person.email, "password": PASSWORD, "cartId": later}
        refused = ApiClient(open_app).post(LOGIN, body)
        assert_problem(refused, 401, "two_factor_required")
        assert held(visitor, later) == {sku: 1}
        sign_in(person, later, code=person.recovery_codes[0])
        assert held(person, own) == {sku: 3}

    def test_first_products_stay_where_both_do_not_fit(
        self,
        customer: ApiClient,
        visitor: ApiClient,
        shop: Database,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        skus = [add_coin(shop) for _ in range(4)]
        own, secret = open_cart(customer), open_cart(visitor)
        add(customer, own, skus[0])
        for sku in skus[1:]:
            add(visitor, secret, sku)
        monkeypatch.setattr("app.shop.cart.rules.LINES_MAX", 3)
        sign_in(customer, secret)
        assert list(held(customer, own)) == skus[:3]

    def test_sign_in_does_not_fail_because_of_a_cart(
        self, customer: ApiClient, open_app: Flask, shop: Database
    ) -> None:
        other = ApiClient.create_customer(open_app)
        foreign, sku = open_cart(other), add_coin(shop)
        add(other, foreign, sku)
        own = open_cart(customer)
        for cart_id in (foreign, own, "crt_gone", "nonsense", "", None):
            if cart_id != "":
                sign_in(customer, cart_id)
        assert held(customer, own) == {}
        assert held(other, foreign) == {sku: 1}
        body = {"email": customer.email, "password": PASSWORD, "cartId": 7}
        assert wrong_fields(customer.post(LOGIN, body)) == ["cartId"]


class TestLocking:
    def test_prices_of_a_cart_are_locked_from_the_first_visit_on(
        self, visitor: ApiClient, open_app: Flask, shop: Database
    ) -> None:
        set_prices(shop, AU="4000")
        coins, person = [stock_coins(shop, 3) for _ in range(2)], ApiClient(open_app)
        secret = open_cart(visitor)
        for coin, quantity in zip(coins, (2, 3), strict=True):
            add(visitor, secret, coin.sku, quantity)
        person.register(cartId=secret)
        person.credit()
        own = open_cart(person)
        key = ids.new().hex
        locked = person.ok(201, person.post(LOCK, {"cartId": own}, key=key))
        assert [(item["sku"], item["quantity"]) for item in locked["items"]] == [
            (coins[0].sku, 2), (coins[1].sku, 3),
        ]  # fmt: skip
        assert locked["total"] == "21042.00"
        left = person.ok(200, person.get(f"{CART}/{own}"))["items"]
        assert [item["available"] for item in left] == [1, 0]
        add(person, own, coins[0].sku, 1)
        again = person.post(LOCK, {"cartId": own}, key=key)
        assert (again.json, again.headers["Idempotent-Replayed"]) == (locked, "true")
        short = person.post(LOCK, {"cartId": own})
        assert_problem(short, 409, "insufficient_stock")
        assert [error["field"] for error in short.json["errors"]] == ["items.0.quantity"]

    def test_lock_without_goods_of_a_cart_is_refused(
        self, visitor: ApiClient, customer: ApiClient, open_app: Flask, shop: Database
    ) -> None:
        other, sku = ApiClient.create_customer(open_app), add_coin(shop)
        foreign, empty = open_cart(other), open_cart(customer)
        add(other, foreign, sku)
        item = {"sku": sku, "quantity": 1}
        with database_unchanged(shop):
            for cart_id in (foreign, "crt_gone"):
                assert_problem(customer.post(LOCK, {"cartId": cart_id}), 404, "not_found")
            assert wrong_fields(customer.post(LOCK, {"cartId": empty})) == ["cartId"]
            both = {"cartId": empty, "items": [item]}
            assert wrong_fields(customer.post(LOCK, both)) == ["items"]
            for later in ({"couponCode": "SAVE10"}, {"loyaltyPoints": 100}):
                refused = post_unchecked(customer, {"items": [item], **later})
                assert (refused.status_code, refused.json["code"]) == (501, "feature_disabled")


class TestExpiry:
    @pytest.fixture
    def later(self, customer: ApiClient, visitor: ApiClient) -> Iterator[datetime]:
        """Return the instant at which carts of now expire."""
        with time_machine.travel(clock.now(), tick=False) as traveller:
            self.traveller = traveller
            yield clock.now() + LIFETIME

    def test_cart_expires_a_month_after_its_last_change(
        self, visitor: ApiClient, shop: Database, later: datetime
    ) -> None:
        secret, sku = open_cart(visitor), add_coin(shop)
        self.traveller.move_to(later - timedelta(seconds=1))
        held(visitor, secret)
        self.traveller.move_to(later)
        assert_problem(visitor.get(f"{CART}/{secret}"), 404, "not_found")
        changed = visitor.post(f"{CART}/{secret}/items", {"sku": sku, "quantity": 1})
        assert_problem(changed, 404, "not_found")
        renewed = open_cart(visitor)
        self.traveller.move_to(later + LIFETIME - timedelta(seconds=1))
        assert add(visitor, renewed, sku) == {sku: 1}
        self.traveller.move_to(later + LIFETIME)
        assert held(visitor, renewed) == {sku: 1}
        with shop.transaction() as session:
            cart.delete_expired(session)
            kept = read_values(session, CartRow.token_hash, CartRow.user_id.is_(None))
        assert hash_token(renewed) in kept
        assert hash_token(secret) not in kept

    def test_person_whose_cart_expired_has_a_new_one(
        self, shop: Database, open_app: Flask, later: datetime
    ) -> None:
        person = ApiClient.create_customer(open_app)
        own = open_cart(person)
        add(person, own, add_coin(shop))
        self.traveller.move_to(later)
        person.sign_in()
        new = person.post(CART)
        assert (new.status_code, new.json["items"]) == (201, [])
        assert new.json["id"] != own
        with shop.reading() as session:
            own_id = ids.decode(PREFIX, own)
            assert count_rows(session, CartItemRow, CartItemRow.cart_id == own_id) == 0


def test_cart_is_exported_to_its_person_and_erased_with_them(
    customer: ApiClient, shop: Database
) -> None:
    own, sku = open_cart(customer), add_coin(shop)
    add(customer, own, sku, 3)
    with shop.transaction() as session:
        sections = personal_data_tables.export_sections(session, customer.user_id)["shop"]
        [item] = sections["cart"]
        assert (item["sku"], item["quantity"]) == (sku, 3)
        personal_data_tables.erase_from_all_rooms(session, customer.user_id)
        assert count_rows(session, CartRow, CartRow.user_id == customer.user_id) == 0
