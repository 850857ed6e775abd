"""The whole exchange under SIGKILL, while customers trade over HTTP and record every response.

Acknowledged orders are remembered here, outside of everything that is killed. Afterwards the books
are compared with them.
"""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from random import Random
from uuid import UUID

import httpx
import psutil
import psycopg
import pytest
from sqlalchemy.engine import make_url

from app import embedded
from app.embedded.data_folder import DataFolder
from app.kit import ids
from tests.api_client import ACCEPTED_POLICIES
from tests.drill import SEED, choose_size, seeded_random
from tests.faults.conftest import PROJECT, wait_until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no kill -9 on Windows")

CLIENTS = 4
#: Seconds of trading without and with kills of PostgreSQL.
CALM, ROUGH = choose_size(5, 30), choose_size(3, 30)
#: Seconds between the orders of a customer: the books are compared the same for fewer orders.
PAUSE = choose_size(0.1, 0)
#: How many orders are filled at least, however slow the machine is.
FILLED_MIN = choose_size(50, 1000)
KILLS_MIN = choose_size(1, 3)
#: What is promised is that the exchange recovers, not how soon: a busy machine takes its time.
PATIENCE_SECONDS = 300
#: A minute of trading leaves some ten thousand emails to one worker.
DRAIN_SECONDS = choose_size(PATIENCE_SECONDS, 900)
#: The opening balances of each customer in minor units, and the scale of each asset.
PURSE = (("USD", "customer.funding", 10**8), ("XAU-s", "customer.trading", 25 * 10**9))
SCALE = {"USD": 2, "XAU-s": 8}
PASSWORD = "correct horse battery"
_REPLAYED_AGAIN = 0.1
_RETRIED_AT_ONCE = 0.5


