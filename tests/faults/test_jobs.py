"""Faults between a staged job and its effect, with real servers and processes."""

import os
import signal
import subprocess
import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from redis.exceptions import RedisError

from app.jobs import dispatch
from app.jobs.relay import split_into_parcels
from app.kit import clock
from app.kit import tasks as kit_tasks
from app.kit.list_query import fetch_all
from app.outbox import queries as outbox_queries
from app.outbox import service as outbox
from app.outbox.models import StagedJob, TimetableEntry
from app.outbox.rules import JobState
from tests.faults.conftest import BACKOFF, wait_until
from tests.rows import delete_rows, read_values
from worker import WORKERS

CHILDREN = 3 + sum(WORKERS.values())


def claim(job_bench):
    with job_bench.database.transaction() as session:
        queue = kit_tasks.Queue.PAYMENTS
        return outbox.claim_due_jobs(
            session, [queue], 10, clock.now(), BACKOFF, provider_jobs_max=2
        )[queue]


class TestRedisLoss:
    def test_committed_job_is_done_once(self, job_bench, app):
        user_id = job_bench.stage()
        job_bench.relay()
        job_bench.work(app)
        assert job_bench.problems(user_id) == []

    def test_job_lost_by_redis_is_sent_again(self, job_bench, app):
        user_id = job_bench.stage()
        job_bench.relay()
        assert job_bench.queue.count == 1
        job_bench.redis.flushall()
        job_bench.relay()
        assert job_bench.queue.count == 0  # its backoff is not over
        wait_until(lambda: job_bench.relay() or job_bench.queue.count == 1)
        job_bench.work(app)
        assert job_bench.problems(user_id) == []

    def test_job_sent_several_times_is_done_once(self, job_bench, app):
        user_id = job_bench.stage()
        for _ in range(3):
            job_bench.make_due()
            job_bench.relay()
        assert job_bench.queue.count == 3
        job_bench.work(app)
        assert job_bench.problems(user_id) == []

    def test_nothing_is_claimed_while_redis_is_unavailable(self, job_bench, redis_server, app):
        user_id = job_bench.stage()
        redis_server.kill()
        try:
            for _ in range(5):
                with pytest.raises(RedisError):
                    job_bench.relay()
        finally:
            redis_server.start()
        with job_bench.database.reading() as session:
            assert read_values(session, StagedJob.sends) == [0]
        job_bench.relay()
        job_bench.work(app)
        assert job_bench.problems(user_id) == []

    def test_redis_that_refuses_writes_costs_no_tries_and_no_backoff(self, job_bench, app):
        user_id = job_bench.stage()
        job_bench.redis.config_set("min-replicas-to-write", 1)
        try:
            for _ in range(8):
                with pytest.raises(RedisError):
                    job_bench.relay()
        finally:
            job_bench.redis.config_set("min-replicas-to-write", 0)
        with job_bench.database.reading() as session:
            [(sends, tries, due_at)] = session.rows("SELECT sends, tries, due_at FROM outbox")
        assert (sends, tries) == (0, 0)
        assert due_at <= clock.now()
        job_bench.relay()
        job_bench.work(app)
        assert job_bench.problems(user_id) == []

    def test_relay_sends_no_more_than_the_queue_limit(self, job_bench):
        with job_bench.database.transaction() as session:
            for _ in range(500):
                outbox.stage(session, "tests.leave_effect", {"user_id": str(clock.now())})
        for _ in range(10):
            job_bench.relay()
        with job_bench.database.reading() as session:
            [backlog] = outbox_queries.list_queue_backlogs(session, clock.now())
        assert job_bench.queue.count == 20
        assert (backlog.pending, backlog.sent) == (500, 200)


