"""Supervise the programs around the servers: restart those that end, and stop all together."""

import http.client
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from app.embedded.child_process import Child
from app.embedded.data_folder import CHECKOUT, DataFolder
from app.embedded.errors import CannotStart
from app.embedded.stop_request import pause

_TICK_SECONDS = 0.2
_BACKOFF_SECONDS_MAX = 30.0
_STEADY_SECONDS = 60.0
"""After this time without a failure, the next failure counts as the first."""
_STOP_SECONDS = 20.0
_DEATHS_BEFORE_READY_MAX = 3
_PROGRESS_SECONDS = 5.0

Report = Callable[[str], None]


@dataclass(frozen=True)
class Program:
    """A program: its name and the command that runs it in the foreground."""

    name: str
    argv: tuple[str | Path, ...]


class SupervisedService(Protocol):
    """A process that the supervisor restarts: a program or one of the servers."""

    @property
    def name(self) -> str: ...

    @property
    def pid(self) -> int | None: ...

    @property
    def log(self) -> Path: ...

    def start(self) -> None: ...


class ProgramService:
    """A program as a child process with its own log file."""

    def __init__(self, program: Program, folder: DataFolder, environ: Mapping[str, str]) -> None:
        self.name = program.name
        self.log = folder.log_path(program.name)
        self.child = Child(program.name, self.log)
        self._program = program
        self._environ = environ

    @property
    def pid(self) -> int | None:
        return self.child.pid

    def start(self) -> None:
        """Start it, after killing what a predecessor may have left in its process group."""
        self.child.kill()
        self.child.start(self._program.argv, env=self._environ, cwd=CHECKOUT)


@dataclass
class _WatchedService:
    service: SupervisedService
    deaths: int = 0
    died_at: float = 0.0
    start_at: float | None = None


class ProgramSupervisor:
    """Runs the programs beside servers that already run, and restarts both.

    A service that ends is restarted after a pause that doubles with each failure.
    """

    def __init__(
        self,
        servers: Sequence[SupervisedService],
        programs: Sequence[Program],
        *,
        folder: DataFolder,
        environ: Mapping[str, str],
        report: Report,
    ) -> None:
        self._programs = [ProgramService(program, folder, environ) for program in programs]
        self._watched = [_WatchedService(service) for service in (*servers, *self._programs)]
        self._report = report
        self._stop_now = False

    def start(self) -> None:
        """Start every program; return before they are ready."""
        for program in self._programs:
            program.start()

    def wait_ready(self, port: int, path: str, *, timeout_seconds: float) -> None:
        """Return when the web process answers 200.

        Raises CannotStart on timeout, and if a program keeps ending.
        """
        deadline = time.monotonic() + timeout_seconds
        answer = ""
        while (answer := _request_status(port, path)) != "200":
            self.check_once()
            for program in self._programs:
                if self._deaths(program) >= _DEATHS_BEFORE_READY_MAX:
                    raise CannotStart(
                        f"{program.name} keeps ending. {program.child.log} ends with:\n"
                        f"{program.child.output()}"
                    )
            if time.monotonic() > deadline:
                raise CannotStart(
                    f"http://127.0.0.1:{port}{path} did not answer 200 within "
                    f"{timeout_seconds:.0f} seconds; the last answer was: {answer}"
                )
            pause(_TICK_SECONDS / 2)

    def watch(self) -> None:
        """Keep everything running until an exception, such as StopRequested, ends it."""
        while True:
            self.check_once()
            pause(_TICK_SECONDS)

    def check_once(self) -> None:
        """Note services that have ended, and restart those that are due."""
        for watched in self._watched:
            if watched.start_at is not None:
                self._restart_when_due(watched)
            elif watched.service.pid is None:
                self._note_death(watched, f"ended unexpectedly (see {watched.service.log})")

    def _note_death(self, watched: _WatchedService, reason: str) -> None:
        now = time.monotonic()
        if now - watched.died_at > _STEADY_SECONDS:
            watched.deaths = 0
        watched.deaths += 1
        watched.died_at = now
        pause = min(0.5 * 2 ** (watched.deaths - 1), _BACKOFF_SECONDS_MAX)
        watched.start_at = now + pause
        self._report(f"{watched.service.name} {reason}; restarting it in {pause:g} s")

    def _restart_when_due(self, watched: _WatchedService) -> None:
        if watched.start_at is None or time.monotonic() < watched.start_at:
            return
        watched.start_at = None
        try:
            watched.service.start()
        except CannotStart as error:
            self._note_death(watched, f"did not start ({error})")
        else:
            self._report(f"{watched.service.name} is running again")

    def _deaths(self, service: SupervisedService) -> int:
        return next(w.deaths for w in self._watched if w.service is service)

    def stop_now(self) -> None:
        """Make `stop` kill programs without waiting. Safe to call from a signal handler."""
        self._stop_now = True

    def stop(self) -> None:
        """Ask every program to end; after a while, report and kill those that still run."""
        for program in self._programs:
            program.child.signal(signal.SIGTERM)
        deadline = time.monotonic() + _STOP_SECONDS
        while any(program.pid for program in self._programs):
            if self._stop_now or time.monotonic() > deadline:
                break
            time.sleep(0.02)
        for program in self._programs:
            if program.pid and not self._stop_now:
                self._report(
                    f"{program.name} did not stop within {_STOP_SECONDS:g} s and is killed "
                    f"(see {program.log})"
                )
            program.child.kill()


def run_step(
    program: Program, *, folder: DataFolder, environ: Mapping[str, str], report: Report
) -> None:
    """Run a program to its end, reporting progress now and then. Raises CannotStart if it fails."""
    child = Child(program.name, folder.log_path(program.name))
    began = time.monotonic()
    try:
        child.start(program.argv, env=environ, cwd=CHECKOUT)
        while not child.wait(_PROGRESS_SECONDS):
            line = child.output(1)
            report(f"  ... {time.monotonic() - began:.0f} s{f': {line}' if line else ''}")
        if child.exit_status != 0:
            raise CannotStart(
                f"`{' '.join(map(str, program.argv))}` failed. {child.log} ends with:\n"
                f"{child.output(20)}"
            )
    finally:
        child.stop(_STOP_SECONDS)


def _request_status(port: int, path: str) -> str:
    """Return the web process's answer: "200", another status with its body, or the error."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read(2000).decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return str(error)
    finally:
        connection.close()
    return "200" if response.status == http.HTTPStatus.OK else f"{response.status} {body}"
