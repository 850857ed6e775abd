"""The relay: sends due rows of the outbox to RQ. One is enough; more may run."""

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

#: The limit of RQ jobs waiting in Redis, so that few have to be sent again after Redis loses them.
QUEUED_MAX = 20
_BATCH = 100
# RQ spends 8 ms of CPU time on each of its jobs, so a backlog is sent in batches of rows. Fewer
# rows than this are sent one by one, so that no quick job waits behind a slow one.
_PARCELS_PER_BATCH = 10
_FAILURE_SECONDS = 60
_IDLE_SECONDS = 0.1


class Relay:
    """Sends the due jobs of every queue, a batch at a time."""

    def __init__(self, database: Database, redis: Redis, backoff: Backoff) -> None:
        self._database = database
        self._backoff = backoff
        self._queues = {
            name: Queue(name, connection=redis, serializer=JSONSerializer)
            for name in kit_tasks.Queue
        }

    def step(self) -> float:
        """Send the due jobs that fit into the queues; return the seconds to rest.

        Raises `Unavailable` or `RedisError` if a server is unavailable. Rows that were claimed and
        did not reach Redis are due again after their backoff.
        """
        batches = [self._send_due(name, queue) for name, queue in self._queues.items()]
        return 0 if _BATCH in batches else _IDLE_SECONDS

    def _send_due(self, name: kit_tasks.Queue, queue: Queue) -> int:
        # Redis is asked first: while it is unavailable nothing is claimed, so no backoff grows.
        if queue.count >= QUEUED_MAX:
            return 0
        with self._database.transaction() as session:
            claimed = outbox.claim_due_jobs(session, name, _BATCH, clock.now(), self._backoff)
        if claimed:
            queue.enqueue_many(
                Queue.prepare_data(
                    RUN_FUNCTION,
                    args=tuple(identifier.hex for identifier in parcel),
                    timeout=JOB_SECONDS_MAX * len(parcel),
                    result_ttl=0,
                    failure_ttl=_FAILURE_SECONDS,
                )
                for parcel in split_into_parcels(claimed)
            )
        return len(claimed)


def split_into_parcels(identifiers: Sequence[UUID]) -> list[Sequence[UUID]]:
    """Split the ids into about `_PARCELS_PER_BATCH` parcels; one id each while they are few."""
    size = max(1, len(identifiers) // _PARCELS_PER_BATCH)
    return [identifiers[start : start + size] for start in range(0, len(identifiers), size)]
