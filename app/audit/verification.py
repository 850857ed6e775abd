"""Verification of the audit trail: checks every record, seal and anchor with the keys.

A finding names a record by its public id, or a position of the chain if the record is missing.
After a break the check continues from the next seal, so that findings name what was tampered with
and at most its neighbour, not everything that follows.
"""

from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, field
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from app.audit import rules
from app.audit.keys import AuditKeys
from app.audit.ports import Anchor, AnchorStore, UnreadableAnchor
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.pipeline import Row
from app.kit.ports import resolve

_CHUNK = 10_000
#: The most findings that a report names; it only counts the rest.
FINDINGS_MAX = 10_000
#: The head is anchored every few seconds. A longer delay is a finding.
ANCHOR_DELAY_MAX = timedelta(minutes=5)
#: How long a record may be unsealed: a long transaction delays the sealer.
SEAL_DELAY_MAX = timedelta(minutes=5)

_INSTANT = """to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
# The fields that the record's keyed hash covers, up to its key; then the hash, the transaction.
_RECORD = f"""
    r.id::text, {_INSTANT.format("r.recorded_at")}, r.actor_id::text, r.actor_role,
    r.session_id::text, r.on_behalf_of::text, r.action, r.subject, r.before::text, r.after::text,
    r.reason, r.request_id, r.outcome, r.key_id, r.mac, r.xid::text
"""

# Cursors, not keyset pages: a second row with the same key must not be lost between two pages.
_OPEN_SEALED = f"""
DECLARE audit_sealed NO SCROLL CURSOR FOR
SELECT {_RECORD}, s.position, s.record_id::text, s.xid::text, {_INSTANT.format("s.sealed_at")},
    s.key_id, s.digest
FROM audit_seals s LEFT JOIN audit_records r ON r.id = s.record_id ORDER BY s.position
"""  # noqa: S608 - our own constants
_OPEN_TAIL = f"""
DECLARE audit_tail NO SCROLL CURSOR FOR
SELECT {_RECORD}, (r.xid, r.id) <= (%s::text::xid8, %s::text::uuid) OR r.recorded_at < %s,
    r.xid >= pg_snapshot_xmax(pg_current_snapshot())
