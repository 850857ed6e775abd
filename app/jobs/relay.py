"""The relay: sends due rows of the outbox to RQ. One is enough; more may run."""

import math
import time
from collections.abc import Sequence
from uuid import UUID

from redis import Redis
from redis.exceptions import ResponseError
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
# A provider's next job is sent soon after the previous one has ended.
_BUSY_SECONDS = 0.02
_ASSIGN_SECONDS = 5.0


class Relay:
    """Sends the due jobs of every queue, a batch at a time."""

    def __init__(
        self,
        database: Database,
        redis: Redis,
        backoff: Backoff,
        *,
        provider_jobs_max: int,
    ) -> None:
        self._database = database
        self._backoff = backoff
        self._provider_jobs_max = provider_jobs_max
        self._assigned_at = -math.inf
        self._queues = {
            name: Queue(name, connection=redis, serializer=JSONSerializer)
            for name in kit_tasks.Queue
        }

    def step(self) -> float:
        """Send the due jobs that fit into the queues; return the seconds to rest.

        Raises `Unavailable` or `RedisError` if a server is unavailable. Rows that were claimed and
        may have reached Redis are due again after their backoff.
        """
        self._assign_queues()
        # Redis is asked first: while it is unavailable nothing is claimed, so no backoff grows.
        names = [name for name, queue in self._queues.items() if queue.count < QUEUED_MAX]
        if not names:
            return _IDLE_SECONDS
        with self._database.transaction() as session:
            claimed = outbox.claim_due_jobs(
                session, names, _BATCH, clock.now(), self._backoff,
                provider_jobs_max=self._provider_jobs_max,
            )  # fmt: skip
        unsent = {name: identifiers for name, identifiers in claimed.items() if identifiers}
        rest = _BUSY_SECONDS if unsent else _IDLE_SECONDS
        if any(len(identifiers) == _BATCH for identifiers in unsent.values()):
            rest = 0
        try:
            for name in list(unsent):
                self._enqueue(name, unsent[name])
                del unsent[name]
        except ResponseError:
            # Redis refuses to write: the queue is at fault, not the jobs, so they do not wait.
            with self._database.transaction() as session:
                outbox.return_claims(session, [each for ids in unsent.values() for each in ids])
            raise
        return rest

    def _assign_queues(self) -> None:
        if time.monotonic() < self._assigned_at + _ASSIGN_SECONDS:
            return
        with self._database.transaction() as session:
            outbox.assign_queues(session)
        self._assigned_at = time.monotonic()

    def _enqueue(self, name: kit_tasks.Queue, identifiers: Sequence[UUID]) -> None:
        self._queues[name].enqueue_many(
            Queue.prepare_data(
                RUN_FUNCTION,
                args=tuple(identifier.hex for identifier in parcel),
                timeout=JOB_SECONDS_MAX * len(parcel),
                result_ttl=0,
                failure_ttl=_FAILURE_SECONDS,
            )
            for parcel in split_into_parcels(identifiers)
        )


def split_into_parcels(identifiers: Sequence[UUID]) -> list[Sequence[UUID]]:
    """Split the ids into about `_PARCELS_PER_BATCH` parcels; one id each while they are few."""
    size = max(1, len(identifiers) // _PARCELS_PER_BATCH)
    return [identifiers[start : start + size] for start in range(0, len(identifiers), size)]
