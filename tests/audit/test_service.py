"""Record, seal and anchor."""

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

import psycopg
import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from app.access import DEFAULT_PERMISSIONS, Actor, Role
from app.audit import rules as audit_rules
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.audit.errors import AuditTrailBroken
from app.audit.rules import AuditOutcome
from app.audit.verification import public_record_id
from app.jobs.dispatch import execute_job
from app.jobs.timetable import TIMETABLE, Scheduler
from app.kit import ids, telemetry
from app.outbox.models import StagedJob
from app.outbox.rules import Backoff
from tests.audit.conftest import Trail
from tests.rows import count_rows
from tests.running_transactions import wait_for_running_transactions

NOW = datetime(2026, 3, 4, 12, 0, 0, 123456, tzinfo=UTC)
_ALL = """
SELECT id, recorded_at, actor_id, actor_role, session_id, on_behalf_of, action, subject,
    before::text, after::text, reason, request_id, outcome FROM audit_records ORDER BY id
"""


def assert_intact(trail: Trail, *, sealed: int, unsealed: int, anchors: int) -> None:
    """Assert that the trail is intact, with these numbers of rows and anchors."""
    report = trail.report()
    assert report.findings == []
    assert (report.sealed, report.unsealed, report.anchors) == (sealed, unsealed, anchors)


def test_every_field_of_an_act_is_recorded(trail: Trail) -> None:
    ada, bob = ids.new(), ids.new()
    actor = Actor(ada, bob, "ada@example.com", Role.ADMIN, DEFAULT_PERMISSIONS[Role.ADMIN])
    token = telemetry.request_id.set("a-request")
    with time_machine.travel(NOW, tick=False), trail.database.transaction() as session:
        identifier = audit.record(
            session,
            actor=actor,
            action=AuditAction.PERSON_SUSPENDED,
            subject=ids.encode("usr", bob),
            before={"status": "active", "limits": {"b": 1, "a": "2.50"}},
            after={"status": "suspended", "names": ["é", None, True]},
            reason=" asked by\x00 the court \ud800",
            on_behalf_of=bob,
            outcome=AuditOutcome.DENIED,
        )
    telemetry.request_id.reset(token)
    with trail.database.reading() as session:
        [row] = session.rows(_ALL)
    assert row == (
        identifier,
        NOW,
        ada,
        "ADMIN",
        bob,
        bob,
        "person.suspended",
        ids.encode("usr", bob),
        '{"limits":{"a":"2.50","b":1},"status":"active"}',
        '{"names":["\\u00e9",null,true],"status":"suspended"}',
        "asked by\N{REPLACEMENT CHARACTER} the court \N{REPLACEMENT CHARACTER}",
        "a-request",
        "denied",
    )


def test_system_acts_without_an_actor(trail: Trail) -> None:
    with trail.database.transaction() as session:
        audit.record(session, actor=None, action=AuditAction.PRICES_REPLAYED, subject="sample")
    with trail.database.reading() as session:
        [row] = session.rows(_ALL)
    assert row[2:6] == (None, None, None, None)
    assert row[8:] == (None, None, None, None, "done")
    assert_intact(trail, sealed=0, unsealed=1, anchors=0)


@pytest.mark.parametrize(
    "state",
    [
        {"password": "x"},
        {"person": {"new_password": "x"}},
        {"keys": [{"clientSecret": "x"}]},
        {"token": "x"},
        {"token_hash": "x"},
        {"amount": 1.5},
        {1: "x"},
    ],
)
def test_secrets_and_floats_are_refused(trail: Trail, state: dict[str, object]) -> None:
    with pytest.raises((ValueError, TypeError)), trail.database.transaction() as session:
        audit.record(session, actor=None, action=AuditAction.CASE_NOTED, subject="c", after=state)
    assert trail.count("audit_records") == 0


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({"action": "Suspend"}, "action_is_noun_verb"),
        ({"subject": ""}, "subject_is_named"),
        ({"outcome": "maybe"}, "outcome_known"),
    ],
)
def test_database_refuses_malformed_acts(trail: Trail, changed: dict[str, str], rule: str) -> None:
    act = {"action": AuditAction.CASE_NOTED, "subject": "c", **changed}
    with pytest.raises(psycopg.Error, match=rule), trail.database.transaction() as session:
        audit.record(session, actor=None, **act)
    assert trail.count("audit_records") == 0


