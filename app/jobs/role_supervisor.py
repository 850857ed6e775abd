"""Run several roles as child processes, and restart those that end."""

import gc
import multiprocessing
import signal
import time
from collections.abc import Callable, Sequence
from multiprocessing.process import BaseProcess

from app.jobs.loop import Loop

_CHECK_SECONDS = 0.2
_RESTART_SECONDS = 1.0
#: A worker finishes its current job before it ends.
_GRACE_SECONDS = 30.0


class RoleSupervisor:
    """Keeps one child process running for each role; a role may be listed several times.

    Children are forked, so that what is loaded takes memory only once: start the supervisor before
    the process has threads or connections. Children share its process group.
    """

    def __init__(self, loop: Loop, roles: Sequence[tuple[str, Callable[[], None]]]) -> None:
        self._loop = loop
        self._roles = roles
        self._children: list[BaseProcess] = []

    def run(self) -> None:
        """Start all children, restart those that end until asked to stop, then stop them all."""
        # The collector would write to every object, which copies the pages shared with children.
        gc.collect()
        gc.freeze()
        self._children = [self._start(run) for _, run in self._roles]
        try:
            self._loop.run(self.step)
        finally:
            self._stop()

    def step(self) -> float:
        """Restart the children that have ended."""
        rest = _CHECK_SECONDS
        for index, child in enumerate(self._children):
            if not child.is_alive():
                role, run = self._roles[index]
                self._loop.log.error("restarted", role=role, status=child.exitcode)
                self._children[index] = self._start(run)
                rest = _RESTART_SECONDS
        return rest

    def _start(self, run: Callable[[], None]) -> BaseProcess:
        child = multiprocessing.get_context("fork").Process(target=_run_child, args=(run,))
        child.start()
        return child

    def _stop(self) -> None:
        for child in self._children:
            child.terminate()
        deadline = time.monotonic() + _GRACE_SECONDS
        for child in self._children:
            child.join(max(0.0, deadline - time.monotonic()))
            if child.is_alive():
                self._loop.log.warning("killed", pid=child.pid)
                child.kill()
                child.join()


def _run_child(run: Callable[[], None]) -> None:
    # Ctrl-C in a terminal reaches the whole group; only the supervisor may ask a child to end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    run()
