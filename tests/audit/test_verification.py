"""`flask audit verify` finds tampering by an administrator of the database server."""

import os
import shutil
from collections.abc import Callable
from random import Random

import psycopg
import pytest

from app.audit import verification
from app.audit.verification import VerificationReport, public_record_id, verify
from app.kit.db import Database
from tests import drill
from tests.audit.conftest import Trail, session_on
from tests.audit.tampering import KINDS, MOVES_EVERYTHING, Tampering
from tests.ledger.conftest import connect

EDITS = drill.choose_size(small=100, full=2_000)
_RECORDS = drill.choose_size(small=120, full=1_000)
_TAIL = 10

Record = Callable[[str, object], None]


@pytest.fixture
def full(trail: Trail) -> Trail:
    """A trail of sealed and anchored records with an unsealed tail."""
    trail.record(_RECORDS // 2)
    trail.seal()
    trail.record(_RECORDS - _RECORDS // 2)
    trail.seal()
    trail.anchor()
    trail.record(_TAIL, reason=None)
    return trail


def unreported_names(
    superuser: psycopg.Connection, tampering: Tampering, chance: Random
) -> tuple[set[str], VerificationReport]:
    """Return the names that the report misses after the tampering, which is rolled back."""
    superuser.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    try:
        expected = tampering(superuser, chance)
        superuser.execute("DEALLOCATE ALL")
        report = verify(session_on(superuser))
    finally:
        superuser.execute("ROLLBACK")
    reported = "\n".join(f"{name}: {problem}" for name, problem in report.findings)
    return {name for name in expected if name not in reported}, report


@pytest.mark.drill(name="audit")
@pytest.mark.timeout(3600)
def test_every_tampering_is_found_and_named(full: Trail, record_property: Record) -> None:
    assert full.report() == VerificationReport(sealed=_RECORDS, unsealed=_TAIL, anchors=1)
    chance = drill.seeded_random("edits")
    with full.superuser() as superuser:
        for number in drill.rounds(EDITS, "edits as the server's administrator"):
            tampering = KINDS[number % len(KINDS)]
            overlooked, report = unreported_names(superuser, tampering, chance)
            assert overlooked == set(), (tampering.__name__, report.findings[:5])
            if tampering not in MOVES_EVERYTHING:
                assert report.wrong <= 8, report.findings
    assert full.report().findings == []
    record_property(
        "evidence",
        f"{EDITS:,} edits of {len(KINDS)} kinds to a trail of {_RECORDS + _TAIL:,} records, as the "
        "database server's administrator: all found, and each record or position named.",
    )


@pytest.mark.drill(name="audit")
def test_control_verifier_without_hash_check_fails_the_test(
    full: Trail, record_property: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verification, "_is_genuine", lambda *_: True)
    with full.superuser() as superuser:
        blind = {
            tampering.__name__
            for tampering in KINDS
            if unreported_names(superuser, tampering, drill.seeded_random("control"))[0]
        }
    assert {"edit_a_sealed_record", "edit_an_unsealed_record"} <= blind
    record_property(
        "evidence",
        "Control: a verifier that takes every record's hash for good was caught by these checks.",
    )


def test_command_lists_findings_and_fails(full: Trail) -> None:
    runner = full.app.test_cli_runner()
    result = runner.invoke(args=["audit", "verify"])
    assert (result.exit_code, result.output) == (
        0,
        (
            f"The audit trail is intact: {_RECORDS} sealed records, {_TAIL} not sealed yet,"
            " 1 anchor.\n"
        ),
    )
    with full.superuser() as superuser:
        [[touched]] = superuser.execute(
            "UPDATE audit_records SET outcome = 'denied'"
            " WHERE id = (SELECT record_id FROM audit_seals WHERE position = 7) RETURNING id"
        ).fetchall()
    result = runner.invoke(args=["audit", "verify"])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        f"{public_record_id(str(touched))}: edited: its keyed hash does not match its contents\n"
        "Error: The audit trail is not intact. Findings: 1.\n"
    )


def test_trail_rewritten_with_the_key_contradicts_its_anchors(full: Trail) -> None:
    """With the key, a consistent trail of other facts can be forged; the anchors contradict it."""
    with full.superuser() as superuser:
        superuser.execute("TRUNCATE audit_seals, audit_records")
    full.record(_RECORDS)
    full.seal()
    [finding] = full.report().findings
    assert "rewritten since it was anchored" in finding.problem


def test_emptied_trail_is_reported_as_cut_off(full: Trail) -> None:
    with full.superuser() as superuser:
        superuser.execute("TRUNCATE audit_seals, audit_records")
    [finding] = full.report().findings
    assert finding.name == f"positions 1 to {_RECORDS}"
    assert finding.problem.startswith("cut off: aud_")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda text: text.replace('"position": ', '"position": 1'), "was not signed by us"),
        (lambda text: text.replace('"digest": "', '"digest": "0'), "was not signed by us"),
        (lambda text: text.replace('"signature": "', '"signature": "x'), "was not signed by us"),
        (lambda text: text.replace('"key_id": "', '"key_id": "x'), "was not signed by us"),
        (lambda text: text.replace('"position": ', '"place": '), "cannot be read"),
        (lambda text: text[:-20], "cannot be read"),
        (lambda _: "[]", "cannot be read"),
        (lambda _: "é", "cannot be read"),
    ],
)
def test_tampered_anchor_is_named(full: Trail, change: Callable[[str], str], problem: str) -> None:
    [file] = full.folder.iterdir()
    file.write_text(change(file.read_text()), encoding="utf-8")
    assert (f"anchor {file.name}", problem) in full.report().findings


