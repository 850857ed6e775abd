"""One key, one effect, one answer: through HTTP."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest

from app.idempotency import service as idempotency
from app.kit import clock
from app.kit.db import Database
from tests.blueprints import probe
from tests.blueprints.conftest import SignedInCustomer, check_problem


def test_the_same_request_gets_the_same_bytes(
    customer: SignedInCustomer, dollar_balance: Callable[[], str]
) -> None:
    first = customer.request_gift("key")
    assert "Idempotent-Replayed" not in first.headers
    for _ in range(2):
        again = customer.request_gift("key")
        assert (again.status_code, again.data) == (201, first.data)
        assert again.content_type == first.content_type
        assert again.headers["Idempotent-Replayed"] == "true"
        assert again.headers["X-Request-Id"] != first.headers["X-Request-Id"]
    assert dollar_balance() == "100"


def test_the_order_of_keys_and_white_space_do_not_count(
    customer: SignedInCustomer, dollar_balance: Callable[[], str]
) -> None:
    headers = customer.headers(Idempotency_Key="key", Content_Type="application/json")
    for raw in (
        b'{"assetCode":"USD","amount":"1.00"}',
        b'{ "amount": "1.00",\n"assetCode":"USD" }',
    ):
        answer = customer.client.post("/api/probe/gifts", data=raw, headers=headers)
        assert answer.status_code == 201
    assert dollar_balance() == "100"


def test_another_body_is_refused(
    customer: SignedInCustomer, dollar_balance: Callable[[], str]
) -> None:
    customer.request_gift("key")
    answer = customer.request_gift("key", amount="2.00")
    assert check_problem(answer, 422, "idempotency_key_reused")["errors"] == [
        {
            "field": "Idempotency-Key",
            "message": "This key was used for another request. "
            "Make a new key for each new request.",
        }
    ]
    assert dollar_balance() == "100"


def test_another_path_is_refused(
    customer: SignedInCustomer, dollar_balance: Callable[[], str]
) -> None:
    customer.request_gift("key")
    headers = customer.headers(Idempotency_Key="key")
    answer = customer.client.post("/api/probe/declined", headers=headers)
    check_problem(answer, 422, "idempotency_key_reused")
    assert dollar_balance() == "100"


def test_keys_belong_to_one_actor(sign_in: Callable[[], SignedInCustomer]) -> None:
    ada, bob = sign_in(), sign_in()
    answers = [ada.request_gift("key"), bob.request_gift("key", amount="2.00")]
    assert [answer.status_code for answer in answers] == [201, 201]


def test_refusals_are_not_stored(
    customer: SignedInCustomer, dollar_balance: Callable[[], str]
) -> None:
    check_problem(customer.request_gift("key", note="decline"), 409, "probe_declined")
    check_problem(customer.request_gift("key", amount="nonsense"), 422, "validation_failed")
    check_problem(customer.request_gift("key", note="break"), 500, "internal_error")
    assert dollar_balance() == "0"
    assert customer.request_gift("key").status_code == 201
    assert dollar_balance() == "100"


@pytest.mark.parametrize("key", ["x" * 256, "schlüssel", "tab\tinside", ""])
def test_unusable_keys(
    customer: SignedInCustomer, dollar_balance: Callable[[], str], key: str
) -> None:
    answer = customer.client.post(
        "/api/probe/gifts",
        json={"assetCode": "USD", "amount": "1.00"},
        headers=customer.headers(),
        environ_overrides={"HTTP_IDEMPOTENCY_KEY": key},
    )
    assert "1 to 255" in check_problem(answer, 400, "idempotency_key_required")["detail"]
    assert dollar_balance() == "0"


@pytest.mark.parametrize("key", ["x", "x" * 255, '"quoted key; with=signs"'])
def test_usable_keys(customer: SignedInCustomer, key: str) -> None:
    assert customer.request_gift(key).status_code == 201


class TestAtTheSameTime:
    @pytest.fixture(autouse=True)
    def held(self) -> None:
        probe.gate.clear()
        probe.entered.clear()

    @pytest.fixture(autouse=True)
    def release(self, held: None) -> object:
        yield
        probe.gate.set()

    def test_a_duplicate_waits_and_replays(
        self, customer: SignedInCustomer, dollar_balance: Callable[[], str]
    ) -> None:
        with ThreadPoolExecutor() as pool:
            first = pool.submit(customer.request_gift, "key")
            assert probe.entered.wait(5)
            second = pool.submit(customer.request_gift, "key")
            threading.Timer(0.3, probe.gate.set).start()
            answers = [first.result(), second.result()]
        assert [answer.status_code for answer in answers] == [201, 201]
        assert answers[0].data == answers[1].data
        assert answers[1].headers["Idempotent-Replayed"] == "true"
        assert dollar_balance() == "100"

    def test_after_two_seconds_it_is_told_to_wait(
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

    def test_another_key_does_not_wait(
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


def test_a_race_of_one_key_has_one_effect(
    customer: SignedInCustomer, dollar_balance: Callable[[], str]
) -> None:
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: customer.request_gift("key"), range(12)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.data for answer in answers}) == 1
    assert sum("Idempotent-Replayed" in answer.headers for answer in answers) == 11
    assert dollar_balance() == "100"


def test_old_answers_are_forgotten(database: Database, customer: SignedInCustomer) -> None:
    old, young = uuid4().hex, uuid4().hex
    customer.request_gift(old)
    with database.transaction() as session:
        session.send(
            "UPDATE idempotent_answers SET created_at = %s WHERE key = %s",
            (clock.now() - timedelta(days=31), old),
        )
    customer.request_gift(young)
    with database.transaction() as session:
        idempotency.delete_before(session, clock.now() - timedelta(days=30))
    with database.reading() as session:
        rows = session.rows(
            "SELECT key FROM idempotent_answers WHERE actor_id = %s", (customer.user_id,)
        )
    assert rows == [(young,)]
