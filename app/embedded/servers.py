"""Run PostgreSQL and Redis together, as long as they are needed."""

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from app.embedded import redis as redis_server
from app.embedded.data_folder import DataFolder, ServerUrls, is_production
from app.embedded.errors import CannotStart, NotInProduction
from app.embedded.postgres import APP, OWNER, SUPERUSER, Postgres, program_path
from app.embedded.redis import Redis, redis_program_path
from app.embedded.server_account import choose_account


@dataclass(frozen=True)
class ExternalServers:
    """The URLs of external servers; None where the embedded server is used."""

    database_url: str | None = None
    database_owner_url: str | None = None
    redis_url: str | None = None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "ExternalServers":
        """Return the external servers that the environment names.

        Raises CannotStart if only one of the database's two roles is named.
        """
        database, owner = environ.get("DATABASE_URL"), environ.get("DATABASE_OWNER_URL")
        if bool(database) != bool(owner):
            missing = "DATABASE_OWNER_URL" if database else "DATABASE_URL"
            raise CannotStart(
                f"{missing} is not set. Set both DATABASE_URL (the application's role) and "
                "DATABASE_OWNER_URL (the role that migrates), or neither."
            )
        return cls(database or None, owner or None, environ.get("REDIS_URL") or None)


class Servers:
    """The servers of one data folder, run by the process that locked it."""

    def __init__(
        self,
        folder: DataFolder,
        external: ExternalServers,
        report: Callable[[str], None],
        *,
        sandbox_url: str = "",
    ) -> None:
        self._folder = folder
        self._external = external
        self._report = report
        self._sandbox_url = sandbox_url
        self.postgres: Postgres | None = None
        self.redis: Redis | None = None

    @property
    def urls(self) -> ServerUrls:
        """The URLs of all servers."""
        external = self._external
        postgres, redis = self.postgres, self.redis
        return ServerUrls(
            database_url=postgres.url(APP) if postgres else external.database_url or "",
            database_owner_url=postgres.url(OWNER)
            if postgres
            else external.database_owner_url or "",
            redis_url=redis.url if redis else external.redis_url or "",
            superuser_url=postgres.url(SUPERUSER) if postgres else "",
            sandbox_url=self._sandbox_url,
        )

    @property
    def embedded(self) -> tuple[Postgres | Redis, ...]:
        """The servers that this process runs, in starting order."""
        return tuple(server for server in (self.postgres, self.redis) if server)

    def start(self) -> None:
        """Start the servers without an external URL; return when they are ready."""
        required_paths = [self._folder.root]
        if not self._external.database_url:
            required_paths.append(program_path("postgres"))
        if not self._external.redis_url:
            required_paths.append(redis_program_path())
        if len(required_paths) == 1:
            return
        account = choose_account(self._folder.postgres, required_paths=required_paths)
        secrets = self._folder.secrets()
        if not self._external.database_url:
            self.postgres = Postgres(self._folder, secrets, account, self._report)
        if not self._external.redis_url:
            self.redis = Redis(self._folder, secrets, account)
        for server in self.embedded:
            self._report(f"Starting {server.name}")
            server.start()

    def stop(self) -> None:
        """Stop the embedded servers cleanly, one after the other, even if one fails to stop."""
        with contextlib.ExitStack() as stack:
            for server in self.embedded:
                stack.callback(server.stop)

    def kill_postgres(self) -> None:
        """Kill the database server with SIGKILL and reap it."""
        self._embedded_postgres().kill()

    def start_postgres(self) -> None:
        """Start PostgreSQL again on the same port and data; return when it is ready."""
        self._embedded_postgres().start()

    def kill_redis(self) -> None:
        """Kill the Redis server with SIGKILL and reap it."""
        self._embedded_redis().kill()

    def start_redis(self) -> None:
        """Start Redis again on the same port, empty; return when it is ready."""
        self._embedded_redis().start()

    def _embedded_postgres(self) -> Postgres:
        if self.postgres is None:
            raise CannotStart("This PostgreSQL is external: it cannot be stopped or started here.")
        return self.postgres

    def _embedded_redis(self) -> Redis:
        if self.redis is None:
            raise CannotStart("This Redis is external: it cannot be stopped or started here.")
        return self.redis


@contextlib.contextmanager
def run_servers(
    data_dir: Path | str,
    *,
    report: Callable[[str], None] = lambda _: None,
    external: ExternalServers | None = None,
    web_port: int | None = None,
    sandbox_url: str = "",
) -> Iterator[Servers]:
    """Run PostgreSQL and Redis on this folder's data during the block; stop them cleanly after it.

    Other commands can read `sandbox_url` from the folder; the caller runs the sandbox there. URLs
    in the environment are ignored: pass `ExternalServers.from_environment(os.environ)` to use them.
    Raises CannotStart or one of its subclasses AlreadyRunning, NotInProduction, NoRedisServer and
    NoUsableAccount.
    """
    external = external or ExternalServers()
    _refuse_production(external)
    folder = DataFolder(data_dir)
    with folder.lock():
        leftover = folder.take_leftover_state()
        if leftover is not None:
            report("The last run was killed; cleaning up after it")
            redis_server.stop_leftover(leftover.get("redis_url"))
        running = Servers(folder, external, report, sandbox_url=sandbox_url)
        try:
            running.start()
            folder.write_state(running.urls, web_port=web_port)
            yield running
        finally:
            folder.clear_state()
            running.stop()


def _refuse_production(external: ExternalServers) -> None:
    if not is_production(os.environ):
        return
    if external.database_url and external.redis_url:
        return
    name = os.environ["PBCEX_ENV"]
    raise NotInProduction(
        f"PBCEX_ENV is {name}, but the embedded servers are for evaluation and tests only. "
        "Set DATABASE_URL, DATABASE_OWNER_URL and REDIS_URL to servers of your own."
    )
