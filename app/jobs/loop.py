"""The loop of a background process: steps until SIGTERM, waiting while a server is unavailable."""

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType

import structlog
from redis.exceptions import RedisError

from app.kit.errors import Unavailable

#: Errors of a step while PostgreSQL or Redis is unavailable: the loop waits and tries again. Any
#: other error is a bug and ends the process; its supervisor starts a new one.
SERVER_UNAVAILABLE = (Unavailable, RedisError)
_WAIT_SECONDS_MIN, _WAIT_SECONDS_MAX = 0.1, 2.0


class Loop:
    """Runs steps until it is asked to stop; the current step is always finished."""

    def __init__(self, name: str) -> None:
        self.log = structlog.get_logger().bind(process=name)
        self._stopping = threading.Event()
        self._wait = _WAIT_SECONDS_MIN

    def stop_on_signals(self, *numbers: signal.Signals) -> None:
        """Stop the loop after the current step when one of these signals arrives."""
        for number in numbers:
            signal.signal(number, self._on_signal)

    def stop(self) -> None:
        """End `run` after the current step."""
        self._stopping.set()

    def run(self, step: Callable[[], float]) -> None:
        """Call `step` until stopped. It returns the seconds to rest before the next call."""
        self.log.info("started", pid=os.getpid())
        while not self._stopping.is_set():
            self._stopping.wait(self._try(step))
        self.log.info("stopped")

    def _try(self, step: Callable[[], float]) -> float:
        try:
            rest = step()
        except SERVER_UNAVAILABLE as error:
            self._wait = min(self._wait * 2, _WAIT_SECONDS_MAX)
            self.log.warning("server_away", error=type(error).__name__, retry_seconds=self._wait)
            return self._wait
        self._wait = _WAIT_SECONDS_MIN
        return rest

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.stop()
