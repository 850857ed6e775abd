"""Several roles as child processes of one: what ends is started again."""

import subprocess
import sys
import time
from collections.abc import Sequence

from app.jobs.loop import Loop

_LOOK_SECONDS = 0.2
_RESTART_SECONDS = 1.0
#: A worker finishes the job in hand before it ends.
_GRACE_SECONDS = 30.0


class Supervisor:
    """Keeps one child process for each command running."""

    def __init__(self, loop: Loop, commands: Sequence[Sequence[str]]) -> None:
        self._loop = loop
        self._commands = [[sys.executable, *command] for command in commands]
        self._children: list[subprocess.Popen[bytes]] = []

    def run(self) -> None:
        """Start all, restart what ends, until asked to stop; then stop all and wait for them."""
        self._children = [self._start(command) for command in self._commands]
        try:
            self._loop.run(self.step)
        finally:
            self._stop()

    def step(self) -> float:
        """Start again whatever has ended."""
        rest = _LOOK_SECONDS
        for index, child in enumerate(self._children):
            if child.poll() is not None:
                command = self._commands[index]
                self._loop.log.error("restarted", command=command[1:], status=child.returncode)
                self._children[index] = self._start(command)
                rest = _RESTART_SECONDS
        return rest

    def _start(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        # A session of its own: a terminal's Ctrl-C reaches us alone, and each child once, from us.
        return subprocess.Popen(command, start_new_session=True)  # noqa: S603 - our own command

    def _stop(self) -> None:
        for child in self._children:
            child.terminate()
        deadline = time.monotonic() + _GRACE_SECONDS
        for child in self._children:
            try:
                child.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                self._loop.log.warning("killed", pid=child.pid)
                child.kill()
                child.wait()
