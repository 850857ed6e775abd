from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest
import time_machine

from app.access import Role
from app.kit.errors import NotFound
from app.kit.list_query import fetch_all
from app.kit.tasks import Queue
from app.outbox import queries as outbox_queries
from app.outbox import service as outbox
from app.outbox.errors import JobNotDead
from app.outbox.models import StagedJob
from app.outbox.rules import Backoff, JobState
from tests.rows import change_rows

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
BACKOFF = Backoff(base=timedelta(seconds=3), doublings=2, tries_max=3)
TASK = "outbox.prune_done"


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def stage(database, **when):
    with database.transaction() as session:
        return outbox.stage(session, TASK, {}, **when)


def claim(database, now=NOW, limit=10):
    with database.transaction() as session:
        claimed = outbox.claim_due_jobs(
            session, list(Queue), limit, now, BACKOFF, provider_jobs_max=2
        )
    return [identifier for identifiers in claimed.values() for identifier in identifiers]


def count_try(database, identifier):
    with database.transaction() as session:
        return outbox.count_attempt(session, identifier, BACKOFF)


def fail(database, identifier):
    with database.transaction() as session:
        return outbox.record_failure(session, identifier, ValueError("no"), BACKOFF)


def finish(database, identifier):
    count_try(database, identifier)
    with database.transaction() as session:
        assert outbox.lock_job(session, identifier) is not None
        outbox.mark_done(session, identifier)


def row(database, identifier, columns):
    with database.reading() as session:
        return session.row(f"SELECT {columns} FROM outbox WHERE id = %s", (identifier,))


class TestStage:
    def test_job_is_rolled_back_with_its_transaction(self, database):
        with pytest.raises(ZeroDivisionError), database.transaction() as session:
            assert outbox.stage(session, TASK, {}).int // 0
        assert claim(database) == []

    def test_committed_job_is_claimed(self, database):
        identifier = stage(database)
        assert claim(database) == [identifier]

    def test_unknown_task_is_refused(self, database):
        with (
            pytest.raises(LookupError, match=r"trading\.misspelt"),
            database.transaction() as session,
        ):
            outbox.stage(session, "trading.misspelt", {})
        assert claim(database) == []

    def test_args_that_are_not_json_are_refused(self, database):
        with pytest.raises(TypeError), database.transaction() as session:
            outbox.stage(session, TASK, {"at": NOW})
        assert claim(database) == []

    def test_job_is_not_claimed_before_not_before(self, database):
        identifier = stage(database, not_before=NOW + timedelta(seconds=10))
        assert claim(database, NOW + timedelta(seconds=9)) == []
        assert claim(database, NOW + timedelta(seconds=10)) == [identifier]


class TestClaim:
    def test_concurrent_claims_get_different_rows(self, database):
        staged = {stage(database) for _ in range(4)}
        with ThreadPoolExecutor(2) as threads:
            claims = list(threads.map(lambda limit: claim(database, limit=limit), [2, 2]))
        assert [len(claimed) for claimed in claims] == [2, 2]
        assert {*claims[0], *claims[1]} == staged

    def test_longest_due_job_is_claimed_first(self, database):
        late = stage(database, not_before=NOW - timedelta(seconds=1))
        later = stage(database, not_before=NOW - timedelta(seconds=2))
        assert claim(database, limit=1) == [later]
        assert claim(database, limit=1) == [late]

    def test_backoff_of_sendings_doubles_up_to_its_limit(self, database):
        identifier = stage(database)
        now, waits = NOW, []
        for _ in range(5):
            assert claim(database, now) == [identifier]
            (due_at,) = row(database, identifier, "due_at")
            assert claim(database, due_at - timedelta(milliseconds=1)) == []
            waits.append((due_at - now).total_seconds())
            now = due_at
        assert waits == [3, 6, 12, 12, 12]

    def test_done_dead_and_running_jobs_are_not_claimed(self, database):
        done, dead, running = (stage(database) for _ in range(3))
        finish(database, done)
        for _ in range(BACKOFF.tries_max):
            count_try(database, dead)
        fail(database, dead)
        count_try(database, running)
        with database.transaction() as session:
            assert outbox.lock_job(session, running) is not None
            assert claim(database, NOW + timedelta(days=1)) == []