class Exchange:
    """`bin/run` in its own data folder, and its processes."""

    def __init__(self, folder: Path) -> None:
        self.data = DataFolder(folder / "data")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        kept = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "PBCEX_TEST_SUPERUSER_URL")
        self._environ = {name: value for name, value in os.environ.items() if name not in kept} | {
            "PORT": str(self.port),
            "PBCEX_DATA_DIR": str(self.data.root),
            # The log names the processes that are killed.
            "PBCEX_LOG_LEVEL": "INFO",
            "PBCEX_ENV": "sample",
            "PBCEX_OUTBOX_RETRY_SECONDS": "0.5",
            # Counted but never reached, because four customers send as much as hundreds.
            "PBCEX_RATE_LIMIT": "1000000/minute",
            "FLASK_APP": "wsgi",
        }
        self.log = folder / "run.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "app.embedded"],
                cwd=PROJECT, env=self._environ, stdout=log, stderr=log,
            )  # fmt: skip

    def flask(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a flask command on the same data."""
        command = [str(Path(sys.executable).with_name("flask")), *arguments]
        return subprocess.run(
            command, cwd=PROJECT, env=self._environ, capture_output=True, text=True, check=False
        )

    def is_ready(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        with suppress(httpx.HTTPError):
            return httpx.get(f"http://127.0.0.1:{self.port}/health/ready").status_code == 200
        return False

    def victims(self, name: str) -> list[psutil.Process]:
        """Return the running processes of this name."""
        if name in {"worker", "relay"}:
            started = self._started_jobs("work" if name == "worker" else name)
            return [child for child in self._descendants() if child.pid in started]
        word = {"web": "granian", "redis": "redis-server", "postgres": "postgres"}[name]
        descendants = self._descendants()
        return [child for child in descendants if word in " ".join(child.cmdline()[:3])]

    def _descendants(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def _started_jobs(self, role: str) -> set[int]:
        """Return the pids that processes of this role had, as the log says."""
        started = set()
        for text in self.data.log_path("jobs").read_text(encoding="utf-8").splitlines():
            # A process that is killed, or cannot start yet, leaves half a line or a traceback.
            with suppress(json.JSONDecodeError):
                line = json.loads(text)
                if line["event"] == "started" and str(line.get("process")).split()[0] == role:
                    started.add(line["pid"])
        return started

    def connect(self) -> psycopg.Connection:
        """Connect as superuser, to check the books without any code of the application."""
        urls = embedded.find_running_servers(self.data.root)
        assert urls is not None
        url = make_url(urls.superuser_url).set(
            drivername="postgresql", database=make_url(urls.database_url).database
        )
        return psycopg.connect(url.render_as_string(hide_password=False), autocommit=True)

    def end(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            assert self.process.wait(PATIENCE_SECONDS) == 0, self.log.read_text()
        finally:
            self.process.kill()
            self.process.wait()


@dataclass
class WantedOrder:
    """An order that must be executed exactly once, whatever happens to its requests."""

    key: str
    body: dict[str, str]
    #: The response, if there was one: the bytes of a 201, or the code of a refusal.
    filled: bytes | None = None
    refused: str | None = None
    was_unknown: bool = False

    @property
    def is_known(self) -> bool:
        return self.filled is not None or self.refused is not None


@dataclass
class Customer:
    """A customer who places one order after another and records every response."""

    exchange: Exchange
    name: str
    wanted_orders: list[WantedOrder] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)
    #: The negative control: an order without a response is sent with a new key, not replayed.
    forgets_keys: bool = False

    def __post_init__(self) -> None:
        self._http = httpx.Client(base_url=f"http://127.0.0.1:{self.exchange.port}", timeout=15)
        answer = self._http.post(
            "/api/auth/register",
            json={
                "email": f"{self.name}@example.com", "password": PASSWORD,
                "firstName": "Ada", "lastName": "Lovelace",
                "acceptedPolicies": ACCEPTED_POLICIES,
            },
        )  # fmt: skip
        assert answer.status_code == 201, answer.text
        self.user_id = ids.decode("usr", answer.json()["user"]["id"])
        self._http.headers["Authorization"] = f"Bearer {answer.json()['accessToken']}"
        with self.exchange.connect() as connection:
            connection.execute(
                "UPDATE users SET email_confirmed_at = now() WHERE id = %s", (self.user_id,)
            )
            for asset, account, units in PURSE:
                connection.execute(
                    _GIVE, (f"purse of {self.name}: {asset}", asset, account, self.user_id, units)
                )

    def stop(self) -> None:
        """Close the connection."""
        self._http.close()

    def choose_order(self, random: Random) -> WantedOrder:
        """Return a new random order: a small amount of dollars to gold, or back."""
        if random.random() < 0.5:
            body = {"fromAsset": "USD", "toAsset": "XAU-s"}
            body["fromAmount"] = f"{random.randrange(100, 100_000) / 100:.2f}"
        else:
            body = {"fromAsset": "XAU-s", "toAsset": "USD"}
            body["fromAmount"] = f"{random.randrange(10**5, 10**7) / 10**8:.8f}"
        wished = WantedOrder(secrets.token_hex(16), body)
        self.wanted_orders.append(wished)
        return wished

    def send(self, wanted_order: WantedOrder) -> None:
        """Send the order once, and record the response if there is one."""
        try:
            answer = self._http.post(
                "/api/trade/order",
                json=wanted_order.body,
                headers={"Idempotency-Key": wanted_order.key},
            )
        except httpx.HTTPError:
            wanted_order.was_unknown = True
            return
        if answer.status_code == 201:
            if wanted_order.filled not in {None, answer.content}:
                self.differing.append(wanted_order.key)
            wanted_order.filled = answer.content
        elif answer.status_code >= 500 or answer.json()["code"] == "idempotency_in_progress":
            wanted_order.was_unknown = True
        else:
            wanted_order.refused = answer.json()["code"]

    def trade(self, until: threading.Event, random: Random) -> None:
        """Place orders until `until` is set; retry some without a response at once."""
        while not until.is_set():
            wanted_order = self.choose_order(random)
            self.send(wanted_order)
            while (
                not wanted_order.is_known
                and random.random() < _RETRIED_AT_ONCE
                and not until.is_set()
            ):
                time.sleep(0.1)
                self.retry(wanted_order)
            if wanted_order.filled is not None and random.random() < _REPLAYED_AGAIN:
                self.send(wanted_order)
            until.wait(PAUSE)

    def retry(self, wanted_order: WantedOrder) -> None:
        """Send the order again to learn its outcome."""
        if self.forgets_keys:
            wanted_order.key = secrets.token_hex(16)
        self.send(wanted_order)

    def resolve(self) -> None:
        """Retry every order without a response until it has one."""
        for wanted_order in self.wanted_orders:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while not wanted_order.is_known:
                assert time.monotonic() < deadline, f"{wanted_order.key} has no answer"
                self.retry(wanted_order)
                time.sleep(0.05)

    def place_filled_order(self, random: Random) -> WantedOrder:
        """Place orders until one is filled, and return it: a busy machine may have no fresh price,
        and refuse some."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            wanted_order = self.choose_order(random)
            while not wanted_order.is_known:
                assert time.monotonic() < deadline, "no order was filled"
                self.send(wanted_order)
            if wanted_order.filled is not None:
                return wanted_order
            time.sleep(0.5)

    def expected(self) -> dict[str, Decimal]:
        """Return the balances that follow from the responses alone."""
        have = {asset: Decimal(units).scaleb(-SCALE[asset]) for asset, _, units in PURSE}
        for wanted_order in self.wanted_orders:
            if wanted_order.filled is not None:
                order = json.loads(wanted_order.filled)
                have[order["fromAsset"]] -= Decimal(order["fromAmount"])
                have[order["toAsset"]] += Decimal(order["toAmount"])
        return have


_GIVE = """
SELECT ledger_post(%s, 'test_credit', now(), ARRAY[asset, asset], ARRAY['capital', account],
    ARRAY['00000000-0000-0000-0000-000000000000', owner], ARRAY[units, -units])
FROM (VALUES (%s, %s, %s::uuid, %s)) AS gift (asset, account, owner, units)
"""
_ORDERS = """
SELECT o.id,
    (SELECT count(*) FROM entries e WHERE e.reference = o.reference),
    (SELECT count(*) FROM messages m WHERE m.user_id = %(user)s
        AND m.event_key = 'trade_confirmed:' || o.reference)
FROM unnest(%(ids)s::uuid[], %(references)s::text[]) AS o (id, reference)
"""
_BALANCES = """
SELECT a.asset, sum(a.normal * p.units) FROM accounts a JOIN postings p ON p.account_id = a.id
WHERE a.owner_id = %s AND a.guarded GROUP BY a.asset
"""


def problems(exchange: Exchange, customers: list[Customer]) -> list[str]:
    """Return the differences between the books and the recorded responses."""
    differences = []
    with exchange.connect() as connection:
        for customer in customers:
            acknowledged = Counter(
                ids.decode("trd", json.loads(wanted_order.filled)["id"])
                for wanted_order in customer.wanted_orders
                if wanted_order.filled is not None
            )
            differences += [f"{customer.name}: {key} got two answers" for key in customer.differing]
            differences += [
                f"{trade} answers {times} keys"
                for trade, times in acknowledged.items()
                if times > 1
            ]
            rows = connection.execute(
                "SELECT id FROM orders WHERE user_id = %s", (customer.user_id,)
            )
            booked = {UUID(str(row[0])) for row in rows}
            differences += [
                f"{trade} was acknowledged and is lost" for trade in set(acknowledged) - booked
            ]
            differences += [
                f"{trade} is more than was acknowledged" for trade in booked - set(acknowledged)
            ]
            differences += _marks(connection, customer, sorted(booked))
            has = {
                asset: Decimal(int(units)).scaleb(-SCALE[asset])
                for asset, units in connection.execute(_BALANCES, (customer.user_id,))
            }
            if has != customer.expected():
                differences.append(f"{customer.name} has {has} and not {customer.expected()}")
    return differences


def _marks(connection: psycopg.Connection, customer: Customer, orders: list[UUID]) -> list[str]:
    """Return the orders without exactly one entry and one confirmation."""
    references = [ids.encode("trd", order) for order in orders]
    rows = connection.execute(
        _ORDERS, {"user": customer.user_id, "ids": orders, "references": references}
    )
    return [
        f"{order} has {entries} entries and {messages} confirmations"
        for order, entries, messages in rows
        if (entries, messages) != (1, 1)
    ]


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    exchange = Exchange(tmp_path_factory.mktemp("exchange"))
    try:
        wait_until(exchange.is_ready, PATIENCE_SECONDS)
        yield exchange
    finally:
        exchange.end()


@contextmanager
def trading(customers: list[Customer]) -> Iterator[None]:
    """Let all customers trade during the block."""
    until = threading.Event()
    threads = [
        threading.Thread(target=customer.trade, args=(until, seeded_random(customer.name)))
        for customer in customers
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        until.set()
        for thread in threads:
            thread.join()


def kill(
    exchange: Exchange, names: tuple[str, ...], seconds: float, random: Random
) -> Counter[str]:
    """Kill these processes with SIGKILL, in random order, with time to restart in between; each
    at least `KILLS_MIN` times, however long it takes to start again."""
    killed: Counter[str] = Counter()
    begin, turn = time.monotonic(), 0
    order = list(names)
    while time.monotonic() < begin + seconds or min(killed[name] for name in names) < KILLS_MIN:
        assert time.monotonic() < begin + seconds + PATIENCE_SECONDS, killed
        if turn % len(names) == 0:
            random.shuffle(order)
        name = order[turn % len(names)]
        turn += 1
        with suppress(psutil.NoSuchProcess):
            if found := exchange.victims(name):
                random.choice(found).kill()
                killed[name] += 1
        time.sleep(random.uniform(0.2, 1.5))
    return killed


def list_orders(customers: list[Customer]) -> list[WantedOrder]:
    """Return what all customers have ordered so far."""
    return [order for customer in customers for order in list(customer.wanted_orders)]


def count_filled(customers: list[Customer]) -> int:
    """Return how many orders are filled so far."""
    return sum(order.filled is not None for order in list_orders(customers))


def settled(exchange: Exchange) -> bool:
    with exchange.connect() as connection:
        # The emails of orders wait a minute, to be sent as one; redemptions of the sample lapse
        # tomorrow.
        waiting = connection.execute(
            "SELECT FROM outbox WHERE done_at IS NULL"
            " AND task NOT IN ('messages.send_mail', 'redemption.lapse')"
        ).fetchone()
    return waiting is None


@pytest.mark.drill(name="kill")
@pytest.mark.timeout(choose_size(1_800, 3_600))
class TestKill:
    def test_acknowledged_orders_are_in_the_books_once(self, exchange: Exchange, record_property):
        customers = [Customer(exchange, f"trader-{number}-{SEED}") for number in range(CLIENTS)]
        random = seeded_random("victims")
        with trading(customers):
            killed = kill(exchange, ("web", "worker", "relay", "redis"), CALM, random)
            killed += kill(exchange, ("postgres", "web", "worker", "relay", "redis"), ROUGH, random)
            while not any(order.was_unknown and order.filled for order in list_orders(customers)):
                killed += kill(exchange, ("web",), 0, random)
            wait_until(lambda: count_filled(customers) > FILLED_MIN, PATIENCE_SECONDS)
        wait_until(exchange.is_ready, PATIENCE_SECONDS)
        for customer in customers:
            customer.resolve()
            customer.stop()
        wait_until(lambda: settled(exchange), DRAIN_SECONDS)
        assert problems(exchange, customers) == []
        verified = exchange.flask("books", "verify")
        assert verified.returncode == 0, verified.stdout + verified.stderr
        wanted_orders = list_orders(customers)
        filled = [wanted_order for wanted_order in wanted_orders if wanted_order.filled is not None]
        refused = Counter(
            wanted_order.refused
            for wanted_order in wanted_orders
            if wanted_order.refused is not None
        )
        reasons = ", ".join(refused) or "none"
        assert set(killed) == {"postgres", "web", "worker", "relay", "redis"}
        assert len(filled) > FILLED_MIN
        assert set(refused) <= {"price_stale"}, refused
        unknown = sum(wanted_order.was_unknown for wanted_order in filled)
        assert unknown > 0, "nothing was ever unknown: the kills were too kind"
        assert min(killed.values()) >= KILLS_MIN
        record_property(
            "evidence",
            f"{CLIENTS} clients traded for {CALM + ROUGH} s under "
            f"{', '.join(f'{count} kills of {name}' for name, count in sorted(killed.items()))}: "
            f"{len(filled):,} orders filled, each once with one entry and one confirmation; "
            f"{unknown} of them had no response at first and were resolved by replaying the key; "
            f"{refused.total()} refused ({reasons}) without any effect. "
            "Every balance equals the sum of the responses.",
        )

    def test_control_order_sent_with_a_new_key_is_found(self, exchange: Exchange, record_property):
        customer = Customer(exchange, f"forgetful-{SEED}", forgets_keys=True)
        wanted_order = customer.place_filled_order(seeded_random("forgetful"))
        wanted_order.filled = None  # as if the response had been lost
        customer.resolve()
        customer.stop()
        wait_until(lambda: settled(exchange), DRAIN_SECONDS)
        [more, *_] = problems(exchange, [customer])
        assert "is more than was acknowledged" in more
        record_property(
            "evidence", "Control: an order sent again with another key was caught by the checks."
        )

    def test_control_missing_order_is_found(self, exchange: Exchange, record_property):
        customer = Customer(exchange, f"unlucky-{SEED}")
        first = customer.place_filled_order(seeded_random("first"))
        customer.place_filled_order(seeded_random("second"))
        customer.stop()
        wait_until(lambda: settled(exchange), DRAIN_SECONDS)
        assert problems(exchange, [customer]) == []
        with exchange.connect() as connection:
            connection.execute("DELETE FROM messages WHERE user_id = %s", (customer.user_id,))
        assert first.filled is not None
        invented = json.loads(first.filled) | {"id": ids.encode("trd", ids.new())}
        customer.wanted_orders.append(WantedOrder("", {}, json.dumps(invented).encode()))
        differences = "\n".join(problems(exchange, [customer]))
        assert "was acknowledged and is lost" in differences
        assert differences.count("has 1 entries and 0 confirmations") == 2
        assert f"{customer.name} has" in differences
        record_property(
            "evidence",
            "Control: an acknowledgement that is not in the books, and confirmations deleted from "
            "the table, were caught by the checks.",
        )