def failing_act(trail: Trail, count: int) -> None:
    """Record `count` acts in a transaction that then fails."""
    with trail.database.transaction() as session:
        for _ in range(count):
            audit.record(session, actor=None, action=AuditAction.CASE_NOTED, subject="c")
        session.flush()
        raise RuntimeError


def test_record_is_rolled_back_with_its_act(trail: Trail) -> None:
    with pytest.raises(RuntimeError):
        failing_act(trail, 1)
    assert trail.count("audit_records") == 0


def test_records_are_sealed_once_in_the_order_of_transactions(trail: Trail) -> None:
    recorded = trail.record(5)
    trail.seal()
    trail.seal()
    recorded += trail.record(3)
    trail.seal()
    with trail.database.reading() as session:
        seals = session.rows("SELECT position, record_id FROM audit_seals ORDER BY position")
    assert seals == list(enumerate(recorded, start=1))
    assert_intact(trail, sealed=8, unsealed=0, anchors=0)


def test_seals_follow_the_order_of_transaction_numbers(trail: Trail) -> None:
    recorded = trail.record(3)
    with trail.superuser() as superuser:
        for number, identifier in zip((9, 10, 100), recorded, strict=True):
            superuser.execute(
                "UPDATE audit_records SET xid = %s::text::xid8 WHERE id = %s", (number, identifier)
            )
    trail.seal()
    trail.seal()
    with trail.database.reading() as session:
        seals = session.rows("SELECT record_id FROM audit_seals ORDER BY position")
    assert [record_id for (record_id,) in seals] == recorded


def test_full_batch_is_continued_by_the_next_run(
    trail: Trail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "BATCH", 3)
    with trail.database.transaction() as session:  # one transaction, several batches
        recorded = [
            audit.record(session, actor=None, action=AuditAction.CASE_NOTED, subject=str(number))
            for number in range(8)
        ]
    for sealed in (3, 6, 8, 8):
        trail.seal()
        assert trail.count("audit_seals") == sealed
    with trail.database.reading() as session:
        seals = session.rows("SELECT record_id FROM audit_seals ORDER BY position")
    assert [record_id for (record_id,) in seals] == recorded
    assert_intact(trail, sealed=8, unsealed=0, anchors=0)


def test_open_transaction_is_sealed_later_without_blocking_others(trail: Trail) -> None:
    """A record is not sealed while an older transaction may still add records."""
    trail.record(2)
    with trail.database.transaction() as slow:
        early = audit.record(slow, actor=None, action=AuditAction.CASE_NOTED, subject="slow")
        slow.flush()
        late = trail.record(3)
        trail.seal()
        assert trail.count("audit_seals") == 2
        assert_intact(trail, sealed=2, unsealed=3, anchors=0)
    trail.seal()
    with trail.database.reading() as session:
        seals = session.rows("SELECT record_id FROM audit_seals ORDER BY position OFFSET 2")
    assert [record_id for (record_id,) in seals] == [early, *late]
    assert_intact(trail, sealed=6, unsealed=0, anchors=0)


def test_concurrent_writers_and_sealers_lose_nothing(trail: Trail) -> None:
    """Six writers, some with failing transactions, two sealers and one anchoring thread."""
    records_per_writer, ended, failures = 60, threading.Event(), []
    recorded: list[UUID] = []

    def write() -> None:
        for number in range(records_per_writer):
            if number % 5 == 4:
                with suppress(RuntimeError):
                    failing_act(trail, 2)
            recorded.extend(trail.record(1))

    def repeat(step: Callable[[], object]) -> None:
        try:
            while not ended.is_set():
                step()
        except Exception as error:  # noqa: BLE001 - the test asserts that there is none
            failures.append(error)

    writers = [threading.Thread(target=write) for _ in range(6)]
    repeaters = [
        threading.Thread(target=repeat, args=(step,))
        for step in (trail.seal, trail.seal, trail.anchor, trail.report)
    ]
    for thread in (*writers, *repeaters):
        thread.start()
    for thread in writers:
        thread.join()
    ended.set()
    for thread in repeaters:
        thread.join()
    assert failures == []
    trail.seal()
    trail.anchor()
    with trail.database.reading() as session:
        seals = session.rows("SELECT position, record_id FROM audit_seals ORDER BY position")
    assert [position for position, _ in seals] == list(range(1, len(recorded) + 1))
    assert {record_id for _, record_id in seals} == set(recorded)
    assert_intact(trail, sealed=len(recorded), unsealed=0, anchors=1)


