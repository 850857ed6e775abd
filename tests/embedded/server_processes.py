"""Processes that run servers, and helpers to inspect them and their data."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psycopg
import pytest

from app import embedded
from app.embedded.data_folder import CHECKOUT
from tests.skip_policy import PLATFORM_REASON

SERVER_HOLDER = Path(__file__).with_name("server_holder.py")
LAUNCHER = CHECKOUT / "app" / "embedded" / "launch.py"
NOBODY = 65534

needs_root = pytest.mark.skipif(
    os.geteuid() != 0, reason=f"{PLATFORM_REASON}only root can start the servers for another"
)
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason=f"{PLATFORM_REASON}reads /proc")


class ServerHolder:
    """A process that runs servers; `output` is the JSON that it printed."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdout is not None
        self.output: Mapping[str, object] = json.loads(process.stdout.readline() or "{}")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        with self.process:
            pass


def as_user(uid: int) -> list[str]:
    """Return the start of a command that runs as `uid`, with as few privileges as possible.

    If this interpreter is below a folder that only root can search, the uid keeps that capability.
    """
    launch = [sys.executable, "-I", "-S", str(LAUNCHER)]
    for way in ("drop", "search"):
        words = [*launch, way, str(uid), str(uid), str(os.getpid()), "0"]
        reached = subprocess.run(
            [*words, "--reach", sys.executable, str(SERVER_HOLDER.parent)],
            capture_output=True,
            check=False,
        )
        if reached.returncode == 0:
            return words
    pytest.skip(f"{PLATFORM_REASON}uid {uid} can't use this interpreter")


@contextlib.contextmanager
def owner(urls: embedded.ServerUrls) -> Iterator[psycopg.Connection]:
    with connect(urls.database_owner_url) as connection:
        yield connection


@contextlib.contextmanager
def connect(url: object) -> Iterator[psycopg.Connection]:
    """Yield a connection in autocommit to a URL in SQLAlchemy's form."""
    assert isinstance(url, str)
    address = url.replace("postgresql+psycopg://", "postgresql://")
    connection = psycopg.connect(address, autocommit=True)
    try:
        yield connection
    finally:
        connection.close()


def amounts(url: object) -> list[int]:
    with connect(url) as connection:
        return [row[0] for row in connection.execute("SELECT amount FROM kept ORDER BY 1")]


def add_row(urls: embedded.ServerUrls, amount: int) -> None:
    with owner(urls) as connection:
        connection.execute("INSERT INTO kept VALUES (%s)", (amount,))


def delete_added_rows(urls: embedded.ServerUrls) -> None:
    with owner(urls) as connection:
        connection.execute("DELETE FROM kept WHERE amount <> 1")


def is_alive(pid: object) -> bool:
    """Return whether the process runs; a zombie counts as ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(") ")[2][0] not in "ZX"


def wait_for(condition: Callable[[], object], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def modes_above(path: Path) -> dict[Path, tuple[int, int, int]]:
    """Return mode, user and group of a folder and of every folder above it."""
    stats = {folder: folder.stat() for folder in (path, *path.parents)}
    return {folder: (stat.st_mode, stat.st_uid, stat.st_gid) for folder, stat in stats.items()}
