import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.serializers import JSONSerializer

from app.jobs.connection import connect_to_redis
from app.jobs.relay import Relay
from app.jobs.worker import RqWorker
from app.kit import tasks as kit_tasks
from app.kit.db import Database
from app.messages.models import Message
from app.outbox import service as outbox
from app.outbox.models import StagedJob
from app.outbox.rules import Backoff
from tests import forked_processes
from tests.drill import IS_FULL_SIZE
from tests.faults.worker_process import main
from tests.provider_sandbox import Sandbox
from tests.rows import count_rows, delete_rows

#: Minutes long, so bin/drill runs it and bin/test does not.
collect_ignore = [] if IS_FULL_SIZE else ["test_queues.py"]

PROJECT = Path(__file__).resolve().parents[2]
BACKOFF = Backoff(base=timedelta(seconds=0.2), doublings=2, tries_max=3)


def wait_until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


class RedisServer:
    """A redis-server without persistence, on a fixed port."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.client: Redis = connect_to_redis(self.url)
        self.start()

    def start(self) -> None:
        binary = shutil.which("redis-server", path=f"{Path(sys.executable).parent}:{os.defpath}")
        assert binary is not None
        options = ("--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", self._folder)
        self._process = subprocess.Popen(
            [binary, "--port", str(self.port), *options], stdout=subprocess.DEVNULL
        )
        wait_until(self._answers)

    def _answers(self) -> bool:
        with suppress(RedisError):
            return self.client.ping()
        return False

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


class WorkerProcesses:
    """The processes under test."""

    def __init__(
        self, database: Database, redis_url: str, log: Path, *, retry_seconds: float = 0.2
    ) -> None:
        self.environ = {
            **os.environ,
            "DATABASE_URL": database.engine.url.render_as_string(hide_password=False),
            "REDIS_URL": redis_url,
            "PBCEX_SANDBOX_URL": Sandbox.shared().url,
            "PBCEX_OUTBOX_RETRY_SECONDS": str(retry_seconds),
        }
        self.log = log
        self._processes: list[BaseProcess] = []

    def start(self, role: str, queue: kit_tasks.Queue = kit_tasks.Queue.PAYMENTS) -> BaseProcess:
        """Start a process with this role; a worker serves the queue of the tests' tasks."""
        options = ["--queue", queue] if role == "work" else []
        process = forked_processes.start_process(
            main, "worker.py", role, *options, environ=self.environ, log=self.log
        )
        self._processes.append(process)
        return process

    def end(self) -> None:
        """Stop every process, and assert that each ends cleanly within ten seconds."""
        running = [process for process in self._processes if process.is_alive()]
        for process in running:
            process.terminate()
        try:
            for process in running:
                process.join(10)
            assert [process.exitcode for process in running] == [0] * len(running)
        finally:
            for process in running:
                process.kill()
                process.join()


class JobBench:
    """Stages, sends and executes jobs, and checks their effects."""

    def __init__(self, database: Database, redis: Redis) -> None:
        self.database = database
        self.redis = redis
        self.queue = Queue(kit_tasks.Queue.PAYMENTS, connection=redis, serializer=JSONSerializer)

    def stage(self, task: str = "tests.leave_effect", **args: object) -> UUID:
        """Stage a job for a new user id; return the user id."""
        user_id = uuid4()
        with self.database.transaction() as session:
            outbox.stage(session, task, {"user_id": str(user_id), **args})
        return user_id

    def effects(self, user_id: UUID) -> int:
        with self.database.reading() as session:
            return count_rows(session, Message, Message.user_id == user_id)

    def problems(self, *user_ids: UUID) -> list[str]:
        """Return the jobs that are not done, and those without exactly one effect."""
        problems_found = [
            f"{user_id}: {count} effects"
            for user_id in user_ids
            if (count := self.effects(user_id)) != 1
        ]
        with self.database.reading() as session:
            pending = session.rows("SELECT task FROM outbox WHERE done_at IS NULL")
        return problems_found + [f"{task} is not done" for (task,) in pending]

    def settled(self) -> bool:
        with self.database.reading() as session:
            statement = "SELECT FROM outbox WHERE done_at IS NULL AND dead_at IS NULL"
            return not session.rows(statement)

    def relay(self) -> None:
        """Run one step of a relay."""
        Relay(self.database, self.redis, BACKOFF, provider_jobs_max=2).step()

    def work(self, app) -> None:
        """Execute jobs in this process until the queue is empty."""
        handlers = [
            (number, signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM)
        ]
        worker = RqWorker([self.queue], connection=self.redis, serializer=JSONSerializer)
        with app.app_context():
            worker.work(burst=True, logging_level="WARNING")
        for number, handler in handlers:
            signal.signal(number, handler)

    def cut_database_connections(self) -> None:
        """End every connection of the application's role, as a restart of PostgreSQL does."""
        self.database.engine.dispose()
        url = self.database.engine.url.set(drivername="postgresql")
        with psycopg.connect(url.render_as_string(hide_password=False)) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE usename = current_user AND datname = current_database()"
                " AND pid <> pg_backend_pid()"
            )

    def make_due(self) -> None:
        """Make every unfinished job due."""
        with self.database.transaction() as session:
            session.send("UPDATE outbox SET due_at = staged_at WHERE done_at IS NULL")


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory):
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.client.close()
    server.kill()


@pytest.fixture
def job_bench(database, redis_server, app, monkeypatch):
    with database.transaction() as session:
        delete_rows(session, StagedJob)
    redis_server.client.flushall()
    monkeypatch.setitem(app.extensions, "backoff", BACKOFF)
    return JobBench(database, redis_server.client)


@pytest.fixture
def worker_processes(database, redis_server, tmp_path, job_bench):
    processes = WorkerProcesses(database, redis_server.url, tmp_path / "log")
    yield processes
    processes.end()
