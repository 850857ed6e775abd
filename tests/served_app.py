"""An application on a port, with a worker of its messages beside it."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

from flask import Flask
from werkzeug.serving import make_server

from app.jobs.dispatch import execute_job
from app.kit.db import Database
from app.outbox.rules import Backoff


@contextlib.contextmanager
def serve(app: Flask) -> Iterator[int]:
    """Serve the application on a port, for one client address, with a worker beside it."""

    def from_elsewhere(environ: dict[str, Any], start: Any) -> Any:
        return app({**environ, "REMOTE_ADDR": "192.0.2.77"}, start)

    server = make_server("127.0.0.1", 0, from_elsewhere, threaded=True)
    ended = threading.Event()
    threads = [
        threading.Thread(target=server.serve_forever),
        threading.Thread(target=_run_message_jobs, args=(app.extensions["database"], ended)),
    ]
    for thread in threads:
        thread.start()
    try:
        yield server.server_port
    finally:
        ended.set()
        server.shutdown()
        for thread in threads:
            thread.join()
        server.server_close()


def _run_message_jobs(database: Database, ended: threading.Event) -> None:
    waiting = "SELECT id FROM outbox WHERE task = 'messages.deliver' AND done_at IS NULL"
    while not ended.wait(0.05):
        with database.reading() as session:
            jobs = session.rows(waiting)
        for (identifier,) in jobs:
            execute_job(database, identifier, Backoff())
