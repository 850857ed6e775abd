"""Idempotency keys over HTTP: one key has one effect and one response."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest

from app.idempotency import service as idempotency
from app.idempotency.models import IdempotentAnswer
from app.kit import clock
from app.kit.db import Database
from tests.blueprints import probe
from tests.blueprints.conftest import SignedInCustomer, check_problem
from tests.rows import change_rows


def test_repeated_request_returns_the_same_bytes_and_has_no_second_effect(
    customer: SignedInCustomer, dollar_balance: Callable[[], str]
) -> None:
    first = customer.request_gift("key")
    assert "Idempotent-Replayed" not in first.headers
    for _ in range(2):
        repeated = customer.request_gift("key")
        assert (repeated.status_code, repeated.data) == (201, first.data)
        assert repeated.content_type == first.content_type
        assert repeated.headers["Idempotent-Replayed"] == "true"
        assert repeated.headers["X-Request-Id"] != first.headers["X-Request-Id"]
    assert dollar_balance() == "100"


def test_json_with_other_key_order_and_spaces_is_the_same_request(
    customer: SignedInCustomer, dollar_balance: Callable[[], str]
) -> None:
    headers = customer.headers(Idempotency_Key="key", Content_Type="application/json")
    for raw in (
        b'{"assetCode":"USD","amount":"1.00"}',
        b'{ "amount": "1.00",\n"assetCode":"USD" }',
    ):
        response = customer.client.post("/api/probe/gifts", data=raw, headers=headers)
        assert response.status_code == 201
    assert dollar_balance() == "100"


def test_used_key_with_another_body_is_refused(
    customer: SignedInCustomer, dollar_balance: Callable[[], str]
) -> None:
    customer.request_gift("key")
    response = customer.request_gift("key", amount="2.00")
    assert check_problem(response, 422, "idempotency_key_reused")["errors"] == [
        {
            "field": "Idempotency-Key",
            "message": "This key was used for another request. "
            "Make a new key for each new request.",
        }
    ]
    assert dollar_balance() == "100"


def test_used_key_with_another_path_is_refused(
    customer: SignedInCustomer, dollar_balance: Callable[[], str]
) -> None:
    customer.request_gift("key")
    headers = customer.headers(Idempotency_Key="key")
    response = customer.client.post("/api/probe/declined", headers=headers)
    check_problem(response, 422, "idempotency_key_reused")
    assert dollar_balance() == "100"


def test_two_customers_can_use_the_same_key(sign_in: Callable[[], SignedInCustomer]) -> None:
    ada, bob = sign_in(), sign_in()
    responses = [ada.request_gift("key"), bob.request_gift("key", amount="2.00")]
    assert [response.status_code for response in responses] == [201, 201]


def test_refused_request_can_be_repeated_with_its_key(
    customer: SignedInCustomer, dollar_balance: Callable[[], str]
) -> None:
    check_problem(customer.request_gift("key", note="decline"), 409, "probe_declined")
    check_problem(customer.request_gift("key", amount="nonsense"), 422, "validation_failed")
    check_problem(customer.request_gift("key", note="break"), 500, "internal_error")
    assert dollar_balance() == "0"
    assert customer.request_gift("key").status_code == 201
    assert dollar_balance() == "100"


@pytest.mark.parametrize("key", ["x" * 256, "schlüssel", "tab\tinside", ""])
def test_invalid_key_is_refused_without_effect(
    customer: SignedInCustomer, dollar_balance: Callable[[], str], key: str
) -> None:
    response = customer.client.post(
        "/api/probe/gifts",
        json={"assetCode": "USD", "amount": "1.00"},
        headers=customer.headers(),
        environ_overrides={"HTTP_IDEMPOTENCY_KEY": key},
    )
    assert "1 to 255" in check_problem(response, 400, "idempotency_key_required")["detail"]
    assert dollar_balance() == "0"


@pytest.mark.parametrize("key", ["x", "x" * 255, '"quoted key; with=signs"'])
def test_valid_key_is_accepted(customer: SignedInCustomer, key: str) -> None:
    assert customer.request_gift(key).status_code == 201


class TestConcurrentRequests:
    @pytest.fixture(autouse=True)
    def _close_gate(self) -> None:
        probe.gate.clear()
        probe.entered.clear()

    @pytest.fixture(autouse=True)
    def _open_gate(self, _close_gate: None) -> object:
        yield
        probe.gate.set()

    def test_concurrent_duplicate_waits_and_gets_the_same_response(
        self, customer: SignedInCustomer, dollar_balance: Callable[[], str]
    ) -> None:
        with ThreadPoolExecutor() as pool:
            first = pool.submit(customer.request_gift, "key")
            assert probe.entered.wait(5)
            second = pool.submit(customer.request_gift, "key")
            threading.Timer(0.3, probe.gate.set).start()
            responses = [first.result(), second.result()]
        assert [response.status_code for response in responses] == [201, 201]
        assert responses[0].data == responses[1].data
        assert responses[1].headers["Idempotent-Replayed"] == "true"
        assert dollar_balance() == "100"

    def test_concurrent_duplicate_is_refused_after_two_seconds(
        self, customer: SignedInCustomer, dollar_balance: Callable[[], str]
    ) -> None:
        with ThreadPoolExecutor() as pool:
            first = pool.submit(customer.request_gift, "key")
            assert probe.entered.wait(5)
            second = pool.submit(customer.request_gift, "key").result()
            probe.gate.set()
            assert first.result().status_code == 201
        check_problem(second, 409, "idempotency_in_progress")
        assert dollar_balance() == "100"
        assert customer.request_gift("key").headers["Idempotent-Replayed"] == "true"

    def test_request_of_another_customer_does_not_wait(
        self, customer: SignedInCustomer, sign_in: Callable[[], SignedInCustomer]
    ) -> None:
        other = sign_in()
        with ThreadPoolExecutor() as pool:
            first = pool.submit(customer.request_gift, "key")
            assert probe.entered.wait(5)
            url = "/api/probe/things/1"
            assert other.client.get(url, headers=other.headers()).status_code == 200
            probe.gate.set()
            assert first.result().status_code == 201


def test_twelve_concurrent_requests_with_one_key_have_one_effect(
    customer: SignedInCustomer, dollar_balance: Callable[[], str]
) -> None:
    with ThreadPoolExecutor(6) as pool:
        responses = list(pool.map(lambda _: customer.request_gift("key"), range(12)))
    assert {response.status_code for response in responses} == {201}
    assert len({response.data for response in responses}) == 1
    assert sum("Idempotent-Replayed" in response.headers for response in responses) == 11
    assert dollar_balance() == "100"


def test_responses_older_than_30_days_are_deleted(
    database: Database, customer: SignedInCustomer
) -> None:
    old, young = uuid4().hex, uuid4().hex
    customer.request_gift(old)
    with database.transaction() as session:
        change_rows(
            session,
            IdempotentAnswer,
            IdempotentAnswer.key == old,
            created_at=clock.now() - timedelta(days=31),
        )
    customer.request_gift(young)
    with database.transaction() as session:
        idempotency.delete_before(session, clock.now() - timedelta(days=30))
    with database.reading() as session:
        rows = session.rows(
            "SELECT key FROM idempotent_answers WHERE actor_id = %s", (customer.user_id,)
        )
    assert rows == [(young,)]