def test_missing_anchors_are_reported_after_the_delay(
    full: Trail, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(full.folder)
    assert full.report().findings == []
    monkeypatch.setattr(verification, "ANCHOR_DELAY_MAX", -verification.ANCHOR_DELAY_MAX)
    [finding] = full.report().findings
    assert finding == (
        f"positions 1 to {_RECORDS}",
        "not anchored: the anchors are missing or the anchor job does not run",
    )


def test_stopped_sealer_is_reported_after_the_delay(
    full: Trail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verification, "SEAL_DELAY_MAX", -verification.SEAL_DELAY_MAX)
    report = full.report()
    assert report.wrong == _TAIL
    assert {problem for _, problem in report.findings} == {
        "its seal is missing: it was removed or the sealer does not run"
    }


def test_duplicate_record_id_is_found(full: Trail) -> None:
    with full.superuser() as superuser:
        superuser.execute("ALTER TABLE audit_records DROP CONSTRAINT audit_records_pkey CASCADE")
        [[doubled]] = superuser.execute(
            "INSERT INTO audit_records SELECT * FROM audit_records"
            " WHERE id = (SELECT record_id FROM audit_seals WHERE position = 3) RETURNING id"
        ).fetchall()
    assert public_record_id(str(doubled)) in {name for name, _ in full.report().findings}


def test_findings_above_the_maximum_are_counted(
    full: Trail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verification, "FINDINGS_MAX", 3)
    with full.superuser() as superuser:
        superuser.execute("UPDATE audit_records SET request_id = 'x'")
    result = full.app.test_cli_runner().invoke(args=["audit", "verify"])
    assert result.exit_code == 1
    assert result.stderr.endswith(
        f"The audit trail is not intact. Findings: {_RECORDS + _TAIL} "
        f"({_RECORDS + _TAIL - 3} not shown).\n"
    )


APPLICATION, OWNER = "DATABASE_URL", "DATABASE_OWNER_URL"


@pytest.mark.parametrize("table", ["audit_records", "audit_seals"])
@pytest.mark.parametrize(
    ("role", "statement"),
    [
        *[
            (role, statement)
            for role in (APPLICATION, OWNER)
            for statement in (
                "UPDATE {} SET key_id = 'x'",
                "UPDATE {} SET key_id = key_id",
                "DELETE FROM {}",
                "TRUNCATE {} CASCADE",
                "MERGE INTO {} t USING (SELECT) s ON true WHEN MATCHED THEN DELETE",
            )
        ],
        (APPLICATION, "ALTER TABLE {} DISABLE TRIGGER USER"),
        (APPLICATION, "DROP TABLE {}"),
    ],
)
def test_rows_are_append_only(trail: Trail, role: str, table: str, statement: str) -> None:
    """The application's role lacks the privileges; triggers stop the owner."""
    trail.record(1)
    trail.seal()
    database: Database = trail.database
    with connect(os.environ[role], database) as connection, pytest.raises(psycopg.Error) as raised:
        connection.execute(statement.format(table))
    assert raised.value.sqlstate == "42501"
    assert trail.report() == VerificationReport(sealed=1)
