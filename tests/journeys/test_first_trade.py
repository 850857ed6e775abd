"""A new customer's first hour: register, get a price, trade, transfer, sign out."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask import Flask
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer

from app.config import Settings
from app.jobs.connection import connect_to_redis
from app.jobs.relay import Relay
from app.jobs.worker import RqWorker
from app.kit import clock
from app.kit import tasks as kit_tasks
from app.kit.db import Database
from app.outbox.models import StagedJob
from tests.api_client import ApiClient, assert_problem
from tests.mailbox import Mailbox
from tests.people import set_prices
from tests.rows import change_rows


@pytest.fixture
def redis(lone_app: Flask, worker_id: str) -> Iterator[Redis]:
    """Yield a database of the real Redis where no other test's worker takes jobs."""
    settings: Settings = lone_app.extensions["settings"]
    number = 15 - int(worker_id.removeprefix("gw") if worker_id != "master" else 0) % 8
    client = connect_to_redis(f"{settings.redis_url.rpartition('/')[0]}/{number}")
    client.flushdb()
    yield client
    client.flushdb()
    client.close()


@contextmanager
def _signals_restored() -> Iterator[None]:
    """Restore the signal handlers, which RQ replaces and does not restore."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


def carry_out_jobs(app: Flask, redis: Redis) -> None:
    """Run the relay and the worker until no job is due."""
    database: Database = app.extensions["database"]
    with database.transaction() as session:
        # The minute is over in which the emails about several trades become one.
        change_rows(session, StagedJob, StagedJob.done_at.is_(None), due_at=clock.now())
    Relay(database, redis, app.extensions["backoff"], provider_jobs_max=2).step()
    queue = Queue(kit_tasks.Queue.MESSAGES, connection=redis, serializer=JSONSerializer)
    worker = RqWorker([queue], connection=redis, serializer=JSONSerializer)
    with app.app_context(), _signals_restored():
        worker.work(burst=True, logging_level="WARNING")


def count(database: Database, table: str) -> int:
    with database.reading() as session:
        return session.rows(f"SELECT count(*) FROM {table}")[0][0]


def confirm(me: ApiClient, conversion: object, app: Flask, redis: Redis, mailbox: Mailbox) -> str:
    """Confirm the email address by the link sent to it. No money moves before that.

    Sessions from before end, because another person may have registered, apart from the one that
    sends the link. Return the access token of a session that is opened beside that one.
    """
    assert_problem(me.post("/api/trade/quote", conversion), 403, "email_not_confirmed")
    carry_out_jobs(app, redis)
    me.ok(200, me.post("/api/auth/verify-email", {"token": mailbox.latest_token(me.email)}))
    other = ApiClient(app)
    other.email = me.email
    other.sign_in()
    assert other.token
    return other.token


def test_new_customer_trades_and_gets_one_confirmation(
    lone_app: Flask, redis: Redis, mailbox: Mailbox
) -> None:
    database: Database = lone_app.extensions["database"]
    set_prices(database, AU="4000", AG="50", PT="1600", PD="1500", CU="0.4", PAXG="4000")
    me = ApiClient(lone_app)

    registered = me.register(phone="+12025550123")
    logged_in = me.sign_in()
    assert logged_in["user"] == registered["user"] == me.get("/api/auth/me").json
    assert logged_in["accessToken"] != registered["accessToken"]
    assert me.available_balances() == {}

    prices = me.ok(200, me.get("/api/trade/prices", asset="AU"))["data"]
    assert [(price["bid"], price["ask"]) for price in prices] == [("3992.000000", "4008.000000")]

    conversion = {"fromAsset": "USD", "toAsset": "XAU-s", "fromAmount": "1000.00"}
    other_token = confirm(me, conversion, lone_app, redis, mailbox)

    # Money is paid in; then a quote for 1,000 dollars of gold: 995.00 / 4008.
    me.credit(USD="1000.00", PAXG="2")
    quote = me.ok(201, me.post("/api/trade/quote", conversion))
    assert (quote["toAmount"], quote["price"]) == ("0.24825349", "4008.000000")
    assert quote["fee"] == {"asset": "USD", "amount": "5.00"}
    assert me.available_balances() == {"USD": "1000.00", "PAXG": "2.00000000"}

    first = me.post("/api/trade/order", {"quoteId": quote["id"]}, key="my first trade")
    again = me.post("/api/trade/order", {"quoteId": quote["id"]}, key="my first trade")
    order = me.ok(201, first)
    assert (again.status_code, again.data) == (201, first.data)
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    # Two credits and one trade; the job that confirms it, beside the one that sent the link.
    counts = [count(database, table) for table in ("entries", "orders", "outbox")]
    assert counts == [3, 1, 2]
    assert_problem(me.post("/api/trade/order", {"quoteId": quote["id"]}), 409, "quote_used")

    assert me.available_balances() == {"PAXG": "2.00000000", "XAU-s": "0.24825349"}
    assert me.ok(200, me.get("/api/trade/history")) == {"data": [order], "nextCursor": None}

    # One confirmation, however often the jobs run.
    assert me.ok(200, me.get("/api/messages"))["data"] == []
    for _ in range(2):
        carry_out_jobs(lone_app, redis)
    (message,) = me.ok(200, me.get("/api/messages"))["data"]
    assert message["subject"] == "You converted 1,000.00 USD to 0.24825349 XAU-s"
    assert [mail.subject for mail in mailbox.sent_to(me.email)][1:] == [message["subject"]]
    assert message["body"].startswith(f"Order {order['id']} was filled on ")
    assert "Price         4,008.00 USD an ounce\nFee           5.00 USD" in message["body"]

    # PAXG becomes synthetic gold one to one, and PAXG again.
    mint = {"asset": "PAXG", "amount": "1.5", "from": "funding", "to": "trading"}
    minted = me.ok(201, me.post("/api/wallet/transfer", mint))
    assert (minted["toAsset"], minted["toAmount"]) == ("XAU-s", "1.50000000")
    assert me.available_balances() == {"PAXG": "0.50000000", "XAU-s": "1.74825349"}
    burn = {"asset": "XAU-s", "amount": "1.74825349", "from": "trading", "to": "funding"}
    me.ok(201, me.post("/api/wallet/transfer", burn))
    assert me.available_balances() == {"PAXG": "2.24825349"}

    # Signing out ends this session at once and leaves the other one alone.
    assert me.post("/api/auth/logout").status_code == 204
    for path in ("/api/auth/me", "/api/wallet/balances", "/api/trade/history", "/api/messages"):
        assert_problem(me.get(path), 401, "token_invalid")
    # A stored response needs a valid session too.
    replay = me.post("/api/trade/order", {"quoteId": quote["id"]}, key="my first trade")
    assert_problem(replay, 401, "token_invalid")
    ended = me.post("/api/auth/refresh", {"refreshToken": me.refresh_token})
    assert_problem(ended, 401, "token_invalid")
    me.token = other_token
    assert me.get("/api/auth/me").json == {**registered["user"], "emailConfirmed": True}
