"""Several roles as child processes of one: what ends is started again."""

import multiprocessing
import signal
import time
from collections.abc import Callable, Sequence
from multiprocessing.process import BaseProcess

from app.jobs.loop import Loop

_LOOK_SECONDS = 0.2
_RESTART_SECONDS = 1.0
#: A worker finishes the job in hand before it ends.
_GRACE_SECONDS = 30.0


class RoleSupervisor:
    """Keeps one child process running for each role.

    Children are forked, so that the code is loaded once for all of them: start this before the
    process has threads or connections. They share its process group.
    """

    def __init__(self, loop: Loop, roles: Sequence[str], run: Callable[[str], None]) -> None:
        self._loop = loop
        self._roles = roles
        self._run = run
        self._children: list[BaseProcess] = []

    def run(self) -> None:
        """Start all, restart what ends, until asked to stop; then stop all and wait for them."""
        self._children = [self._start(role) for role in self._roles]
        try:
            self._loop.run(self.step)
        finally:
            self._stop()

    def step(self) -> float:
        """Start again whatever has ended."""
        rest = _LOOK_SECONDS
        for index, child in enumerate(self._children):
            if not child.is_alive():
                role = self._roles[index]
                self._loop.log.error("restarted", role=role, status=child.exitcode)
                self._children[index] = self._start(role)
                rest = _RESTART_SECONDS
        return rest

    def _start(self, role: str) -> BaseProcess:
        child = multiprocessing.get_context("fork").Process(target=self._run_child, args=(role,))
        child.start()
        return child

    def _run_child(self, role: str) -> None:
        # A terminal's Ctrl-C reaches the whole group: each child is asked to end once, by us.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self._run(role)

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
