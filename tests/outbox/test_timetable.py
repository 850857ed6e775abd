from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import pytest

from app.outbox import timetable
from app.outbox.timetable import PeriodicTask

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
MINUTELY = PeriodicTask("prune", "outbox.prune_done", every_seconds=60)


def keep(database, *entries, now=NOW):
    with database.transaction() as session:
        timetable.synchronize(session, entries, now)


def stage_due(database, now):
    with database.transaction() as session:
        return timetable.stage_next_due(session, now)


def staged(database):
    with database.reading() as session:
        return session.rows("SELECT count(*) FROM outbox")[0][0]


def finish_all(database):
    with database.transaction() as session:
        session.send("UPDATE outbox SET tries = 1, done_at = now()")


def next_due(database):
    with database.reading() as session:
        return session.rows("SELECT next_due_at FROM timetable")[0][0]


def test_a_new_entry_is_due_at_once_and_then_each_period(database):
    keep(database, MINUTELY)
    assert stage_due(database, NOW) == "prune"
    assert stage_due(database, NOW + timedelta(seconds=59.9)) is None
    finish_all(database)
    assert stage_due(database, NOW + timedelta(seconds=60)) == "prune"
    assert staged(database) == 2


def test_missed_periods_are_made_up_for_once_and_the_grid_is_kept(database):
    keep(database, MINUTELY)
    stage_due(database, NOW)
    finish_all(database)
    assert stage_due(database, NOW + timedelta(seconds=605)) == "prune"
    assert next_due(database) == NOW + timedelta(seconds=660)
    assert staged(database) == 2


def test_nothing_is_staged_while_the_one_before_is_pending(database):
    keep(database, MINUTELY)
    stage_due(database, NOW)
    assert stage_due(database, NOW + timedelta(seconds=60)) == "prune"
    assert staged(database) == 1
    finish_all(database)
    assert stage_due(database, NOW + timedelta(seconds=120)) == "prune"
    assert staged(database) == 2


def test_the_table_follows_the_list(database):
    keep(database, MINUTELY)
    stage_due(database, NOW)
    hourly = PeriodicTask("prune", "outbox.prune_done", every_seconds=3600)
    keep(database, hourly, now=NOW + timedelta(seconds=1))
    assert next_due(database) == NOW + timedelta(seconds=60)
    keep(database, PeriodicTask("prune", "outbox.prune_done", every_seconds=5), now=NOW)
    assert next_due(database) == NOW + timedelta(seconds=5)
    keep(database)
    assert stage_due(database, NOW + timedelta(days=1)) is None


def test_keeping_the_same_list_moves_nothing(database):
    keep(database, MINUTELY)
    stage_due(database, NOW)
    keep(database, MINUTELY, now=NOW + timedelta(hours=1))
    assert next_due(database) == NOW + timedelta(seconds=60)


def test_an_entry_must_name_a_task(database):
    keep(database, MINUTELY)
    with pytest.raises(LookupError):
        keep(database, PeriodicTask("x", "no.task", every_seconds=1))
    assert stage_due(database, NOW) == "prune"


def test_two_timetables_stage_once(database):
    keep(database, MINUTELY)
    rounds, wins = 25, []
    barrier = Barrier(2)

    def look():
        for number in range(rounds):
            barrier.wait()
            if stage_due(database, NOW + timedelta(seconds=60 * number)):
                wins.append(number)
            barrier.wait()
            finish_all(database)
            barrier.wait()

    threads = [Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wins == list(range(rounds))
    assert staged(database) == rounds