def test_each_day_has_one_anchor(trail: Trail) -> None:
    trail.anchor()
    assert not trail.folder.exists()
    with time_machine.travel(NOW, tick=False):
        trail.record(2)
        trail.seal()
        trail.anchor()
        first = json.loads((trail.folder / "2026-03-04.json").read_text())
        trail.record(1)
        trail.seal()
        trail.anchor()
        trail.anchor()
        second = json.loads((trail.folder / "2026-03-04.json").read_text())
        assert_intact(trail, sealed=3, unsealed=0, anchors=1)
    with time_machine.travel(datetime(2026, 3, 5, tzinfo=UTC), tick=False):
        trail.record(1)
        trail.seal()
        trail.anchor()
        assert_intact(trail, sealed=4, unsealed=0, anchors=2)
    assert (first["position"], second["position"]) == (2, 3)
    assert sorted(file.name for file in trail.folder.iterdir()) == [
        "2026-03-04.json",
        "2026-03-05.json",
    ]


def test_replaced_chain_does_not_overwrite_the_anchor(trail: Trail) -> None:
    trail.record(4)
    trail.seal()
    trail.anchor()
    before = [file.read_bytes() for file in trail.folder.iterdir()]
    with trail.superuser() as superuser:
        superuser.execute("DELETE FROM audit_seals WHERE position > 2")
        superuser.execute(
            "DELETE FROM audit_records WHERE id NOT IN (SELECT record_id FROM audit_seals)"
        )
    with pytest.raises(AuditTrailBroken):
        trail.anchor()
    trail.record(5)
    trail.seal()
    with pytest.raises(AuditTrailBroken):
        trail.anchor()
    assert [file.read_bytes() for file in trail.folder.iterdir()] == before
    assert "rewritten since it was anchored" in trail.report().findings[0].problem


def test_public_key_verifies_an_anchor(trail: Trail) -> None:
    trail.record(1)
    trail.seal()
    trail.anchor()
    printed = trail.app.test_cli_runner().invoke(args=["audit", "public-key"]).stdout.split()
    [file] = trail.folder.iterdir()
    anchor = json.loads(file.read_text())
    signature = bytes.fromhex(anchor.pop("signature"))
    message = json.dumps(
        ["pbcex audit anchor 1", *map(str, anchor.values())], separators=(",", ":")
    )
    assert printed[0] == anchor["key_id"]
    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(printed[1]))
    public.verify(signature, message.encode())
    assert message.encode() == audit_rules.anchor_message([str(value) for value in anchor.values()])


def test_restored_trail_is_sealed_by_command(trail: Trail) -> None:
    runner = trail.app.test_cli_runner()
    trail.record(3)
    with trail.superuser() as superuser:  # as dumped from a cluster with higher transaction numbers
        superuser.execute(
            "UPDATE audit_records SET xid = (xid::text::bigint + 1000000000)::text::xid8"
        )
    assert runner.invoke(args=["audit", "seal-restored"]).stdout == "Sealed 3 records.\n"
    late = trail.record(2)
    trail.seal()
    assert trail.count("audit_seals") == 3
    assert [name for name, _ in trail.report().findings] == [
        public_record_id(str(record_id)) for record_id in late
    ]
    assert runner.invoke(args=["audit", "seal-restored"]).stdout == "Sealed 2 records.\n"
    trail.record(2)
    trail.seal()
    assert_intact(trail, sealed=7, unsealed=0, anchors=0)


def test_scheduled_jobs_seal_and_anchor(trail: Trail) -> None:
    tasks = {"audit.seal", "audit.anchor"}
    entries = tuple(entry for entry in TIMETABLE if entry.task in tasks)
    assert {entry.task: entry.every_seconds for entry in entries} == {
        "audit.seal": 2,
        "audit.anchor": 5,
    }
    trail.record(2)
    timetable = Scheduler(trail.database, entries)
    while not timetable.step():
        pass
    with trail.database.reading() as session:
        jobs = session.rows("SELECT id FROM outbox ORDER BY task DESC")
    wait_for_running_transactions(trail.database)
    for (identifier,) in jobs:
        execute_job(trail.database, identifier, Backoff())
    assert_intact(trail, sealed=2, unsealed=0, anchors=1)
    with trail.database.reading() as session:
        assert count_rows(session, StagedJob, StagedJob.done_at.is_(None)) == 0
