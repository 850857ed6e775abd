"""What may go wrong between a staged job and its effect, with the real servers and processes."""

import os
import signal
import subprocess
import threading
from datetime import timedelta

import pytest
from redis.exceptions import RedisError

from app.jobs import dispatch
from app.jobs.relay import parcels
from app.kit import clock
from app.kit import tasks as kit_tasks
from app.outbox import queries as outbox_queries
from app.outbox import service as outbox
from tests.faults.conftest import BACKOFF, wait_until
from worker import ROLES


def claim(desk):
    with desk.database.transaction() as session:
        return outbox.claim_for_sending(session, kit_tasks.Queue.DEFAULT, 10, clock.now(), BACKOFF)


class TestRedisForgets:
    def test_a_committed_job_is_done_once(self, desk, app):
        user_id = desk.stage()
        desk.relay()
        desk.work(app)
        assert desk.problems(user_id) == []

    def test_what_was_sent_and_lost_is_sent_again(self, desk, app):
        user_id = desk.stage()
        desk.relay()
        assert desk.queue.count == 1
        desk.redis.flushall()
        desk.relay()
        assert desk.queue.count == 0  # its backoff is not over
        wait_until(lambda: desk.relay() or desk.queue.count == 1)
        desk.work(app)
        assert desk.problems(user_id) == []

    def test_what_was_sent_twice_is_done_once(self, desk, app):
        user_id = desk.stage()
        for _ in range(3):
            desk.make_due()
            desk.relay()
        assert desk.queue.count == 3
        desk.work(app)
        assert desk.problems(user_id) == []

    def test_nothing_is_claimed_while_redis_is_away(self, desk, redis_server, app):
        user_id = desk.stage()
        redis_server.kill()
        try:
            for _ in range(5):
                with pytest.raises(RedisError):
                    desk.relay()
        finally:
            redis_server.start()
        with desk.database.reading() as session:
            assert session.rows("SELECT sends FROM outbox") == [(0,)]
        desk.relay()
        desk.work(app)
        assert desk.problems(user_id) == []

    def test_no_more_is_sent_than_redis_need_hold(self, desk):
        with desk.database.transaction() as session:
            for _ in range(500):
                outbox.stage(session, "tests.leave_effect", {"user_id": str(clock.now())})
        for _ in range(10):
            desk.relay()
        with desk.database.reading() as session:
            [backlog] = outbox_queries.list_queue_backlogs(session, clock.now())
        assert desk.queue.count == 20
        assert (backlog.pending, backlog.sent) == (500, 200)


