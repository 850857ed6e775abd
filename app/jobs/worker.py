"""RQ's worker: one queue per process, no fork, and no end when Redis goes away.

One queue, because RQ takes from a single queue with BLMOVE and from several with BLPOP, which loses
what it holds in a crash. No fork, because the work-horse of a killed worker would go on working.
"""

from types import FrameType

from redis import Redis
from rq import Queue, SimpleWorker
from rq.exceptions import StopRequested
from rq.serializers import JSONSerializer

from app.jobs.loop import Loop
from app.kit import tasks as kit_tasks

# How long a worker waits for a job before it looks after itself, and RQ's time to live for it.
_WORKER_TTL_SECONDS = 45
_PAUSE_SECONDS = 1.0


class RqWorker(SimpleWorker):
    """RQ's in-process worker without its remote control."""

    max_connection_wait_time = 5
    stop_was_requested = False

    def subscribe(self) -> None:
        """Whoever can write to Redis wakes workers up, and cannot stop them."""

    def unsubscribe(self) -> None:
        """Nothing was subscribed to."""

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """Finish the job in hand, then end."""
        self.stop_was_requested = True
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call] # of RQ


class QueueWorker:
    """Serves one queue until the process is asked to stop."""

    def __init__(self, loop: Loop, redis: Redis, queue: kit_tasks.Queue) -> None:
        self._loop = loop
        self._redis = redis
        self._queue = queue

    def step(self) -> float:
        """Work until asked to stop, or until RQ gives up because Redis went away during a job.

        Raises `RedisError` when Redis cannot be reached at all.
        """
        worker = RqWorker(
            [Queue(self._queue, connection=self._redis, serializer=JSONSerializer)],
            connection=self._redis,
            serializer=JSONSerializer,
            worker_ttl=_WORKER_TTL_SECONDS,
            log_job_description=False,
        )
        try:
            worker.work(logging_level="WARNING")
        except StopRequested:
            self._loop.stop()
        finally:
            # RQ left its own handlers behind.
            self._loop.stop_on_signals()
        if worker.stop_was_requested:
            self._loop.stop()
        return _PAUSE_SECONDS
