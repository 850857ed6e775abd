"""PostgreSQL and Redis together, for as long as somebody needs them."""

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from app.embedded import redis as redis_server
from app.embedded.data_folder import DataFolder, ServerUrls
from app.embedded.errors import CannotStart, NotInProduction
from app.embedded.postgres import APP, OWNER, SUPERUSER, Postgres, program_path
from app.embedded.redis import Redis, redis_program_path
from app.embedded.server_account import choose_account


@dataclass(frozen=True)
class ExternalServers:
    """Servers that somebody else runs; None where the embedded one is to be used."""

    database_url: str | None = None
    database_owner_url: str | None = None
    redis_url: str | None = None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "ExternalServers":
        """What the environment names. Raises CannotStart for half of the database's two roles."""
        database, owner = environ.get("DATABASE_URL"), environ.get("DATABASE_OWNER_URL")
        if bool(database) != bool(owner):
            missing = "DATABASE_OWNER_URL" if database else "DATABASE_URL"
            raise CannotStart(
                f"{missing} is not set. Set both DATABASE_URL (the application's role) and "
                "DATABASE_OWNER_URL (the role that migrates), or neither."
            )
        return cls(database or None, owner or None, environ.get("REDIS_URL") or None)


class Servers:
    """The servers of one data folder, in the hands of the process that holds it."""

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
        """Where they answer."""
        there = self._external
        postgres, redis = self.postgres, self.redis
        return ServerUrls(
            database_url=postgres.url(APP) if postgres else there.database_url or "",
            database_owner_url=postgres.url(OWNER) if postgres else there.database_owner_url or "",
            redis_url=redis.url if redis else there.redis_url or "",
            superuser_url=postgres.url(SUPERUSER) if postgres else "",
            sandbox_url=self._sandbox_url,
        )

    @property
    def embedded(self) -> tuple[Postgres | Redis, ...]:
        """Those that we run ourselves, in the order in which they start."""
        return tuple(server for server in (self.postgres, self.redis) if server)

    def start(self) -> None:
        """Start what no URL stands for; return when it answers."""
        reach = [self._folder.root]
        if not self._external.database_url:
            reach.append(program_path("postgres"))
        if not self._external.redis_url:
            reach.append(redis_program_path())
        if len(reach) == 1:
            return
        account = choose_account(self._folder.postgres, required_paths=reach)
        secrets = self._folder.secrets()
        if not self._external.database_url:
            self.postgres = Postgres(self._folder, secrets, account, self._report)
        if not self._external.redis_url:
            self.redis = Redis(self._folder, secrets, account)
        for server in self.embedded:
            self._report(f"Starting {server.name}")
            server.start()

    def stop(self) -> None:
        """Stop what we run, cleanly, the one after the other."""
        with contextlib.ExitStack() as each_even_if_one_fails:
            for server in self.embedded:
                each_even_if_one_fails.callback(server.stop)

    def kill_postgres(self) -> None:
        """kill -9 the database server and reap it."""
        self._embedded_postgres().kill()

    def start_postgres(self) -> None:
        """Start it again on the same port and data; return when it answers."""
        self._embedded_postgres().start()

    def kill_redis(self) -> None:
        """kill -9 the Redis server and reap it."""
        self._embedded_redis().kill()

    def start_redis(self) -> None:
        """Start it again on the same port, empty; return when it answers."""
        self._embedded_redis().start()

    def _embedded_postgres(self) -> Postgres:
        if self.postgres is None:
            raise CannotStart("This PostgreSQL is not ours to stop and start")
        return self.postgres

    def _embedded_redis(self) -> Redis:
        if self.redis is None:
            raise CannotStart("This Redis is not ours to stop and start")
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
    """PostgreSQL and Redis on this folder's data while the block runs; stopped cleanly after it.

    `sandbox_url` is told to other commands; who passes it runs the sandbox there.
    The environment's URLs are not looked at: who wants them passes
    `External.from_environment(os.environ)`. Raises CannotStart, of which AlreadyRunning,
    NotInProduction, NoRedisServer and NoUsableAccount are kinds.
    """
    external = external or ExternalServers()
    _refuse_production(external)
    folder = DataFolder(data_dir)
    with folder.lock():
        left = folder.take_leftover_state()
        if left is not None:
            report("The last run was killed; recovering what it left")
            redis_server.stop_leftover(left.get("redis_url"))
        running = Servers(folder, external, report, sandbox_url=sandbox_url)
        try:
            running.start()
            folder.write_state(running.urls, web_port=web_port)
            yield running
        finally:
            folder.clear_state()
            running.stop()


def _refuse_production(external: ExternalServers) -> None:
    if os.environ.get("PBCEX_ENV") != "production":
        return
    if external.database_url and external.redis_url:
        return
    raise NotInProduction(
        "PBCEX_ENV is production, and the embedded servers are for trying and testing only. "
        "Set DATABASE_URL, DATABASE_OWNER_URL and REDIS_URL to servers of your own."
    )