class TestTwice:
    def test_a_job_in_two_hands_is_done_once(self, desk):
        users = [desk.stage() for _ in range(20)]
        claimed = claim(desk) + claim(desk)
        barrier = threading.Barrier(4)

        def carry_out_all():
            barrier.wait()
            for identifier in claimed:
                dispatch.execute_job(desk.database, identifier, BACKOFF)

        threads = [threading.Thread(target=carry_out_all) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        # Hands that met may all have let go of a job; the relay would send it once more.
        for identifier in claimed:
            dispatch.execute_job(desk.database, identifier, BACKOFF)
        assert desk.problems(*users) == []

    def test_two_relays_send_each_row_once(self, desk):
        for _ in range(60):
            desk.stage()
        threads = [threading.Thread(target=desk.relay) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        sent = [row for job in desk.queue.jobs for row in job.args]
        assert len(sent) == len(set(sent)) == 60

    def test_few_rows_travel_alone_and_many_in_parcels(self):
        assert [len(parcel) for parcel in parcels(range(15))] == [1] * 15
        assert [len(parcel) for parcel in parcels(range(100))] == [10] * 10
        assert [row for parcel in parcels(range(37)) for row in parcel] == list(range(37))


class TestPoison:
    def test_dies_after_its_tries_is_seen_and_can_be_revived(self, desk, app, tmp_path):
        poison = tmp_path / "poison"
        poison.touch()
        user_id = desk.stage("tests.fail", while_exists=str(poison))
        healthy = desk.stage()
        for _ in range(BACKOFF.tries_max + 2):
            desk.make_due()
            desk.relay()
            desk.work(app)
        assert (desk.effects(user_id), desk.effects(healthy)) == (0, 1)
        with desk.database.reading() as session:
            [dead] = outbox_queries.list_unfinished_jobs(session, dead=True).data
        assert (dead.task, dead.tries, dead.last_error) == ("tests.fail", 3, "ValueError")

        poison.unlink()
        with desk.database.transaction() as session:
            outbox.revive(session, None, dead.id)
        desk.relay()
        desk.work(app)
        assert desk.problems(user_id, healthy) == []

    def test_one_poisoned_row_spoils_no_other_of_its_parcel(self, desk, app, tmp_path):
        poison = tmp_path / "poison"
        poison.touch()
        users = [desk.stage() for _ in range(15)]
        bad = desk.stage("tests.fail", while_exists=str(poison))
        users += [desk.stage() for _ in range(15)]
        desk.relay()
        desk.work(app)
        assert [desk.effects(user_id) for user_id in users] == [1] * 30
        assert desk.problems(*users, bad) == [f"{bad}: 0 effects", "tests.fail is not done"]

    def test_a_job_without_end_is_interrupted_and_tried_again(
        self, desk, app, tmp_path, monkeypatch
    ):
        monkeypatch.setattr("app.jobs.dispatch.JOB_SECONDS_MAX", 1)
        user_id = desk.stage("tests.leave_effect_slowly", path=str(tmp_path / "x"), seconds=60)
        desk.relay()
        desk.work(app)
        with desk.database.reading() as session:
            [(error,)] = session.rows("SELECT last_error FROM outbox")
        assert error.startswith("JobTimeoutException")
        desk.make_due()
        desk.relay()
        desk.work(app)
        assert desk.problems(user_id) == []


class TestProcesses:
    def test_a_worker_killed_in_the_middle_of_a_job_leaves_no_half_of_it(
        self, desk, staff, tmp_path
    ):
        begun = tmp_path / "begun"
        user_id = desk.stage("tests.leave_effect_slowly", path=str(begun), seconds=600)
        others = [desk.stage() for _ in range(5)]
        staff.start("relay")
        first = staff.start("work")
        wait_until(begun.exists)
        first.kill()
        first.join()
        assert desk.effects(user_id) == 0
        staff.start("work")
        wait_until(desk.settled)
        assert desk.problems(user_id, *others) == []

    def test_servers_that_go_away_and_come_back_cost_nothing(self, desk, staff, redis_server):
        staff.start("relay")
        staff.start("work")
        users = [desk.stage() for _ in range(5)]
        wait_until(desk.settled)

        users += [desk.stage() for _ in range(50)]
        redis_server.kill()
        users += [desk.stage() for _ in range(50)]
        redis_server.start()  # and it remembers nothing
        wait_until(desk.settled)
        assert desk.problems(*users) == []

        for _ in range(2):
            users += [desk.stage() for _ in range(40)]
            desk.cut_database_connections()
        wait_until(desk.settled)
        assert desk.problems(*users) == []

    def test_all_runs_every_role_and_starts_again_what_ends(self, desk, staff):
        with desk.database.transaction() as session:
            session.send("DELETE FROM timetable")
        supervisor = staff.start("all")
        done = "SELECT FROM outbox WHERE task = 'outbox.prune_done' AND done_at IS NOT NULL"

        def done_count():
            with desk.database.reading() as session:
                return len(session.rows(done))

        wait_until(lambda: done_count() == 1)
        before = children(supervisor.pid)
        assert len(before) == len(ROLES)
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        with desk.database.transaction() as session:
            outbox.stage(session, "outbox.prune_done", {})
        wait_until(lambda: done_count() == 2)
        assert len(children(supervisor.pid)) == len(ROLES)
        assert not set(before) & set(children(supervisor.pid))


def children(pid):
    listing = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, check=False
    )
    return [int(line) for line in listing.stdout.split()]


class TestTheCheckCanFail:
    """Broken ways to carry a job out, so that we know that `problems` would see them."""

    def crash(self):
        raise SystemExit

    def test_done_before_the_effect_loses_it(self, desk):
        user_id = desk.stage()
        [identifier] = claim(desk)
        with pytest.raises(SystemExit):
            self.done_first(desk.database, identifier)
        dispatch.execute_job(desk.database, identifier, BACKOFF)
        assert desk.problems(user_id) == [f"{user_id}: 0 effects"]

    def done_first(self, database, identifier):
        with database.transaction() as session:
            outbox.count_attempt(session, identifier)
            job = outbox.lock_job(session, identifier)
            outbox.mark_done(session, identifier)
        self.crash()
        with database.transaction() as session:
            kit_tasks.find(job.task).run(session, **job.args)

    def test_done_after_the_effect_doubles_it(self, desk):
        user_id = desk.stage()
        [identifier] = claim(desk)
        with pytest.raises(SystemExit):
            self.effect_first(desk.database, identifier)
        dispatch.execute_job(desk.database, identifier, BACKOFF)
        assert desk.problems(user_id) == [f"{user_id}: 2 effects"]

    def effect_first(self, database, identifier):
        with database.transaction() as session:
            job = outbox.lock_job(session, identifier)
            kit_tasks.find(job.task).run(session, **job.args)
        self.crash()
        with database.transaction() as session:
            outbox.mark_done(session, identifier)

    def test_the_right_way_survives_the_same_crash(self, desk, monkeypatch):
        user_id = desk.stage()
        [identifier] = claim(desk)
        with monkeypatch.context() as patch:
            patch.setattr(outbox, "mark_done", lambda *_: self.crash())
            with pytest.raises(SystemExit):
                dispatch.execute_job(desk.database, identifier, BACKOFF)
        assert desk.effects(user_id) == 0
        dispatch.execute_job(desk.database, identifier, BACKOFF)
        assert desk.problems(user_id) == []


def test_a_failed_row_waits_its_backoff(desk, tmp_path):
    (tmp_path / "x").touch()
    desk.stage("tests.fail", while_exists=str(tmp_path / "x"))
    [identifier] = claim(desk)
    before = clock.now()
    dispatch.execute_job(desk.database, identifier, BACKOFF)
    with desk.database.reading() as session:
        [(due_at,)] = session.rows("SELECT due_at FROM outbox")
    assert timedelta(0) < due_at - before - BACKOFF.base < timedelta(seconds=1)
