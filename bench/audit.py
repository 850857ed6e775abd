"""Measure how long it takes to record, seal and verify the audit trail."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from app.access import DEFAULT_PERMISSIONS, Actor, Role
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.audit.verification import verify
from app.factory import create_app
from app.kit import ids
from app.kit.db import SNAPSHOT, Database, Session
from bench.market_setup import database_of
from bench.server import BenchServer

RECORDS = 1_000_000
RECORDS_QUICK = 50_000
#: The time limit for verifying a million records.
SECONDS_ALLOWED = 60
_AT_ONCE = 5_000

Add = Callable[[str, float], None]


def measure(bench: BenchServer, records: int, rounds: int, add: Add) -> None:
    """Measure the seconds to record, seal and verify `records`, the last beside its time limit.

    Raises `RuntimeError` if the trail is wrong or incomplete.
    """
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(bench.settings.model_copy(update={"data_dir": Path(folder)}))
        database = database_of(app)
        add("record_seconds", _seconds(lambda: _record(database, records)))
        add("seal_seconds", _seconds(lambda: _seal(database, records)))
        with database.transaction() as session:
            audit.anchor(session)
        for _ in range(rounds):
            add("verify_seconds", _seconds(lambda: _verify(database, records)))
            add("allowed_seconds", SECONDS_ALLOWED * records / RECORDS)
        database.engine.dispose()


def _record(database: Database, records: int) -> None:
    role = Role.ADMIN
    actor = Actor(ids.new(), ids.new(), "ada@example.com", role, DEFAULT_PERMISSIONS[role])
    for start in range(0, records, _AT_ONCE):
        with database.transaction() as session:
            for number in range(start, start + _AT_ONCE):
                _suspend(session, actor, number)


def _suspend(session: Session, actor: Actor, number: int) -> None:
    audit.record(
        session,
        actor=actor,
        action=AuditAction.PERSON_SUSPENDED,
        subject=ids.encode("usr", ids.new()),
        before={"status": "active", "number": number},
        after={"status": "suspended", "number": number},
        reason="Asked for by the court on the telephone, and confirmed by letter",
        on_behalf_of=actor.user_id,
    )


def _seal(database: Database, records: int) -> None:
    for _ in range(0, records, audit.BATCH):
        with database.transaction() as session:
            audit.seal(session)


def _verify(database: Database, records: int) -> None:
    with database.transaction(SNAPSHOT) as session:
        report = verify(session)
    if report.wrong or report.sealed != records or report.anchors != 1:
        raise RuntimeError(f"the audit trail differs from what was recorded: {report}")


def _seconds(step: Callable[[], None]) -> float:
    started = time.perf_counter()
    step()
    return time.perf_counter() - started
