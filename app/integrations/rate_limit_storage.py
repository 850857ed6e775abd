"""Storage of rate-limit counts: Redis, and PostgreSQL while Redis is unavailable.

A storage for the `limits` library under Flask-Limiter. Windows follow the clock. A hit costs one
round trip: the thread remembers it for the headers of the same request.
When Redis fails, all processes count in PostgreSQL, so a limit stays one limit; each process tries
Redis again after `RETRY_SECONDS`. A window in which the storage changes may start again from zero,
once.
"""

import hashlib
import threading
import time
from dataclasses import dataclass
from typing import Any

import structlog
from limits.storage import Storage
from redis.backoff import NoBackoff
from redis.connection import Connection, parse_url
from redis.exceptions import NoScriptError, RedisError
from redis.retry import Retry

from app.kit.db import Database
from app.throttle import service as throttle

log = structlog.get_logger("throttle")

SCHEME = "redis+postgresql"
RETRY_SECONDS = 1.0
TIMEOUT_SECONDS = 0.15

# The key expires with its window even if the process dies between the two commands.
_SCRIPT = """
local hits = redis.call('INCRBY', KEYS[1], ARGV[1])
if hits == tonumber(ARGV[1]) then redis.call('EXPIRE', KEYS[1], ARGV[2]) end
return hits
"""
_SCRIPT_SHA = hashlib.sha1(_SCRIPT.encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class _Window:
    """The last count of a thread: of a key, in the window that ends then (seconds of the epoch)."""

    key: str
    hits: int
    ends_at: int


def storage_uri(redis_url: str) -> str:
    """Return the URI of this storage for a Redis URL."""
    return f"{SCHEME}://{redis_url}"


def is_redis_available(redis_url: str) -> bool:
    """Return whether Redis responds now."""
    connection = _connection(redis_url)
    try:
        connection.send_command("PING", check_health=False)
        return bool(connection.read_response() == b"PONG")
    except (RedisError, OSError):
        return False
    finally:
        connection.disconnect()


def _connection(redis_url: str) -> Connection:
    """Return a connection that opens with its first command and has short timeouts."""
    options = {
        **parse_url(redis_url),
        "socket_timeout": TIMEOUT_SECONDS,
        "socket_connect_timeout": TIMEOUT_SECONDS,
        "retry": Retry(NoBackoff(), 0),
    }
    connection_class: type[Connection] = options.pop("connection_class", Connection)
    return connection_class(**options)


class RateLimitStorage(Storage):
    """Counts shared by all processes. Implements `limits.storage.Storage`."""

    STORAGE_SCHEME = [SCHEME]  # noqa: RUF012 - the library's interface

    def __init__(self, uri: str, *, database: Database, **_options: Any) -> None:
        super().__init__(uri)
        self._database = database
        self._redis_url = uri.removeprefix(f"{SCHEME}://")
        # One connection for each thread, without the client's pool and its checks around each
        # command: a hit takes less than half the time.
        self._threads = threading.local()
        self._is_redis_down = False
        self._retry_at = 0.0

    @property
    def base_exceptions(self) -> type[Exception]:
        """Return the exceptions that the library may wrap."""
        return RedisError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Add to the key's count in the present window of `expiry` seconds, and return it.

        Raises `DatabaseDown` when neither server can count: nothing passes uncounted.
        """
        window = int(time.time()) // expiry
        hits = self._count(f"{key}:{window}", expiry, amount)
        self._threads.window = _Window(key, hits, (window + 1) * expiry)
        return hits

    def _count(self, key: str, expiry: int, amount: int) -> int:
        if not self._is_redis_down or self._may_retry():
            try:
                hits = self._count_in_redis(key, expiry, amount)
            except (RedisError, OSError) as error:
                self._record_failure(error)
            else:
                if self._is_redis_down:
                    self._is_redis_down = False
                    log.info("rate limits are counted in Redis again")
                return hits
        with self._database.transaction() as session:
            return throttle.count_hits(session, key, window_seconds=expiry, hits=amount)

    def get(self, key: str) -> int:
        """Return the count that this thread last made. Raises `LookupError` for another key."""
        return self._last_window(key).hits

    def get_expiry(self, key: str) -> float:
        """Return when the window of this thread's last count ends. Raises `LookupError` as well."""
        return self._last_window(key).ends_at

    def _last_window(self, key: str) -> _Window:
        window: _Window | None = getattr(self._threads, "window", None)
        if window is None or window.key != key:
            raise LookupError(f"this thread has not counted {key}")
        return window

    def check(self) -> bool:
        """Return whether Redis is in use."""
        return not self._is_redis_down

    def reset(self) -> int | None:
        """Unsupported: counts end with their window. Flask-Limiter calls it on request only."""
        raise NotImplementedError

    def clear(self, key: str) -> None:
        """Unsupported, as `reset` is."""
        raise NotImplementedError

    def _count_in_redis(self, key: str, expiry: int, amount: int) -> int:
        try:
            return int(self._command("EVALSHA", _SCRIPT_SHA, 1, key, amount, expiry))
        except NoScriptError:
            return int(self._command("EVAL", _SCRIPT, 1, key, amount, expiry))

    def _command(self, *words: str | int) -> Any:
        connection = getattr(self._threads, "connection", None)
        if connection is None:
            connection = self._threads.connection = _connection(self._redis_url)
        connection.send_command(*words, check_health=False)
        return connection.read_response()

    def _may_retry(self) -> bool:
        """Return True for one call every `RETRY_SECONDS`, so that only one waits for the
        timeout."""
        now = time.monotonic()
        if now < self._retry_at:
            return False
        self._retry_at = now + RETRY_SECONDS
        return True

    def _record_failure(self, error: Exception) -> None:
        self._retry_at = time.monotonic() + RETRY_SECONDS
        if not self._is_redis_down:
            self._is_redis_down = True
            log.warning(
                "Redis is away: rate limits are counted in PostgreSQL", error=type(error).__name__
            )
