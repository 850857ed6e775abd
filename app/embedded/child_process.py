"""A direct child process with a log file. It ends with this process, and is stopped and reaped."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from app.embedded.errors import CannotStart
from app.embedded.server_account import SAME_ACCOUNT, ServerAccount
from app.embedded.stop_request import pause

_LOG_BYTES_MAX = 10_000_000
_LAUNCHER = Path(__file__).with_name("launch.py")

# Linux ends a child when the thread that started it ends: this thread lives as long as the process.
_SPAWNER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="embedded-spawner")


class Child:
    """A program that runs under `account`, with its output appended to `log`.

    It has a session of its own, so that Ctrl-C in the terminal reaches only this process, which
    decides the order of stopping. On Linux it gets `death_signal` if this process is killed.
    """

    def __init__(
        self,
        name: str,
        log: Path,
        *,
        account: ServerAccount = SAME_ACCOUNT,
        death_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.name = name
        self.log = log
        self._account = account
        self._death_signal = death_signal
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    def start(
        self,
        argv: Sequence[str | Path],
        *,
        env: Mapping[str, str],
        cwd: Path | str,
        stdin: bytes = b"",
    ) -> None:
        """Start the program; `stdin` is its complete input."""
        command = [*self._launcher(), *map(str, argv)]
        _SPAWNER.submit(self._spawn, command, env, cwd).result()
        process = self._process
        if process is None or process.stdin is None:
            raise CannotStart(f"{self.name} did not start.")
        with contextlib.suppress(BrokenPipeError), process.stdin as pipe:
            pipe.write(stdin)

    def _launcher(self) -> list[str]:
        if sys.platform == "win32":
            return []
        account = (self._account.mode, self._account.uid, self._account.gid)
        words = (*account, os.getpid(), int(self._death_signal))
        return [sys.executable, "-I", "-S", str(_LAUNCHER), *map(str, words)]

    def _spawn(self, command: list[str], env: Mapping[str, str], cwd: Path | str) -> None:
        _rotate_when_large(self.log)
        descriptor = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            self._log_start = os.fstat(descriptor).st_size
            self._process = subprocess.Popen(
                command,
                env=dict(env),
                cwd=cwd,
                stdin=subprocess.PIPE,
                stdout=descriptor,
                stderr=descriptor,
                start_new_session=True,
            )
        finally:
            os.close(descriptor)

    @property
    def pid(self) -> int | None:
        """The process id of the running child; None if it is not running."""
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def exit_status(self) -> int | None:
        """The exit status (negative: ended by that signal); None while the child runs."""
        return self._process.poll() if self._process else None

    def output(self, lines: int = 12) -> str:
        """Return the last lines of the current child's output."""
        try:
            with self.log.open("rb") as file:
                file.seek(self._log_start)
                text = file.read().decode(errors="replace")
        except OSError:
            return ""
        return "\n".join(text.splitlines()[-lines:])

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, unless the child has already ended."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(number)

    def wait(self, timeout_seconds: float) -> bool:
        """Wait until the child ends, and reap it. Return False on timeout."""
        deadline = time.monotonic() + timeout_seconds
        while self.pid is not None:
            if time.monotonic() > deadline:
                return False
            pause(0.02)
        return True

    def kill(self) -> None:
        """Kill the child and the rest of its process group at once, and reap it."""
        process = self._process
        if process is None:
            return
        # A killed server's own children may outlive it and hold its port.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if sys.platform == "win32":
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self._process = None

    def stop(self, timeout_seconds: float) -> None:
        """Ask the child to end, and kill it after the timeout."""
        self.signal(signal.SIGTERM)
        self.wait(timeout_seconds)
        self.kill()


def server_environment() -> dict[str, str]:
    """Return the environment of a server, without any setting of the caller."""
    if sys.platform == "win32":
        return {k: v for k, v in os.environ.items() if not k.startswith("PG")}
    return {"LC_ALL": "C", "TZ": "UTC", "PATH": os.defpath}


def wait_until(child: Child, is_ready: Callable[[], bool], *, timeout_seconds: float) -> bool:
    """Poll `is_ready` until it is true. Return False if the child ends first.

    Raises CannotStart on timeout.
    """
    deadline = time.monotonic() + timeout_seconds
    while not is_ready():
        if child.pid is None:
            return False
        if time.monotonic() > deadline:
            raise CannotStart(
                f"{child.name} was not ready within {timeout_seconds:.0f} seconds.\n"
                f"{child.log} ends with:\n{child.output()}"
            )
        pause(0.02)
    return True


def _rotate_when_large(log: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > _LOG_BYTES_MAX:
            log.replace(log.with_suffix(".log.1"))
