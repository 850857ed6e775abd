"""Redis as the background processes use it."""

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

# A server that neither answers nor refuses is taken for gone.
_CONNECT_SECONDS, _ANSWER_SECONDS = 2, 5


def connect_to_redis(redis_url: str) -> Redis:
    """A client that gives up quickly: whoever uses it has a loop that tries again."""
    return Redis.from_url(
        redis_url,
        socket_connect_timeout=_CONNECT_SECONDS,
        socket_timeout=_ANSWER_SECONDS,
        retry=Retry(NoBackoff(), 1),
    )
