"""The web server under measurement."""

import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import parallel
from bench.server import CHECKOUT, BenchServer

WORKERS = 2


@contextmanager
def run(bench: BenchServer) -> Iterator[int]:
    """Run the web server as bin/run does, and yield its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    granian = Path(sys.executable).parent / "granian"
    process = subprocess.Popen(
        [
            granian,
            *("--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)),
            *("--workers", str(WORKERS), "--no-log", "wsgi:app"),
        ],
        env=parallel.process_environment(bench),
        cwd=CHECKOUT,
    )
    try:
        deadline = time.monotonic() + 60
        while not _is_live(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the web process did not start")
            time.sleep(0.1)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def _is_live(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/live", timeout=1):
            return True
    except OSError:
        return False
