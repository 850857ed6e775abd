"""The database session of a page: one for each request, found in the environment by templates."""

from collections.abc import Callable

from flask import Response, current_app, request

from app.blueprints.environ_keys import SESSION
from app.kit.db import SNAPSHOT, Database, Session
from app.kit.preparation import run_prepared


def run_page(run: Callable[[Session], Response], *, writes: bool, snapshot: bool) -> Response:
    """Run a page in one transaction if it writes, at one moment if it is a snapshot, or else with
    each read on its own."""

    def run_once() -> Response:
        if writes:
            opened = current_database().transaction()
        elif snapshot:
            opened = current_database().transaction(SNAPSHOT)
        else:
            opened = current_database().reading()
        with opened as session:
            request.environ[SESSION] = session
            try:
                return run(session)
            finally:
                del request.environ[SESSION]

    return run_prepared(current_database(), run_once)


def current_database() -> Database:
    """Return the application's database."""
    database: Database = current_app.extensions["database"]
    return database
