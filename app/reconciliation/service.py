"""The verbs of reconciliation: request a run, compare every source, record the results."""

from dataclasses import astuple

import structlog

from app.access import Actor
from app.audit import service as audit
from app.kit import clock, ids
from app.kit.db import Database, Session
from app.kit.errors import NotFinished
from app.outbox import service as outbox
from app.providers.errors import ProviderRefused
from app.reconciliation.comparisons import Comparison, sources
from app.reconciliation.queries import TASK, ReconciliationRun, is_run_requested

_log = structlog.get_logger()

_INSERT_RUN = """
INSERT INTO reconciliations (id, source, since, began_at, ended_at, compared, healed, differences,
    failure)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


def request_run(session: Session, actor: Actor) -> None:
    """Stage a run of all comparisons, unless one is waiting or in progress."""
    if not is_run_requested(session):
        outbox.stage(session, TASK, {})
        audit.record(session, actor=actor, action="reconciliation.asked", subject=TASK)


def reconcile_all(database: Database) -> list[ReconciliationRun]:
    """Compare every source and record each result. Return the results.

    A source that cannot be reached does not stop the others.
    """
    runs = []
    for source, compare, window in sources():
        began_at, failure = clock.now(), None
        since = began_at - window
        comparison = Comparison(database, source, since)
        try:
            compare(comparison)
            if comparison.unclear:
                failure = f"{len(comparison.unclear)} unclear, the first: {comparison.unclear[0]}"
        except (NotFinished, ProviderRefused) as error:
            failure = f"{type(error).__name__}: {error}"
        _log.info(
            "reconciled", source=source, compared=comparison.compared, healed=comparison.healed,
            differences=comparison.differences, failure=failure,
        )  # fmt: skip
        run = ReconciliationRun(
            ids.new(), source, since, began_at, clock.now(), comparison.compared, comparison.healed,
            comparison.differences, failure,
        )  # fmt: skip
        with database.transaction() as session:
            record_run(session, run)
        runs.append(run)
    return runs


def record_run(session: Session, run: ReconciliationRun) -> None:
    """Store the result of one comparison."""
    session.send(_INSERT_RUN, astuple(run))
