"""The verbs of reconciliation: request a run, compare every source, record the results."""

from dataclasses import asdict
from datetime import datetime

import sqlalchemy as sa
import structlog

from app.access import Actor
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.kit import clock, ids
from app.kit.db import Database, DatabaseUnavailable, Session
from app.outbox import service as outbox
from app.reconciliation.comparison import Comparison, describe_failure
from app.reconciliation.models import ReconciliationRow
from app.reconciliation.queries import COMPARE_TASK, TASK, ReconciliationRun, is_run_requested
from app.reconciliation.sources import Source, sources

_log = structlog.get_logger()


def request_run(session: Session, actor: Actor) -> None:
    """Stage a run of all comparisons, unless one is waiting or in progress."""
    if not is_run_requested(session):
        outbox.stage(session, TASK, {})
        audit.record(session, actor=actor, action=AuditAction.RECONCILIATION_ASKED, subject=TASK)


def stage_comparisons(session: Session) -> None:
    """Stage a job for each source and its window, so that none delays or ends the others."""
    now = clock.now()
    for source in sources():
        args = {"source": source.name, "since": clock.rfc3339(now - source.window)}
        outbox.stage(session, COMPARE_TASK, args, provider=source.provider)


def reconcile_all(database: Database) -> list[ReconciliationRun]:
    """Compare every source now, one after the other, and record each result. Return the results."""
    now = clock.now()
    return [_compare(database, source, now - source.window) for source in sources()]


def compare_source(database: Database, name: str, since: datetime) -> None:
    """Compare the source of that name, unless its provider has been switched off meanwhile."""
    for source in sources():
        if source.name == name:
            _compare(database, source, since)
            return
    _log.warning("reconciliation_source_gone", source=name)


def _compare(database: Database, source: Source, since: datetime) -> ReconciliationRun:
    """Compare one source and record the result. An error ends this source only.

    Raises `DatabaseUnavailable`: then nothing can be recorded, and the job is tried again.
    """
    began_at, failure = clock.now(), None
    comparison = Comparison(database, source.name, since)
    try:
        source.compare(comparison)
        if comparison.unclear:
            failure = f"{len(comparison.unclear)} unclear, the first: {comparison.unclear[0]}"
    except DatabaseUnavailable:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the result says that it failed
        failure = describe_failure(error, source.name)
    _log.info(
        "reconciled", source=source.name, compared=comparison.compared, healed=comparison.healed,
        differences=comparison.differences, failure=failure,
    )  # fmt: skip
    run = ReconciliationRun(
        ids.new(), source.name, since, began_at, clock.now(), comparison.compared,
        comparison.healed, comparison.differences, failure,
    )  # fmt: skip
    with database.transaction() as session:
        record_run(session, run)
    return run


def record_run(session: Session, run: ReconciliationRun) -> None:
    """Store the result of one comparison."""
    session.write(sa.insert(ReconciliationRow).values(asdict(run)))
