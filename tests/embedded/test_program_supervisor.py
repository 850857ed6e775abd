"""bin/run with stand-ins for its programs: they are restarted, and stopped together."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app import embedded
from app.embedded import program_supervisor as supervising
from app.embedded.data_folder import CHECKOUT, DataFolder
from app.embedded.network_ports import free_port
from tests.embedded.server_processes import connect, is_alive, needs_linux, wait_for

EXCHANGE_STAND_IN = Path(__file__).with_name("exchange_stand_in.py")


class ExchangeProcess:
    """A run of the exchange, and its output so far."""

    def __init__(self, data_dir: Path, port: int, *failure: str, **environ: str) -> None:
        self.data_dir, self.port = data_dir, port
        # Without the servers and settings of the test run.
        own = ("PBCEX_", "DATABASE_", "REDIS_")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(own)}
        inherited |= {
            "PYTHONPATH": str(CHECKOUT),
            "PORT": str(port),
            "PBCEX_DATA_DIR": str(data_dir),
        }
        self.process = subprocess.Popen(
            [sys.executable, str(EXCHANGE_STAND_IN), *failure],
            env=inherited | environ,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.output = ""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self.output += line

    def wait_for_output(self, pattern: str, seconds: float = 30.0) -> bool:
        wait_for(
            lambda: re.search(pattern, self.output) or self.process.poll() is not None, seconds
        )
        return re.search(pattern, self.output) is not None

    def children(self) -> dict[str, int]:
        """Return the pids of the direct children by program name."""
        by_program = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                after_name = stat.read_text().rpartition(") ")[2].split()
                if int(after_name[1]) == self.process.pid and after_name[0] != "Z":
                    command = (stat.parent / "cmdline").read_text()
                    by_program[program_name(command)] = int(stat.parent.name)
        return by_program

    def get(self, path: str = "/health/ready") -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
            return answer.read().decode()

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.ended()

    def ended(self) -> int:
        """Return the exit status after the process ends by itself."""
        status = self.process.wait(90)
        self._reader.join()
        return status

    def log(self, name: str) -> str:
        return DataFolder(self.data_dir).log_path(name).read_text()


def program_name(command: str) -> str:
    words = {
        "http.server": "web",
        "begins": "worker",
        "/postgres": "postgres",
        "redis-server": "redis",
        "haproxy": "front",
    }
    return next((kind for word, kind in words.items() if word in command), command)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("whole") / "data"


@pytest.fixture
def run(data_dir: Path) -> Iterator[Callable[..., ExchangeProcess]]:
    runs: list[ExchangeProcess] = []

    def start(*failure: str, port: int | None = None, **environ: str) -> ExchangeProcess:
        runs.append(ExchangeProcess(data_dir, port or free_port(), *failure, **environ))
        return runs[-1]

    yield start
    for exchange in runs:
        exchange.end()


def test_terminal_without_a_character_gets_a_question_mark() -> None:
    program = "from app.embedded import __main__ as run; run._replace_unprintable(); print('a … b')"
    shown = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONIOENCODING": "latin-1"},
        cwd=CHECKOUT,
        capture_output=True,
        check=True,
    )
    assert shown.stdout == b"a ? b\n"


@needs_linux
class TestExchange:
    def test_everything_is_started_restarted_and_stopped(self, run, data_dir):
        exchange = run()
        assert exchange.wait_for_output("Ready"), exchange.output
        support = rf"support@pbcex\.local +http://localhost:{exchange.port}/support/ +\w"
        assert exchange.wait_for_output(support), exchange.output
        assert f"http://localhost:{exchange.port}/metrics" in exchange.output
        assert exchange.get() == embedded.find_running_servers(data_dir).database_url
        assert wait_for(lambda: "begins ['DATABASE_URL']" in exchange.log("worker")), "no owner's"
        first = exchange.children()
        assert set(first) == {"postgres", "redis", "web", "worker", "front"}
        for name, shown in (
            ("web", "web"),
            ("worker", "worker"),
            ("front", "front"),
            ("redis", "Redis"),
            ("postgres", "PostgreSQL"),
        ):
            os.kill(first[name], signal.SIGKILL)
            assert exchange.wait_for_output(f"{shown} ended unexpectedly"), exchange.output
            assert exchange.wait_for_output(f"{shown} is running again"), exchange.output
        second = exchange.children()
        assert set(second) == set(first)
        assert not set(second.values()) & set(first.values())
        with connect(embedded.find_running_servers(data_dir).database_owner_url) as connection:
            assert connection.execute("SELECT count(*) FROM runs").fetchone() == (1,)
        assert wait_for(lambda: is_listening(exchange))

        assert exchange.end() == 0
        assert "Stopped" in exchange.output
        assert not any(is_alive(pid) for pid in second.values())
        assert "finished after SIGTERM" in exchange.log("worker")
        assert "database system is shut down" in exchange.log("postgres").rpartition("starting")[2]
        assert not (data_dir / "servers.json").exists()

    def test_second_start_recovers_after_sigkill_of_everything(self, run, data_dir):
        killed = run()
        assert killed.wait_for_output("Ready"), killed.output
        children = killed.children()
        with connect(embedded.find_running_servers(data_dir).database_owner_url) as connection:
            (before,) = connection.execute("SELECT count(*) FROM runs").fetchone()
        killed.end(signal.SIGKILL)
        again = run(port=killed.port)
        assert again.wait_for_output("Ready"), again.output
        assert "killed" in again.output
        assert not any(is_alive(pid) for pid in children.values())
        with connect(embedded.find_running_servers(data_dir).database_owner_url) as connection:
            assert connection.execute("SELECT count(*) FROM runs").fetchone() == (before + 1,)

    def test_ctrl_c_during_the_start_leaves_no_process(self, run, data_dir):
        exchange = run()
        assert exchange.wait_for_output("Starting PostgreSQL")
        assert exchange.end(signal.SIGINT) == 0
        assert "Traceback" not in exchange.output
        assert embedded.find_running_servers(data_dir) is None

    def test_second_run_names_the_first_and_ctrl_c_stops_in_order(self, run):
        first = run()
        assert first.wait_for_output("Ready"), first.output
        second = run()
        assert second.ended() == 1
        assert f"process {first.process.pid}, http://localhost:{first.port}" in second.output
        assert first.get()
        os.killpg(first.process.pid, signal.SIGINT)
        assert first.ended() == 0
        assert "finished after SIGTERM" in first.log("worker").rpartition("begins")[2]
        assert "Traceback" not in first.output

    @pytest.mark.parametrize(
        ("failure", "message"),
        [("step", "no such sample"), ("program", "no such module"), ("unready", "503")],
    )
    def test_failure_at_the_start_is_shown_and_everything_is_stopped(self, run, failure, message):
        exchange = run(failure)
        assert exchange.ended() == 1
        assert message in exchange.output
        assert exchange.children() == {}
        assert "Ready" not in exchange.output

    def test_port_in_use_is_named(self, run):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            exchange = run("impatient", port=port)
            assert exchange.ended() == 1
        assert f"Another program is using port {port}" in exchange.output
        assert "Migrating" not in exchange.output

    def test_invalid_port_is_refused(self, run):
        exchange = run(PORT="http")
        assert exchange.ended() == 1
        assert "PORT must be a number" in exchange.output


def is_listening(exchange: ExchangeProcess) -> bool:
    try:
        return bool(exchange.get())
    except OSError:
        return False


class Failing:
    name, pid, log = "failing", None, Path("failing.log")

    def start(self) -> None:
        raise embedded.CannotStart("still broken")


def test_restart_pauses_grow_and_reset_after_steady_running(tmp_path, monkeypatch):
    now = 1_000.0
    monkeypatch.setattr(supervising.time, "monotonic", lambda: now)
    reports: list[str] = []
    supervisor = supervising.ProgramSupervisor(
        [Failing()], [], folder=DataFolder(tmp_path), environ={}, report=reports.append
    )
    pauses = []
    for _ in range(9):
        supervisor.check_once()
        (pause,) = re.findall(r"restarting it in ([\d.]+) s", reports[-1])
        pauses.append(float(pause))
        now += float(pause)
    assert pauses == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    now += 61
    supervisor.check_once()
    assert reports[-1].endswith("restarting it in 0.5 s")


@needs_linux
def test_program_that_ignores_the_request_to_stop_is_named_and_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(supervising, "_STOP_SECONDS", 0.2)
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf'); time.sleep(60)"
    reports: list[str] = []
    folder = DataFolder(tmp_path)
    folder.log_path("deaf").parent.mkdir(parents=True, exist_ok=True)
    supervisor = supervising.ProgramSupervisor(
        [],
        [supervising.Program("deaf", (sys.executable, "-u", "-c", deaf))],
        folder=folder,
        environ={},
        report=reports.append,
    )
    supervisor.start()
    log = folder.log_path("deaf")
    assert wait_for(lambda: "deaf" in log.read_text())
    supervisor.stop()
    assert reports == [f"deaf did not stop within 0.2 s and is killed (see {log})"]