class TestProviderLimit:
    def stage(self, database, provider, count=1):
        """Stage jobs that are due one after the other; return them in that order."""
        with database.transaction() as session:
            return [
                outbox.stage(
                    session, "funding.poll", {}, provider=provider,
                    not_before=NOW - timedelta(seconds=count - number),
                )
                for number in range(count)
            ]  # fmt: skip

    def test_two_jobs_of_a_provider_are_in_flight_and_others_pass_them(self, database):
        bank, card = self.stage(database, "bank", 5), self.stage(database, "stripe")
        housekeeping = stage(database)
        assert set(claim(database)) == {*bank[:2], *card, housekeeping}
        assert claim(database) == []

    def test_place_is_free_when_a_job_ends_fails_or_is_postponed(self, database):
        jobs = self.stage(database, "bank", 5)
        assert set(claim(database)) == set(jobs[:2])
        finish(database, jobs[0])
        assert claim(database) == [jobs[2]]
        count_try(database, jobs[1])
        fail(database, jobs[1])
        assert claim(database) == [jobs[3]]
        count_try(database, jobs[2])
        with database.transaction() as session:
            outbox.postpone(session, jobs[2], BACKOFF)
        assert claim(database) == [jobs[4]]

    def test_job_that_is_sent_again_keeps_its_place(self, database):
        jobs = self.stage(database, "bank", 3)
        assert set(claim(database)) == set(jobs[:2])
        assert set(claim(database, NOW + timedelta(seconds=3))) == set(jobs[:2])

    def test_same_job_is_not_staged_twice_before_it_is_sent(self, database):
        for _ in range(2):
            with database.transaction() as session:
                outbox.stage_unless_waiting(session, "custody.open_books", {})
        assert len(claim(database)) == 1
        with database.transaction() as session:
            outbox.stage_unless_waiting(session, "custody.open_books", {})
        assert len(claim(database)) == 1


def test_refused_sending_is_not_counted(database):
    fresh, sent_before = stage(database), stage(database, not_before=NOW - timedelta(seconds=1))
    assert claim(database, limit=1) == [sent_before]
    again = NOW + timedelta(seconds=3)
    assert set(claim(database, again)) == {fresh, sent_before}
    with database.transaction() as session:
        outbox.return_claims(session, [fresh, sent_before])
    assert row(database, fresh, "sends, sent_at, due_at, tries") == (0, None, NOW, 0)
    assert row(database, sent_before, "sends, sent_at, due_at, tries") == (1, again, NOW, 0)


def test_jobs_of_another_releases_queues_are_assigned_to_the_queues_of_their_tasks(database):
    known, unknown, done = (stage(database) for _ in range(3))
    finish(database, done)
    with database.transaction() as session:
        change_rows(session, StagedJob, queue="default")
        change_rows(session, StagedJob, StagedJob.id == unknown, task="room.gone")
    assert claim(database) == []
    with database.transaction() as session:
        outbox.assign_queues(session)
    assert set(claim(database)) == {known, unknown}
    assert row(database, done, "queue") == ("default",)


def test_started_job_with_own_transactions_is_not_sent_again_while_it_runs(database):
    with database.transaction() as session:
        identifier = outbox.stage(session, "custody.open_books", {})
    claim(database)
    count_try(database, identifier)
    assert claim(database, NOW + BACKOFF.lease - timedelta(seconds=1)) == []
    assert claim(database, NOW + BACKOFF.lease) == [identifier]


class TestTry:
    def test_locked_job_cannot_be_started_again(self, database):
        identifier = stage(database)
        count_try(database, identifier)
        with database.transaction() as session:
            assert outbox.lock_job(session, identifier) is not None
            assert count_try(database, identifier) is False
            with database.transaction() as other:
                assert outbox.lock_job(other, identifier) is None

    def test_done_job_is_not_started(self, database):
        identifier = stage(database)
        finish(database, identifier)
        assert count_try(database, identifier) is False
        with database.transaction() as session:
            assert outbox.lock_job(session, identifier) is None

    def test_failure_is_recorded_and_postpones_the_job(self, database):
        identifier = stage(database)
        count_try(database, identifier)
        assert fail(database, identifier) is False
        assert row(database, identifier, "last_error, due_at, dead_at") == (
            "ValueError",
            NOW + timedelta(seconds=3),
            None,
        )

    def test_success_clears_the_recorded_failure(self, database):
        identifier = stage(database)
        count_try(database, identifier)
        fail(database, identifier)
        finish(database, identifier)
        assert row(database, identifier, "last_error, done_at, tries") == (None, NOW, 2)

    def test_last_failure_marks_the_job_as_dead(self, database):
        identifier = stage(database)
        for last in (False, False, True):
            count_try(database, identifier)
            assert fail(database, identifier) is last
        assert count_try(database, identifier) is False
        with database.reading() as session:
            [dead] = list_jobs(session, folder=JobState.DEAD)
            assert outbox_queries.DEAD_JOBS.fetch(session) == 1
        assert (dead.id, dead.tries, dead.last_error) == (identifier, 3, "ValueError")

    def test_job_that_ends_its_workers_is_marked_as_dead(self, database):
        identifier = stage(database)
        for begun in (True, True, True, False):
            assert count_try(database, identifier) is begun
        assert row(database, identifier, "last_error, dead_at") == (
            "The worker process ended during every try",
            NOW,
        )


