"""Run measuring processes in parallel: all get ready first, then start at the same moment."""

import os
import subprocess
import sys
from collections.abc import Sequence

from bench.server import CHECKOUT, BenchServer


def process_environment(bench: BenchServer) -> dict[str, str]:
    """Return the environment of a process that uses the server under measurement."""
    return {
        **os.environ,
        "PBCEX_ENV": "test",
        "PBCEX_LOG_LEVEL": "WARNING",
        "PBCEX_RATE_LIMIT": bench.settings.rate_limit,
        "PBCEX_SECRET_KEY": bench.settings.secret_key,
        "DATABASE_URL": bench.settings.database_url,
        "DATABASE_OWNER_URL": bench.settings.database_owner_url,
        "REDIS_URL": bench.settings.redis_url,
    }


def run_and_sum(module: str, arguments: Sequence[Sequence[str]], environ: dict[str, str]) -> int:
    """Run `python -m module` once for each list of arguments, and return the sum of their figures.

    Each process prints `ready`, waits for a line, and prints its figure at the end. Raises
    `RuntimeError` if one does not start.
    """
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", module, *own],
            env=environ,
            cwd=CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for own in arguments
    ]
    for process in processes:
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            raise RuntimeError(f"a process of {module} did not start")
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    return sum(int(process.communicate()[0]) for process in processes)
