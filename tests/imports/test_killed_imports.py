"""Imports whose process is killed at any moment: no row is left, and the job begins again."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from uuid import UUID

import pytest

from app.access import Actor, Role
from app.imports.rules import ImportState
from app.kit.db import Database
from tests import drill, forked_processes
from tests.imports import import_process
from tests.imports.test_product_imports import (
    APPLY,
    CHECK,
    NEW,
    confirm,
    new_sku,
    problems_of,
    send,
    state_of,
    table,
)
from tests.mailbox import run_pending_jobs
from tests.people import People

pytestmark = [pytest.mark.drill(name="imports"), pytest.mark.timeout(3_600)]

ROWS = drill.choose_size(small=150, full=50_000)
CHECK_KILLS, APPLY_KILLS = drill.choose_size(0, 2), drill.choose_size(1, 5)
#: Kills come within so much of the time that the whole job takes; so long at least in bin/test.
_SHARE = 0.7
_CHECK_SECONDS = 0.1
Record = Callable[[str, object], None]


@dataclass
class KilledImport:
    """A file of new products, and the processes that work on it."""

    database: Database
    keeper: Actor
    log: Path
    mark: str = field(default_factory=new_sku)
    import_id: UUID = field(init=False)

    def __post_init__(self) -> None:
        formula = '=HYPERLINK("https://evil.example")'
        rows = [
            {"sku": f"{self.mark}-{number:05}", "mint": f"{formula} Ü {number}", **NEW}
            for number in range(ROWS)
        ]
        self.import_id = send(self.database, self.keeper, b"\xef\xbb\xbf" + table(rows))

    def start(self, job: str) -> BaseProcess:
        """Start a job, and return once it has begun."""
        self.log.unlink(missing_ok=True)
        environ: Mapping[str, str] = {
            **os.environ,
            "DATABASE_URL": self.database.engine.url.render_as_string(hide_password=False),
        }
        words = ("import", job, str(self.import_id))
        process = forked_processes.start_process(
            import_process.main, *words, environ=environ, log=self.log
        )
        while import_process.BEGUN not in self.lines and process.is_alive():
            time.sleep(0.005)
        return process

    @property
    def lines(self) -> list[str]:
        """What the last process printed."""
        return self.log.read_text().split() if self.log.exists() else []

    def run(self, job: str) -> tuple[float, int]:
        """Run a job to its end; return the seconds that it took, and the MB that it needed."""
        process, begun = self.start(job), time.monotonic()
        process.join(3_000)
        assert process.exitcode == 0, self.log.read_text()
        return time.monotonic() - begun, int(self.lines[-1])

    def kill(self, job: str, after: float) -> None:
        """Start a job and kill its process after so many seconds."""
        process = self.start(job)
        time.sleep(after)
        process.kill()
        process.join()

    @property
    def added(self) -> int:
        """How many of its products there are."""
        with self.database.reading() as session:
            statement = "SELECT count(*) FROM products WHERE sku LIKE %s"
            return int(session.value(statement, (f"{self.mark}-%",)))

    @property
    def state(self) -> ImportState:
        return state_of(self.database, self.keeper, self.import_id).state


@pytest.fixture
def killed(database: Database, people: People, tmp_path: Path) -> KilledImport:
    return KilledImport(database, people.staff(Role.INVENTORY), tmp_path / "log")


def test_killed_import_is_done_as_a_whole_later(
    killed: KilledImport, record_property: Record
) -> None:
    chances = drill.seeded_random("killed imports")
    seconds, megabytes = _CHECK_SECONDS, 0
    if drill.IS_FULL_SIZE:
        other = KilledImport(killed.database, killed.keeper, killed.log)
        seconds, megabytes = other.run("check")
        assert (other.state, other.added) == (ImportState.CHECKED, 0)
    for _ in range(CHECK_KILLS):
        killed.kill("check", chances.uniform(0, seconds * _SHARE))
        assert (killed.state, killed.added) == (ImportState.CHECKING, 0)
    run_pending_jobs(killed.database, CHECK)
    assert problems_of(killed.database, killed.import_id) == {}
    confirm(killed.database, killed.keeper, killed.import_id)
    for _ in range(APPLY_KILLS):
        killed.kill("apply", chances.uniform(0, seconds * _SHARE))
        assert (killed.state, killed.added) == (ImportState.APPLYING, 0)
    begun = time.monotonic()
    run_pending_jobs(killed.database, APPLY)
    applied = time.monotonic() - begun
    summary = state_of(killed.database, killed.keeper, killed.import_id)
    assert (summary.state, summary.added_count, killed.added) == (ImportState.DONE, ROWS, ROWS)
    assert summary.progress == ROWS
    record_property(
        "evidence",
        f"{ROWS:,} new products with formulas and accents: checked in {seconds:.0f} s with"
        f" {megabytes} MB more memory, added in {applied:.0f} s. Killed with kill -9,"
        f" {CHECK_KILLS} times while checked and {APPLY_KILLS} times while added: no product was"
        " there after any of them, and all were in the end.",
    )


def test_control_import_in_parts_is_caught(killed: KilledImport, record_property: Record) -> None:
    """Negative control: each part is written by itself. The same check must catch it."""
    run_pending_jobs(killed.database, CHECK)
    confirm(killed.database, killed.keeper, killed.import_id)
    process = killed.start("apply in parts")
    while not killed.added and process.is_alive():
        time.sleep(0.005)
    process.kill()
    process.join()
    assert (killed.state, 0 < killed.added < ROWS) == (ImportState.APPLYING, True)
    record_property(
        "evidence", "Control: an import that is written in parts left some products when killed."
    )
