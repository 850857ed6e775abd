from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import pytest
import sqlalchemy as sa

from app.outbox import periodic_jobs
from app.outbox.models import StagedJob, TimetableEntry
from app.outbox.periodic_jobs import PeriodicTask
from tests.rows import change_rows, count_rows, read_values

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
MINUTELY = PeriodicTask("prune", "outbox.prune_done", every_seconds=60)


def keep(database, *entries, now=NOW):
    with database.transaction() as session:
        periodic_jobs.synchronize(session, entries, now)


def stage_due(database, now):
    with database.transaction() as session:
        return periodic_jobs.stage_next_due(session, now)


def staged(database):
    with database.reading() as session:
        return count_rows(session, StagedJob)


def finish_all(database):
    with database.transaction() as session:
        change_rows(session, StagedJob, tries=1, done_at=sa.func.now())


def next_due(database):
    with database.reading() as session:
        return read_values(session, TimetableEntry.next_due_at)[0]


def test_new_entry_is_due_at_once_and_then_every_period(database):
    keep(database, MINUTELY)
    assert stage_due(database, NOW) == "prune"
    assert stage_due(database, NOW + timedelta(seconds=59.9)) is None
    finish_all(database)
    assert stage_due(database, NOW + timedelta(seconds=60)) == "prune"
    assert staged(database) == 2


def test_missed_periods_stage_one_job_and_keep_the_grid(database):
    keep(database, MINUTELY)
    stage_due(database, NOW)
    finish_all(database)
    assert stage_due(database, NOW + timedelta(seconds=605)) == "prune"
    assert next_due(database) == NOW + timedelta(seconds=660)
    assert staged(database) == 2


def test_nothing_is_staged_while_the_previous_job_is_pending(database):
    keep(database, MINUTELY)
    stage_due(database, NOW)
    assert stage_due(database, NOW + timedelta(seconds=60)) == "prune"
    assert staged(database) == 1
    finish_all(database)
    assert stage_due(database, NOW + timedelta(seconds=120)) == "prune"
    assert staged(database) == 2


def test_table_is_synchronized_with_the_list(database):
    keep(database, MINUTELY)
    stage_due(database, NOW)
    hourly = PeriodicTask("prune", "outbox.prune_done", every_seconds=3600)
    keep(database, hourly, now=NOW + timedelta(seconds=1))
    assert next_due(database) == NOW + timedelta(seconds=60)
    keep(database, PeriodicTask("prune", "outbox.prune_done", every_seconds=5), now=NOW)
    assert next_due(database) == NOW + timedelta(seconds=5)
    keep(database)
    assert stage_due(database, NOW + timedelta(days=1)) is None


def test_synchronizing_the_same_list_changes_nothing(database):
    keep(database, MINUTELY)
    stage_due(database, NOW)
    keep(database, MINUTELY, now=NOW + timedelta(hours=1))
    assert next_due(database) == NOW + timedelta(seconds=60)


def test_entry_with_an_unknown_task_is_refused(database):
    keep(database, MINUTELY)
    with pytest.raises(LookupError):
        keep(database, PeriodicTask("x", "no.task", every_seconds=1))
    assert stage_due(database, NOW) == "prune"


def test_two_schedulers_stage_each_period_once(database):
    keep(database, MINUTELY)
    rounds, wins = 25, []
    barrier = Barrier(2)

    def stage_in_turn():
        for number in range(rounds):
            barrier.wait()
            if stage_due(database, NOW + timedelta(seconds=60 * number)):
                wins.append(number)
            barrier.wait()
            finish_all(database)
            barrier.wait()

    threads = [Thread(target=stage_in_turn) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wins == list(range(rounds))
    assert staged(database) == rounds
