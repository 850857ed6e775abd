"""The RQ worker: one queue per process, no fork, and no end when Redis becomes unavailable.

One queue, because RQ takes jobs from a single queue with BLMOVE but from several with BLPOP, which
loses the job in a crash. No fork, because the forked child of a killed worker would go on working.
"""

from types import FrameType

from redis import Redis
from rq import Queue, SimpleWorker
from rq.exceptions import StopRequested
from rq.serializers import JSONSerializer

from app.jobs.loop import Loop
from app.kit import tasks as kit_tasks

# How long a worker waits for a job before its maintenance, and its time to live in RQ's registry.
_WORKER_TTL_SECONDS = 45
_PAUSE_SECONDS = 1.0


class RqWorker(SimpleWorker):
    """RQ's in-process worker without its remote control."""

    max_connection_wait_time = 2
    stop_was_requested = False

    def subscribe(self) -> None:
        """Do not listen for commands: write access to Redis must not allow stopping workers."""

    def unsubscribe(self) -> None:
        """Do nothing, because nothing is subscribed."""

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """Finish the current job, then end."""
        self.stop_was_requested = True
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call] # of RQ


class QueueWorker:
    """Serves one queue until the process is asked to stop."""

    def __init__(self, loop: Loop, redis: Redis, queue: kit_tasks.Queue) -> None:
        self._loop = loop
        self._redis = redis
        self._queue = queue

    def step(self) -> float:
        """Work until asked to stop, or until RQ gives up because Redis failed during a job.

        Raises `RedisError` if Redis cannot be reached at all.
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
            # RQ leaves its own signal handlers installed.
            self._loop.stop_on_signals()
        if worker.stop_was_requested:
            self._loop.stop()
        return _PAUSE_SECONDS
