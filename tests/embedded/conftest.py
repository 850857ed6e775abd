"""Data folders and processes for the tests of the embedded servers."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app import embedded
from app.embedded.data_folder import CHECKOUT
from tests.embedded.server_processes import SERVER_HOLDER, ServerHolder, as_user, owner


@pytest.fixture
def hold() -> Iterator[Callable[..., ServerHolder]]:
    """Start `server_holder.py`, optionally under another account and with an import path."""
    holders: list[ServerHolder] = []

    def start(
        data_dir: Path, *switches: str, uid: int | None = None, first: Path | None = None
    ) -> ServerHolder:
        command = [sys.executable, str(SERVER_HOLDER), str(data_dir), *switches]
        if uid is not None:
            command = [*as_user(uid), *command]
        path = os.pathsep.join([str(first), str(CHECKOUT)] if first else [str(CHECKOUT)])
        process = subprocess.Popen(
            command,
            env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        holder = ServerHolder(process)
        holders.append(holder)
        return holder

    yield start
    for holder in holders:
        holder.end()


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder from an earlier run, with one committed row."""
    data_dir = tmp_path_factory.mktemp("made") / "data"
    with embedded.run_servers(data_dir) as running, owner(running.urls) as connection:
        connection.execute("CREATE TABLE kept (amount integer)")
        connection.execute("INSERT INTO kept VALUES (1)")
        connection.execute("GRANT SELECT ON kept TO pbcex_app")
    return data_dir
