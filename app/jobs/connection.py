"""The Redis client of the background processes."""

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

# A server that neither answers nor refuses counts as unavailable.
_CONNECT_SECONDS, _ANSWER_SECONDS = 2, 5


def connect_to_redis(redis_url: str) -> Redis:
    """Return a client with short timeouts; the caller's loop tries again."""
    return Redis.from_url(
        redis_url,
        socket_connect_timeout=_CONNECT_SECONDS,
        socket_timeout=_ANSWER_SECONDS,
        retry=Retry(NoBackoff(), 1),
    )
