"""Rotation keeps every value readable at any moment, even when killed; unneeded keys retire."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import flask.cli
import pytest
import time_machine

from app.jobs.dispatch import execute_job
from app.keys import queries as keys_queries
from app.keys import rotation
from app.keys import service as keys
from app.keys.errors import KeyInUse, KeyLost, KeyRingUnavailable, RotationRunning
from app.keys.ports import KeyRing
from app.keys.ring import FileKeyRing
from app.kit import clock
from app.kit.ports import provide
from app.outbox.rules import Backoff
from tests import forked_processes
from tests.drill import choose_size, seeded_random
from tests.keys.conftest import PLACE, SealedValues

HOUR = timedelta(hours=1)


def begin(database):
    with database.transaction() as session:
        return rotation.begin_rotation(session)


def rewrap_everything(database, rotation_id, limit=7):
    """Rewrap everything in small batches; return the number of batches."""
    batches = 0
    more = True
    while more:
        with database.transaction() as session:
            more = rotation.rewrap_batch(session, rotation_id, limit=limit)
        batches += 1
        assert batches < 1000
    return batches


def last(database):
    with database.reading() as session:
        return keys_queries.latest_rotation(session)


def work(database, until=lambda: False):
    """Execute the staged jobs as the workers do."""
    done = 0
    while not until():
        with database.reading() as session:
            jobs = session.rows(
                "SELECT id FROM outbox WHERE task = 'keys.rewrap' AND done_at IS NULL"
            )
        if not jobs:
            break
        for (identifier,) in jobs:
            execute_job(database, identifier, Backoff())
            done += 1
    return done


def test_rotation_rewraps_all_values_unchanged(values, ring, alone):
    values.add(30)
    first = ring.active_id()
    before = values.stored()
    rotation_id = begin(alone)
    assert ring.active_id() != first
    assert values.all_open()
    rewrap_everything(alone, rotation_id)
    assert values.keys() == {ring.active_id()}
    assert values.all_open()
    stood = last(alone)
    assert (stood.rewrapped, stood.unreadable, stood.key_id) == (30, 0, ring.active_id())
    assert stood.finished_at is not None
    # The values were not opened: their ciphertext is unchanged.
    after = values.stored()
    assert {i: sealed[-40:] for i, sealed in before.items()} == {
        i: sealed[-40:] for i, sealed in after.items()
    }


def test_workers_rewrap_in_one_job_per_batch(values, ring, alone, monkeypatch):
    monkeypatch.setattr(rotation, "rewrap_batch", lambda s, r: BATCHED(s, r, limit=10))
    values.add(35)
    begin(alone)
    work(alone)
    assert values.keys() == {ring.active_id()}
    assert last(alone).rewrapped == 35


BATCHED = rotation.rewrap_batch


def test_value_sealed_with_the_old_key_meanwhile_is_rewrapped_by_the_next_pass(values, ring, alone):
    values.add(20)
    late = FileKeyRing(ring.path.with_name("copy.json"), create=False)
    late.path.write_bytes(ring.path.read_bytes())
    late.path.chmod(0o600)
    rotation_id = begin(alone)
    for _ in range(2):
        with alone.transaction() as session:
            rotation.rewrap_batch(session, rotation_id, limit=7)
    # A machine without the new file changes a row that the rotation has already passed.
    [behind, *_] = sorted(values.stored())
    provide(KeyRing, late)
    values.put(behind, keys.seal(values.plaintexts[behind], **PLACE, key=behind))
    values.add(3)
    provide(KeyRing, ring)
    assert len(values.keys()) == 2
    rewrap_everything(alone, rotation_id)
    assert values.keys() == {ring.active_id()}
    assert values.all_open()


def test_second_rotation_continues_an_unfinished_one(values, ring, alone):
    values.add(20)
    first = begin(alone)
    key_id = ring.active_id()
    with alone.transaction() as session:
        rotation.rewrap_batch(session, first, limit=7)
    assert begin(alone) == first
    assert ring.active_id() == key_id
    assert len(ring.list_keys()) == 2
    rewrap_everything(alone, first)
    assert begin(alone) != first
    assert len(ring.list_keys()) == 3


def test_rotation_uses_the_waiting_key(values, ring, alone):
    ring.active_id()
    waiting = ring.generate()
    begin(alone)
    assert ring.active_id() == waiting.id
    assert len(ring.list_keys()) == 2


def test_machine_without_the_new_key_does_not_rewrap(values, ring, alone):
    values.add(5)
    late = FileKeyRing(ring.path.with_name("copy.json"), create=False)
    late.path.write_bytes(ring.path.read_bytes())
    late.path.chmod(0o600)
    rotation_id = begin(alone)
    provide(KeyRing, late)
    with pytest.raises(KeyRingUnavailable), alone.transaction() as session:
        rotation.rewrap_batch(session, rotation_id)
    assert last(alone).rewrapped == 0
    provide(KeyRing, ring)
    rewrap_everything(alone, rotation_id)
    assert values.all_open()


def test_unreadable_values_are_counted_and_left_unchanged(values, ring, alone):
    good = values.add(10)
    bad = values.add(2)
    for identifier in bad:
        values.put(identifier, values.stored()[good[0]])
    before = {identifier: values.stored()[identifier] for identifier in bad}
    rewrap_everything(alone, begin(alone))
    assert (last(alone).rewrapped, last(alone).unreadable) == (10, 2)
    assert last(alone).finished_at is not None
    assert {identifier: values.stored()[identifier] for identifier in bad} == before


def test_rotation_with_a_lost_key_is_replaced_by_a_new_one(values, ring, alone):
    values.add(5)
    kept = ring.path.read_bytes()
    first = begin(alone)
    ring.path.write_bytes(kept)
    two = begin(alone)
    assert first != two
    rewrap_everything(alone, two)
    assert values.all_open()
    assert values.keys() == {ring.active_id()}


def test_concurrent_starts_begin_one_rotation(values, ring, alone):
    values.add(5)
    barrier = threading.Barrier(4)

    def start(_):
        barrier.wait()
        try:
            return begin(alone)
        except RotationRunning:
            return None

    with ThreadPoolExecutor(4) as pool:
        begun = {rotation_id for rotation_id in pool.map(start, range(4)) if rotation_id}
    assert len(begun) == 1
    rewrap_everything(alone, begun.pop())
    assert values.all_open()
    assert values.keys() == {ring.active_id()}


class TestRetiring:
    def test_unneeded_key_is_retired(self, values, ring, alone):
        values.add(5)
        first = ring.active_id()
        rewrap_everything(alone, begin(alone))
        with time_machine.travel(clock.now() + HOUR), alone.transaction() as session:
            rotation.retire_key(session, first)
        assert values.all_open()
        assert ring.list_keys()[0].retired_at is not None

    def test_key_that_is_active_recent_or_needed_is_not_retired(self, values, ring, alone):
        values.add(5)
        first = ring.active_id()

        def refused(match):
            with pytest.raises(KeyInUse, match=match), alone.transaction() as session:
                rotation.retire_key(session, first)
            assert ring.list_keys()[0].retired_at is None

        with time_machine.travel(clock.now() + HOUR):
            refused("sealed 5 values")
        rotation_id = begin(alone)
        refused("not finished")
        rewrap_everything(alone, rotation_id)
        refused("less than")
        with time_machine.travel(clock.now() + HOUR):
            active = ring.active_id()
            ring.activate(first)
            values.add(1)
            ring.activate(active)
        with time_machine.travel(clock.now() + 3 * HOUR):
            refused("sealed 1 value.")

    def test_unknown_key_is_not_retired(self, values, ring, alone):
        for key_id in ("00" * 8, "", "x"):
            with pytest.raises(KeyLost), alone.transaction() as session:
                rotation.retire_key(session, key_id)


@pytest.mark.timeout(600)
@pytest.mark.drill(name="keys")
def test_rotation_continues_after_kills_at_any_moment(
    values: SealedValues, ring, alone, record_property, tmp_path
):
    """Kill a real process with SIGKILL repeatedly; every value opens after every kill."""
    count, kills = choose_size(6_000, 200_000), choose_size(3, 50)
    for _ in range(count // 2_000):
        values.add(2_000)
    first = ring.active_id()
    environ = {
        **os.environ,
        "DATABASE_URL": alone.engine.url.render_as_string(hide_password=False),
        "PBCEX_KEY_RING": str(ring.path),
        "FLASK_APP": "wsgi",
    }

    def start():
        words = ("flask", "keys", "rotate", "--here")
        return forked_processes.start_process(
            flask.cli.main, *words, environ=environ, log=tmp_path / "log"
        )

    random = seeded_random("rotation kills")
    moments = sorted(random.sample(range(500, count - 1_000), kills))
    killed_midway = 0
    for moment in moments:
        process = start()
        while process.is_alive() and (not last(alone) or last(alone).rewrapped < moment):
            time.sleep(0.001)
        process.kill()
        process.join()
        stood = last(alone)
        assert stood.finished_at is None
        killed_midway += len(values.keys()) == 2
        by_key = alone_counts(alone)
        # Every value is wrapped by one of the two keys, and the rotation's count is exact.
        assert sum(by_key.values()) == count
        assert by_key[ring.active_id()] == stood.rewrapped
        with alone.reading() as session:
            assert list(keys_queries.find_unreadable_values(session)) == []
    assert killed_midway > 0
    process = start()
    process.join(300)
    assert process.exitcode == 0
    assert values.keys() == {ring.active_id()}
    assert (last(alone).rewrapped, last(alone).unreadable) == (count, 0)
    assert values.all_open()
    with time_machine.travel(clock.now() + HOUR), alone.transaction() as session:
        rotation.retire_key(session, first)
    assert values.all_open()
    record_property(
        "evidence",
        f"A rotation of {count:,} sealed values killed {kills} times with SIGKILL: every value "
        f"opened after each kill, and the old key could be retired at the end.",
    )


def alone_counts(database):
    with database.reading() as session:
        return keys_queries.count_values_by_key(session)


@pytest.mark.drill(name="keys")
def test_control_key_retired_too_early_is_caught(values, ring, alone, record_property):
    """Negative control: the old key is retired first. The same checks must catch it."""
    values.add(10)
    rotation_id = begin(alone)
    with alone.transaction() as session:
        rotation.rewrap_batch(session, rotation_id, limit=5)
    contents = ring.read_contents()
    ring.retire(contents.keys[0].id)
    with alone.reading() as session:
        unreadable = list(keys_queries.find_unreadable_values(session))
    assert [value.lost_key for value in unreadable] == [contents.keys[0].id] * 5
    record_property(
        "evidence", "Control: an old key retired in the middle of a rotation was caught."
    )