class TestRevive:
    def test_revived_job_has_all_its_tries_again(self, database):
        identifier = stage(database)
        for _ in range(3):
            count_try(database, identifier)
        fail(database, identifier)
        with database.transaction() as session:
            outbox.revive_job(session, None, identifier)
        assert claim(database) == [identifier]
        finish(database, identifier)

    def test_reviving_a_job_that_is_not_dead_is_refused(self, database):
        identifier = stage(database)
        before = row(database, identifier, "*")
        for refusal, job_id in ((JobNotDead, identifier), (NotFound, uuid4())):
            with pytest.raises(refusal), database.transaction() as session:
                outbox.revive_job(session, None, job_id)
        with pytest.raises(JobNotDead), database.transaction() as session:
            outbox.revive_jobs_of_task(session, None, TASK)
        assert row(database, identifier, "*") == before

    def test_revive_all_revives_the_jobs_of_one_task_only(self, database, people):
        dead, other = [kill(database) for _ in range(2)], kill(database, "ledger.roll_up")
        admin = people.staff(Role.ADMIN)
        with database.transaction() as session:
            assert outbox.revive_jobs_of_task(session, admin, TASK) == 2
        assert [row(database, job_id, "dead_at, tries") for job_id in dead] == [(None, 0)] * 2
        assert row(database, other, "dead_at") == (NOW,)
        with database.reading() as session:
            recorded = session.row(
                "SELECT action, subject, after FROM audit_records WHERE actor_id = %s"
                " ORDER BY id DESC LIMIT 1",
                (admin.user_id,),
            )
        assert recorded == ("jobs.revived", TASK, {"count": "2"})


def kill(database, task=TASK):
    with database.transaction() as session:
        identifier = outbox.stage(session, task, {})
    for _ in range(3):
        count_try(database, identifier)
    assert fail(database, identifier) is True
    return identifier


def list_jobs(session, **filters):
    return list(fetch_all(session, outbox_queries.UNFINISHED_JOBS, filters, "-staged"))


def test_unfinished_jobs_are_listed_by_task_and_state(database):
    dead, waiting = kill(database), stage(database)
    other = kill(database, "ledger.roll_up")
    finish(database, stage(database))
    with database.reading() as session:
        assert outbox_queries.list_task_backlogs(session) == [
            outbox_queries.TaskBacklog("ledger.roll_up", waiting=0, dead=1, oldest=NOW),
            outbox_queries.TaskBacklog(TASK, waiting=1, dead=1, oldest=NOW),
        ]
        given_up = list_jobs(session, folder=JobState.DEAD)
        [pending] = list_jobs(session, folder=JobState.WAITING)
        [mine] = list_jobs(session, folder=JobState.DEAD, kind=TASK)
        every = list_jobs(session)
    assert [job.id for job in given_up] == [other, dead]
    assert [job.id for job in every] == [other, waiting, dead]
    assert (pending.id, pending.error_type, mine.id) == (waiting, "", dead)
    assert (mine.last_error, mine.error_type) == ("ValueError", "ValueError")


def test_backlog_counts_pending_due_and_sent_jobs(database, clock):
    claimed = stage(database)
    claim(database)
    clock.shift(5)
    stage(database)
    stage(database, not_before=NOW + timedelta(hours=1))
    clock.shift(2)
    with database.reading() as session:
        [backlog] = outbox_queries.list_queue_backlogs(session, NOW + timedelta(seconds=7))
    assert row(database, claimed, "sends") == (1,)
    assert backlog == outbox_queries.QueueBacklog(
        "nightly", pending=3, due=2, sent=1, oldest_seconds=7.0
    )


def test_done_jobs_are_pruned_after_a_week(database, clock):
    old, pending = stage(database), stage(database)
    finish(database, old)
    clock.shift(timedelta(days=7))
    with database.transaction() as session:
        outbox.prune_done(session)
    assert row(database, old, "id") == (old,)
    clock.shift(1)
    with database.transaction() as session:
        outbox.prune_done(session)
    assert row(database, old, "id") is None
    assert row(database, pending, "id") == (pending,)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ("done_at = now()", "done_only_if_tried"),
        ("dead_at = now()", "dead_says_why"),
        ("dead_at = now(), last_error = 'x', done_at = now(), tries = 1", "done_or_dead"),
        ("sent_at = now()", "sent_at_if_sent"),
        ("args = '[]'", "args_are_named"),
    ],
)
def test_database_constraint_refuses_an_inconsistent_row(database, change, rule):
    identifier = stage(database)
    before = row(database, identifier, "*")
    with pytest.raises(psycopg.errors.CheckViolation) as refused, database.transaction() as session:
        session.send(f"UPDATE outbox SET {change}")
    assert refused.value.diag.constraint_name == rule
    assert row(database, identifier, "*") == before
