"""The relay: sends due rows of the outbox to RQ. Any number may run; none is needed twice."""

from collections.abc import Sequence
from uuid import UUID

from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer

from app.jobs.dispatch import JOB_SECONDS_MAX, RUN_FUNCTION
from app.kit import clock
from app.kit import tasks as kit_tasks
from app.kit.db import Database
from app.outbox import service as outbox
from app.outbox.rules import Backoff

#: No more RQ jobs than this wait in Redis: what is not sent need not be sent again after a loss.
QUEUED_MAX = 20
_BATCH = 100
# RQ spends 8 ms of a processor on each job, so a backlog travels in parcels. Below this many rows
# each travels alone, and no quick job waits behind a slow one.
_PARCELS = 10
_FAILURE_SECONDS = 60
_IDLE_SECONDS = 0.1


class Relay:
    """Moves due jobs of every queue, a batch at a time."""

    def __init__(self, database: Database, redis: Redis, backoff: Backoff) -> None:
        self._database = database
        self._backoff = backoff
        self._queues = {
            name: Queue(name, connection=redis, serializer=JSONSerializer)
            for name in kit_tasks.Queue
        }

    def step(self) -> float:
        """Send what is due and fits; answers the seconds to rest.

        Raises `Unavailable` or `RedisError` when a server is away. Rows that were claimed and did
        not reach Redis are due again after their backoff.
        """
        batches = [self._send_due(name, queue) for name, queue in self._queues.items()]
        return 0 if _BATCH in batches else _IDLE_SECONDS

    def _send_due(self, name: kit_tasks.Queue, queue: Queue) -> int:
        # Redis is asked first: while it is away nothing is claimed, so no backoff grows.
        if queue.count >= QUEUED_MAX:
            return 0
        with self._database.transaction() as session:
            claimed = outbox.claim_for_sending(session, name, _BATCH, clock.now(), self._backoff)
        if claimed:
            queue.enqueue_many(
                Queue.prepare_data(
                    RUN_FUNCTION,
                    args=tuple(identifier.hex for identifier in parcel),
                    timeout=JOB_SECONDS_MAX * len(parcel),
                    result_ttl=0,
                    failure_ttl=_FAILURE_SECONDS,
                )
                for parcel in parcels(claimed)
            )
        return len(claimed)


def parcels(identifiers: Sequence[UUID]) -> list[Sequence[UUID]]:
    """One each while they are few, else about as many parcels as `_PARCELS`."""
    size = max(1, len(identifiers) // _PARCELS)
    return [identifiers[start : start + size] for start in range(0, len(identifiers), size)]
