"""Counting in Redis, and in PostgreSQL while a real Redis is really dead."""

import subprocess
import time
from collections.abc import Iterator
from uuid import uuid4

import pytest
import sqlalchemy as sa

from app.embedded.network_ports import free_port
from app.embedded.redis import redis_program_path
from app.integrations import rate_limit_storage
from app.integrations.rate_limit_storage import RateLimitStorage
from app.kit import clock
from app.kit.db import Database, DatabaseUnavailable
from app.throttle import service as throttle


class RedisChild:
    """A redis-server of this test's own, to be killed and started again."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        options = ["--port", str(self.port), "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(
            [redis_program_path(), *options, "--bind", "127.0.0.1"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 10
        while not rate_limit_storage.is_redis_available(self.url):
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@pytest.fixture
def redis() -> Iterator[RedisChild]:
    child = RedisChild()
    child.start()
    yield child
    child.kill()


def storage(redis_url: str, database: Database) -> RateLimitStorage:
    return RateLimitStorage(rate_limit_storage.storage_uri(redis_url), database=database)


@pytest.fixture
def key() -> str:
    return f"limit:test:{uuid4()}"


def rows(database: Database, key: str) -> list[tuple[int]]:
    with database.reading() as session:
        return session.rows("SELECT hits FROM throttle_counts WHERE key = %s", (key,))


def test_redis_counts_for_all(redis: RedisChild, database: Database, key: str) -> None:
    one, other = storage(redis.url, database), storage(redis.url, database)
    assert [one.incr(key, 60), other.incr(key, 60), one.incr(key, 60, 3)] == [1, 2, 5]
    assert one.get(key) == 5
    assert rows(database, key) == []


def test_a_window_ends(redis: RedisChild, database: Database, key: str) -> None:
    counting = storage(redis.url, database)
    assert counting.incr(key, 1) == 1
    time.sleep(1.1)
    assert counting.incr(key, 1) == 1


def test_a_dead_redis_leaves_one_count_for_all(
    redis: RedisChild, database: Database, key: str
) -> None:
    """What each process counts while Redis is away adds up, so no limit is multiplied."""
    one, other = storage(redis.url, database), storage(redis.url, database)
    one.incr(key, 60)
    redis.kill()
    assert [one.incr(key, 60), other.incr(key, 60), one.incr(key, 60)] == [1, 2, 3]
    assert rows(database, key) == [(3,)]
    assert not one.check()


def test_away_is_asked_once_a_second_and_no_request_waits_long(
    redis: RedisChild, database: Database, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    counting = storage(redis.url, database)
    redis.kill()
    asked = 0
    command = counting._command

    def counted(*words: str | int) -> object:
        nonlocal asked
        asked += 1
        return command(*words)

    monkeypatch.setattr(counting, "_command", counted)
    started = time.monotonic()
    for _ in range(20):
        counting.incr(key, 60)
    assert asked <= 1 + int(time.monotonic() - started)


def test_redis_that_is_back_counts_again(redis: RedisChild, database: Database, key: str) -> None:
    counting = storage(redis.url, database)
    redis.kill()
    assert counting.incr(key, 60) == 1
    redis.start()
    deadline = time.monotonic() + 5
    while not counting.check():
        assert time.monotonic() < deadline
        counting.incr(key, 60)
        time.sleep(0.1)
    counted = rows(database, key)
    assert counting.incr(key, 60) == counting.get(key) == 2
    assert rows(database, key) == counted


def test_a_restarted_redis_that_forgot_the_script(
    redis: RedisChild, database: Database, key: str
) -> None:
    """Idle connections are dead and the script is unknown: no request notices."""
    counting = storage(redis.url, database)
    counting.incr(key, 60)
    redis.kill()
    redis.start()
    assert counting.incr(key, 60) == 1


def test_nothing_is_let_through_uncounted(redis: RedisChild, app: object, key: str) -> None:
    """With both servers away the refusal says so."""
    nowhere = sa.create_engine(f"postgresql+psycopg://x:x@127.0.0.1:{free_port()}/x")
    counting = storage(redis.url, Database(nowhere))
    assert counting.incr(key, 60) == 1
    redis.kill()
    with pytest.raises(DatabaseUnavailable):
        counting.incr(key, 60)


def test_clearing(redis: RedisChild, database: Database, key: str) -> None:
    counting = storage(redis.url, database)
    counting.incr(key, 60)
    counting.clear(key)
    assert counting.incr(key, 60) == 1


def test_windows_that_are_over_are_forgotten(
    redis: RedisChild, database: Database, key: str
) -> None:
    redis.kill()
    storage(redis.url, database).incr(key, 60)
    with database.transaction() as session:
        throttle.delete_ended_before(session, clock.now())
    assert rows(database, key) == [(1,)]
    with database.transaction() as session:
        session.send(
            "UPDATE throttle_counts SET expires_at = now() - interval '1s' WHERE key = %s", (key,)
        )
        throttle.delete_ended_before(session, clock.now())
    assert rows(database, key) == []