class TestConcurrency:
    def test_job_executed_by_two_workers_is_done_once(self, job_bench):
        users = [job_bench.stage() for _ in range(20)]
        claimed = claim(job_bench) + claim(job_bench)
        barrier = threading.Barrier(4)
        # A start that collides with others counts as a try.
        patient = replace(BACKOFF, tries_max=10)

        def execute_all():
            barrier.wait()
            for identifier in claimed:
                dispatch.execute_job(job_bench.database, identifier, patient)

        threads = [threading.Thread(target=execute_all) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        # Workers that collided may all have skipped a job; the relay would send it once more.
        for identifier in claimed:
            dispatch.execute_job(job_bench.database, identifier, patient)
        assert job_bench.problems(*users) == []

    def test_two_relays_send_each_row_once(self, job_bench):
        for _ in range(60):
            job_bench.stage()
        threads = [threading.Thread(target=job_bench.relay) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        sent = [row for job in job_bench.queue.jobs for row in job.args]
        assert len(sent) == len(set(sent)) == 60

    def test_few_rows_are_sent_alone_and_many_in_parcels(self):
        assert [len(parcel) for parcel in split_into_parcels(range(15))] == [1] * 15
        assert [len(parcel) for parcel in split_into_parcels(range(100))] == [10] * 10
        assert [row for parcel in split_into_parcels(range(37)) for row in parcel] == list(
            range(37)
        )


class TestPoisonedJob:
    def test_poisoned_job_dies_is_listed_and_can_be_revived(self, job_bench, app, tmp_path):
        poison = tmp_path / "poison"
        poison.touch()
        user_id = job_bench.stage("tests.fail", while_exists=str(poison))
        healthy = job_bench.stage()
        for _ in range(BACKOFF.tries_max + 2):
            job_bench.make_due()
            job_bench.relay()
            job_bench.work(app)
        assert (job_bench.effects(user_id), job_bench.effects(healthy)) == (0, 1)
        with job_bench.database.reading() as session:
            dead_only = {"folder": JobState.DEAD}
            [dead] = fetch_all(session, outbox_queries.UNFINISHED_JOBS, dead_only, "staged")
        assert (dead.task, dead.tries, dead.last_error) == ("tests.fail", 3, "ValueError")

        poison.unlink()
        with job_bench.database.transaction() as session:
            outbox.revive_job(session, None, dead.id)
        job_bench.relay()
        job_bench.work(app)
        assert job_bench.problems(user_id, healthy) == []

    def test_poisoned_job_does_not_affect_others_of_its_parcel(self, job_bench, app, tmp_path):
        poison = tmp_path / "poison"
        poison.touch()
        users = [job_bench.stage() for _ in range(15)]
        bad = job_bench.stage("tests.fail", while_exists=str(poison))
        users += [job_bench.stage() for _ in range(15)]
        job_bench.relay()
        job_bench.work(app)
        assert [job_bench.effects(user_id) for user_id in users] == [1] * 30
        assert job_bench.problems(*users, bad) == [f"{bad}: 0 effects", "tests.fail is not done"]

    def test_endless_job_is_interrupted_and_tried_again(
        self, job_bench, app, tmp_path, monkeypatch
    ):
        monkeypatch.setattr("app.jobs.dispatch.JOB_SECONDS_MAX", 1)
        user_id = job_bench.stage("tests.leave_effect_slowly", path=str(tmp_path / "x"), seconds=60)
        job_bench.relay()
        job_bench.work(app)
        with job_bench.database.reading() as session:
            [error] = read_values(session, StagedJob.last_error)
        assert error.startswith("JobOvertime")
        job_bench.make_due()
        job_bench.relay()
        job_bench.work(app)
        assert job_bench.problems(user_id) == []


class TestProcesses:
    def test_worker_killed_during_a_job_leaves_no_partial_effect(
        self, job_bench, worker_processes, tmp_path
    ):
        begun = tmp_path / "begun"
        user_id = job_bench.stage("tests.leave_effect_slowly", path=str(begun), seconds=600)
        others = [job_bench.stage() for _ in range(5)]
        worker_processes.start("relay")
        first = worker_processes.start("work")
        wait_until(begun.exists)
        first.kill()
        first.join()
        assert job_bench.effects(user_id) == 0
        worker_processes.start("work")
        wait_until(job_bench.settled)
        assert job_bench.problems(user_id, *others) == []

    def test_servers_that_restart_lose_no_job(self, job_bench, worker_processes, redis_server):
        worker_processes.start("relay")
        worker_processes.start("work")
        users = [job_bench.stage() for _ in range(5)]
        wait_until(job_bench.settled)

        users += [job_bench.stage() for _ in range(50)]
        redis_server.kill()
        users += [job_bench.stage() for _ in range(50)]
        redis_server.start()  # without its data
        wait_until(job_bench.settled)
        assert job_bench.problems(*users) == []

        for _ in range(2):
            users += [job_bench.stage() for _ in range(40)]
            job_bench.cut_database_connections()
        wait_until(job_bench.settled)
        assert job_bench.problems(*users) == []

    def test_role_all_runs_every_role_and_restarts_those_that_end(
        self, job_bench, worker_processes
    ):
        with job_bench.database.transaction() as session:
            delete_rows(session, TimetableEntry)
        supervisor = worker_processes.start("all")
        done = "SELECT FROM outbox WHERE task = 'outbox.prune_done' AND done_at IS NOT NULL"

        def done_count():
            with job_bench.database.reading() as session:
                return len(session.rows(done))

        wait_until(lambda: done_count() == 1)
        before = children(supervisor.pid)
        assert len(before) == CHILDREN
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        with job_bench.database.transaction() as session:
            outbox.stage(session, "outbox.prune_done", {})
        wait_until(lambda: done_count() == 2)
        assert len(children(supervisor.pid)) == CHILDREN
        assert not set(before) & set(children(supervisor.pid))


def children(pid):
    listing = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, check=False
    )
    return [int(line) for line in listing.stdout.split()]


class TestNegativeControl:
    """Faulty ways to execute a job, to show that `problems` detects them."""

    def crash(self):
        raise SystemExit

    def test_control_job_marked_done_before_its_effect_is_lost(self, job_bench):
        user_id = job_bench.stage()
        [identifier] = claim(job_bench)
        with pytest.raises(SystemExit):
            self.done_first(job_bench.database, identifier)
        dispatch.execute_job(job_bench.database, identifier, BACKOFF)
        assert job_bench.problems(user_id) == [f"{user_id}: 0 effects"]

    def done_first(self, database, identifier):
        with database.transaction() as session:
            outbox.count_attempt(session, identifier)
            job = outbox.lock_job(session, identifier)
            outbox.mark_done(session, identifier)
        self.crash()
        with database.transaction() as session:
            kit_tasks.find(job.task).run(session, **job.args)

    def test_control_job_marked_done_after_its_effect_is_doubled(self, job_bench):
        user_id = job_bench.stage()
        [identifier] = claim(job_bench)
        with pytest.raises(SystemExit):
            self.effect_first(job_bench.database, identifier)
        dispatch.execute_job(job_bench.database, identifier, BACKOFF)
        assert job_bench.problems(user_id) == [f"{user_id}: 2 effects"]

    def effect_first(self, database, identifier):
        with database.transaction() as session:
            job = outbox.lock_job(session, identifier)
            kit_tasks.find(job.task).run(session, **job.args)
        self.crash()
        with database.transaction() as session:
            outbox.mark_done(session, identifier)

    def test_job_marked_done_with_its_effect_survives_the_crash(self, job_bench, monkeypatch):
        user_id = job_bench.stage()
        [identifier] = claim(job_bench)
        with monkeypatch.context() as patch:
            patch.setattr(outbox, "mark_done", lambda *_: self.crash())
            with pytest.raises(SystemExit):
                dispatch.execute_job(job_bench.database, identifier, BACKOFF)
        assert job_bench.effects(user_id) == 0
        dispatch.execute_job(job_bench.database, identifier, BACKOFF)
        assert job_bench.problems(user_id) == []


def test_failed_job_waits_for_its_backoff(job_bench, tmp_path):
    (tmp_path / "x").touch()
    job_bench.stage("tests.fail", while_exists=str(tmp_path / "x"))
    [identifier] = claim(job_bench)
    before = clock.now()
    dispatch.execute_job(job_bench.database, identifier, BACKOFF)
    with job_bench.database.reading() as session:
        [due_at] = read_values(session, StagedJob.due_at)
    assert timedelta(0) < due_at - before - BACKOFF.base < timedelta(seconds=1)
