"""The embedded server of a benchmark run, and pgbench on it."""

import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

from app import embedded
from app.config import Settings
from app.embedded import ServerUrls

CHECKOUT = Path(__file__).resolve().parent.parent
CLIENTS = 16
SCALE = 50
YARDSTICK = "yardstick"


@dataclass(frozen=True)
class BenchServer:
    """The server under measurement."""

    urls: ServerUrls
    settings: Settings

    def superuser(self, database: str) -> str:
        """Return the libpq URL of a database for the superuser."""
        url = make_url(self.urls.superuser_url).set(drivername="postgresql", database=database)
        return url.render_as_string(hide_password=False)

    def pgbench(
        self, database: str, seconds: int, *arguments: str, script: Path | None = None
    ) -> float:
        """Return the transactions per second that pgbench measures.

        Raises `RuntimeError` if any transaction failed.
        """
        script_options = ["-f", str(script)] if script else []
        output = self.run_pgbench(
            *("-M", "prepared", "-n", "-c", str(CLIENTS), "-j", "2", "-T", str(seconds)),
            *script_options,
            *arguments,
            database=database,
        )
        failed = re.search(r"number of failed transactions: ([0-9]+)", output)
        tps = re.search(r"tps = ([0-9.]+)", output)
        if tps is None or (failed and failed[1] != "0"):
            raise RuntimeError(f"pgbench failed:\n{output}")
        return float(tps[1])

    def run_pgbench(self, *arguments: str, database: str) -> str:
        """Run pgbench and return its output. Raises `RuntimeError` if it fails."""
        url = make_url(self.urls.superuser_url)
        result = subprocess.run(
            [
                embedded.bin_dir() / "pgbench",
                *("-h", url.host or "", "-p", str(url.port), "-U", url.username or ""),
                *arguments,
                database,
            ],
            env={**os.environ, "PGPASSWORD": str(url.password)},
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode != 0:
            raise RuntimeError(f"pgbench failed:\n{result.stderr}")
        return result.stdout

    def yardstick(self, seconds: int) -> float:
        """Measure the TPC-B-like transactions per second."""
        return self.pgbench(YARDSTICK, seconds)


@contextmanager
def run_bench_server(progress: Callable[[str], None]) -> Iterator[BenchServer]:
    """Run an embedded server with the application's schema and the yardstick's tables."""
    os.environ.setdefault("PBCEX_PG_SHARED_BUFFERS", "2GB")
    with (
        tempfile.TemporaryDirectory(prefix="pbcex-bench-") as folder,
        embedded.run_servers(Path(folder) / "data") as servers,
    ):
        urls = servers.urls
        settings = Settings.load(
            env="test",
            database_url=urls.database_url,
            database_owner_url=urls.database_owner_url,
            redis_url=urls.redis_url,
            secret_key="a secret of benchmarks, used nowhere else",
            rate_limit="1000000/minute",
            # A million orders take longer to fill in than a token is valid.
            access_token_seconds=8 * 3600,
            log_level="WARNING",
        )
        bench = BenchServer(urls, settings)
        progress("migrating")
        environment = {
            **os.environ,
            "PBCEX_ENV": "test",
            "PBCEX_SECRET_KEY": settings.secret_key,
            "DATABASE_URL": urls.database_url,
            "DATABASE_OWNER_URL": urls.database_owner_url,
            "REDIS_URL": urls.redis_url,
            "FLASK_APP": "wsgi",
        }
        subprocess.run(
            [CHECKOUT / ".venv" / "bin" / "flask", "db", "upgrade"],
            env=environment,
            cwd=CHECKOUT,
            capture_output=True,
            check=True,
        )
        progress(f"filling the yardstick, scale {SCALE}")
        with psycopg.connect(bench.superuser("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {YARDSTICK}")
        bench.run_pgbench("-i", "-q", "-s", str(SCALE), database=YARDSTICK)
        yield bench