FROM audit_records r LEFT JOIN audit_seals s ON s.record_id = r.id
WHERE s.record_id IS NULL ORDER BY r.xid, r.id
"""  # noqa: S608 - our own constants
# A second record with a sealed id is joined twice above, so the total is compared too.
_COUNT = "SELECT count(*) FROM audit_records"


class VerificationFinding(NamedTuple):
    """A problem, and the record, position or anchor that has it."""

    name: str
    problem: str


@dataclass(slots=True)
class VerificationReport:
    """What was checked, and the findings. The trail is intact if there are none."""

    sealed: int = 0
    unsealed: int = 0
    anchors: int = 0
    #: The number of findings. `findings` has the first ones.
    wrong: int = 0
    findings: list[VerificationFinding] = field(default_factory=list)

    def add(self, name: str, problem: str) -> None:
        """Add a finding."""
        self.wrong += 1
        if len(self.findings) < FINDINGS_MAX:
            self.findings.append(VerificationFinding(name, problem))


def verify(session: Session) -> VerificationReport:
    """Check the whole trail. Call inside one repeatable-read transaction (`kit.db.SNAPSHOT`).

    Reads each record once, in constant memory.
    """
    session.send("SET LOCAL statement_timeout TO 0")
    report, keys = VerificationReport(), resolve(AuditKeys)
    anchors = _read_anchors(report, keys)
    chain = _ChainCheck(report, keys, {anchor.position: name for name, anchor in anchors.items()})
    for row in _read(session, _OPEN_SEALED, None, "audit_sealed"):
        chain.check_seal(row)
    _compare_anchors(report, chain, anchors)
    _check_tail(session, report, keys, chain.head)
    records = session.value(_COUNT)
    if records != chain.records + report.unsealed:
        report.add("audit_records", "the rows of the table differ from those that its index finds")
    return report


class _ChainCheck:
    """Checks the seals in order of position, each with the record that it names."""

    def __init__(
        self, report: VerificationReport, keys: AuditKeys, watched: dict[int, str]
    ) -> None:
        self._report = report
        self._keys = keys
        self._watched = watched
        self._previous = rules.GENESIS.hex()
        self.position = 0
        self.records = 0
        self.sealed_at = ""
        #: Transaction and id of the last sealed record. Every earlier record has a seal.
        self.head = ("0", str(UUID(int=0)))
        #: The digests at the positions that anchors name.
        self.digests: dict[int, str] = {}

    def check_seal(self, row: Row) -> None:
        """Check the next seal and its record."""
        (
            *fields,
            record_key,
            mac,
            current_xid,
            position,
            record_id,
            xid,
            sealed_at,
            key_id,
            digest,
        ) = row
        self._report.sealed += 1
        if position <= self.position:
            self._add_finding(
                record_id, f"has position {position}, which belongs to another record"
            )
            self.records += mac is not None
            return
        if mac is None:
            self._add_finding(record_id, f"deleted: only the seal at position {position} is left")
        else:
            self.records += 1
            if not _is_genuine(self._keys, fields, record_key, mac):
                self._add_finding(record_id, "edited: its keyed hash does not match its contents")
            if current_xid != xid:
                self._add_finding(
                    record_id, f"its transaction was changed from {xid} (sealed) to {current_xid}"
                )
        if position > self.position + 1:
            self._report.add(_span(self.position + 1, position - 1), "missing from the chain")
        elif mac is not None:
            sealed = (str(position), record_id, xid, sealed_at, key_id, mac.hex(), self._previous)
            key = self._keys.by_id.get(key_id)
            if key is None or key.mac_of_seal(rules.seal_message(sealed)) != digest:
                self._add_finding(
                    record_id, f"not the record that was sealed at position {position}"
                )
        self._previous, self.position = digest.hex(), position
        self.head, self.sealed_at = (xid, record_id), sealed_at
        if position in self._watched:
            self.digests[position] = self._previous

    def _add_finding(self, record_id: str, problem: str) -> None:
        self._report.add(public_record_id(record_id), problem)


def _is_genuine(keys: AuditKeys, fields: Sequence[str | None], key_id: str, mac: bytes) -> bool:
    """Return whether the keyed hash of a record matches its fields."""
    key = keys.by_id.get(key_id)
    return key is not None and key.mac_of_record(rules.record_message((*fields, key_id))) == mac


def _check_tail(
    session: Session, report: VerificationReport, keys: AuditKeys, head: tuple[str, str]
) -> None:
    """Check the unsealed records: genuine, newer than the head of the chain, and recent."""
    due = clock.now() - SEAL_DELAY_MAX
    for row in _read(session, _OPEN_TAIL, (*head, due), "audit_tail"):
        report.unsealed += 1
        *fields, key_id, mac, xid, is_overdue, is_future = row
        record_id, *_ = fields
        if not _is_genuine(keys, fields, key_id, mac):
            report.add(public_record_id(record_id), "edited or forged, and not sealed yet")
        elif is_future:
            report.add(
                public_record_id(record_id),
                f"its transaction was changed to {xid}, which does not exist yet",
            )
        elif is_overdue:
            report.add(
                public_record_id(record_id),
                "its seal is missing: it was removed or the sealer does not run",
            )


def _read_anchors(report: VerificationReport, keys: AuditKeys) -> dict[str, Anchor]:
    """Return the anchors with a valid signature of ours, by name."""
    store, valid = resolve(AnchorStore), {}
    for name in store.names():
        report.anchors += 1
        try:
            anchor = store.read(name)
        except UnreadableAnchor:
            report.add(f"anchor {name}", "cannot be read")
            continue
        key = keys.by_id.get(anchor.key_id)
        if key is None or not key.has_signed(_message(anchor), _parse_hex(anchor.signature)):
            report.add(f"anchor {name}", "was not signed by us")
        else:
            valid[name] = anchor
    return valid


def _message(anchor: Anchor) -> bytes:
    *unsigned, _signature = astuple(anchor)
    return rules.anchor_message([str(field_value) for field_value in unsigned])


def _parse_hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def _compare_anchors(
    report: VerificationReport, chain: _ChainCheck, anchors: dict[str, Anchor]
) -> None:
    for name, anchor in anchors.items():
        evidence = f"anchored on {anchor.day} ({name})"
        digest = chain.digests.get(anchor.position)
        if anchor.position > chain.position:
            cut = _span(chain.position + 1, anchor.position)
            report.add(
                cut, f"cut off: {public_record_id(anchor.record_id)} was the last, {evidence}"
            )
        elif digest is None:
            report.add(
                public_record_id(anchor.record_id),
                f"missing from position {anchor.position}, {evidence}",
            )
        elif digest != anchor.digest:
            report.add(
                public_record_id(anchor.record_id),
                f"the chain up to position {anchor.position} was rewritten since it was {evidence}",
            )
    head = max((anchor.position for anchor in anchors.values()), default=0)
    late = rules.format_instant(clock.now() - ANCHOR_DELAY_MAX)
    if head < chain.position and chain.sealed_at < late:
        report.add(
            _span(head + 1, chain.position),
            "not anchored: the anchors are missing or the anchor job does not run",
        )


def _read(
    session: Session, declare: str, parameters: tuple[object, ...] | None, cursor: str
) -> Iterator[Row]:
    session.send(declare, parameters)
    while rows := session.rows(f"FETCH {_CHUNK} FROM {cursor}"):
        yield from rows
    session.send(f"CLOSE {cursor}")


def public_record_id(record_id: str) -> str:
    """Return the public id of a record."""
    return ids.encode("aud", UUID(record_id))


def _span(first: int, last: int) -> str:
    return f"position {first}" if first == last else f"positions {first} to {last}"
