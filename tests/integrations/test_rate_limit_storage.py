"""Rate-limit counts in Redis, and in PostgreSQL while a real Redis is down."""

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

#: A window that ends during a test once in a thousand runs of the suite at most.
HOUR = 3600


class RedisChild:
    """A redis-server of this test, which can be killed and started again."""

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
        return session.rows("SELECT hits FROM throttle_counts WHERE starts_with(key, %s)", (key,))


def test_redis_count_is_shared(redis: RedisChild, database: Database, key: str) -> None:
    first, second = storage(redis.url, database), storage(redis.url, database)
    assert [first.incr(key, HOUR), second.incr(key, HOUR), first.incr(key, HOUR, 3)] == [1, 2, 5]
    assert first.get(key) == 5
    assert 0 < first.get_expiry(key) - time.time() <= HOUR
    with pytest.raises(LookupError, match="has not counted other"):
        first.get("other")
    assert rows(database, key) == []


def test_count_ends_with_its_window(redis: RedisChild, database: Database, key: str) -> None:
    limiter = storage(redis.url, database)
    assert limiter.incr(key, 1) == 1
    time.sleep(1.1)
    assert limiter.incr(key, 1) == 1


def test_postgresql_count_is_shared_while_redis_is_down(
    redis: RedisChild, database: Database, key: str
) -> None:
    """The counts of several processes add up, so that no limit is multiplied."""
    first, second = storage(redis.url, database), storage(redis.url, database)
    first.incr(key, HOUR)
    redis.kill()
    assert [first.incr(key, HOUR), second.incr(key, HOUR), first.incr(key, HOUR)] == [1, 2, 3]
    assert rows(database, key) == [(3,)]
    assert not first.check()


def test_unavailable_redis_is_tried_once_a_second(
    redis: RedisChild, database: Database, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    limiter = storage(redis.url, database)
    redis.kill()
    tries = 0
    command = limiter._command

    def count_tries(*words: str | int) -> object:
        nonlocal tries
        tries += 1
        return command(*words)

    monkeypatch.setattr(limiter, "_command", count_tries)
    started = time.monotonic()
    for _ in range(20):
        limiter.incr(key, HOUR)
    assert tries <= 1 + int(time.monotonic() - started)


def test_redis_is_used_again_once_it_is_back(
    redis: RedisChild, database: Database, key: str
) -> None:
    limiter = storage(redis.url, database)
    redis.kill()
    assert limiter.incr(key, HOUR) == 1
    redis.start()
    deadline = time.monotonic() + 5
    while not limiter.check():
        assert time.monotonic() < deadline
        limiter.incr(key, HOUR)
        time.sleep(0.1)
    rows_before = rows(database, key)
    assert limiter.incr(key, HOUR) == limiter.get(key) == 2
    assert rows(database, key) == rows_before


def test_restarted_redis_is_used_without_failed_request(
    redis: RedisChild, database: Database, key: str
) -> None:
    """The connections are dead and the script is unknown, but no request fails."""
    limiter = storage(redis.url, database)
    limiter.incr(key, HOUR)
    redis.kill()
    redis.start()
    assert limiter.incr(key, HOUR) == 1


def test_uncounted_request_is_refused(redis: RedisChild, app: object, key: str) -> None:
    """With both servers down, the storage raises."""
    unreachable = sa.create_engine(f"postgresql+psycopg://x:x@127.0.0.1:{free_port()}/x")
    limiter = storage(redis.url, Database(unreachable))
    assert limiter.incr(key, HOUR) == 1
    redis.kill()
    with pytest.raises(DatabaseUnavailable):
        limiter.incr(key, HOUR)


def test_expired_windows_are_deleted(redis: RedisChild, database: Database, key: str) -> None:
    redis.kill()
    storage(redis.url, database).incr(key, HOUR)
    with database.transaction() as session:
        throttle.delete_ended_before(session, clock.now())
    assert rows(database, key) == [(1,)]
    with database.transaction() as session:
        session.send(
            "UPDATE throttle_counts SET expires_at = now() - interval '1s'"
            " WHERE starts_with(key, %s)",
            (key,),
        )
        throttle.delete_ended_before(session, clock.now())
    assert rows(database, key) == []
