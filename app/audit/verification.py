"""Proof that the trail is whole: every record, every seal and every anchor, checked with the keys.

What is found is named: a record by its public id, or a position of the chain where the record
itself is gone. Behind a break the chain is taken up again, so that what is found says what was
touched, at most its neighbour besides, and not everything that follows.
"""

from collections.abc import Iterator
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
#: So many findings are named; of a table that was rewritten from end to end the rest is counted.
FINDINGS_MAX = 10_000
#: The head is anchored every few seconds; later than this, somebody should ask why.
ANCHOR_DELAY_MAX = timedelta(minutes=5)
#: So long may a record be without a seal: a transaction that runs long holds the sealer up.
SEAL_DELAY_MAX = timedelta(minutes=5)

_INSTANT = """to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
_RECORD = f"""
    r.id::text, {_INSTANT.format("r.recorded_at")}, r.actor_id::text, r.actor_role,
    r.session_id::text, r.on_behalf_of::text, r.action, r.subject, r.before::text, r.after::text,
    r.reason, r.request_id, r.outcome, r.key_id, r.mac, r.xid::text
"""
_FIELDS = 14  # of those columns, what the record's keyed hash covers

# Cursors and no paging by keys: a second row with the same key must not slip between two pages.
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
# A second record with an id that has a seal is joined above, twice.
_COUNT = "SELECT count(*) FROM audit_records"


class VerificationFinding(NamedTuple):
    """What is wrong, and which record, position or anchor it is."""

    name: str
    problem: str


@dataclass(slots=True)
class VerificationReport:
    """What was read, and everything that is wrong with it; sound when there is nothing."""

    sealed: int = 0
    unsealed: int = 0
    anchors: int = 0
    #: How many findings there are, and the first of them.
    wrong: int = 0
    findings: list[VerificationFinding] = field(default_factory=list)

    def add(self, name: str, problem: str) -> None:
        """One more finding."""
        self.wrong += 1
        if len(self.findings) < FINDINGS_MAX:
            self.findings.append(VerificationFinding(name, problem))


def verify(session: Session) -> VerificationReport:
    """Check everything. Call inside one repeatable-read transaction (`kit.db.SNAPSHOT`).

    Reads each record once, with as much memory for a million as for a thousand.
    """
    session.send("SET LOCAL statement_timeout TO 0")
    report, keys = VerificationReport(), resolve(AuditKeys)
    anchors = _read_anchors(report, keys)
    chain = _ChainCheck(report, keys, {anchor.position: name for name, anchor in anchors.items()})
    for row in _read(session, _OPEN_SEALED, None, "audit_sealed"):
        chain.check_seal(row)
    _compare_anchors(report, chain, anchors)
    _check_tail(session, report, keys, chain.head)
    [(records,)] = session.rows(_COUNT)
    if records != chain.records + report.unsealed:
        report.add("audit_records", "the table's rows are not those that an index leads to")
    return report


class _ChainCheck:
    """The seals in order of position, each with the record that it names."""

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
        #: Transaction and id of the last record: whatever is not later has a seal.
        self.head = ("0", str(UUID(int=0)))
        #: The digests at the positions that anchors name.
        self.digests: dict[int, str] = {}

    def check_seal(self, row: Row) -> None:
        """The next seal."""
        position, record_id, xid, sealed_at, key_id, digest = row[16:]
        mac = row[14]
        self._report.sealed += 1
        if position <= self.position:
            self._add_finding(row, f"comes at position {position}, which another record has")
            self.records += mac is not None
            return
        if mac is None:
            self._add_finding(row, f"deleted: the seal at position {position} is all that is left")
        else:
            self.records += 1
            if not _is_genuine(self._keys, row):
                self._add_finding(row, "edited: its keyed hash is not that of what it says")
            if row[15] != xid:
                self._add_finding(
                    row, f"its transaction was changed: sealed as {xid}, now {row[15]}"
                )
        if position > self.position + 1:
            self._report.add(_span(self.position + 1, position - 1), "missing from the chain")
        elif mac is not None:
            sealed = (str(position), record_id, xid, sealed_at, key_id, mac.hex(), self._previous)
            key = self._keys.by_id.get(key_id)
            if key is None or key.mac_of_seal(rules.seal_message(sealed)) != digest:
                self._add_finding(row, f"not what was sealed at position {position}")
        self._previous, self.position = digest.hex(), position
        self.head, self.sealed_at = (xid, record_id), sealed_at
        if position in self._watched:
            self.digests[position] = self._previous

    def _add_finding(self, row: Row, problem: str) -> None:
        self._report.add(public_record_id(row[17]), problem)


def _is_genuine(keys: AuditKeys, row: Row) -> bool:
    """Whether the keyed hash of a record is that of its fields."""
    key = keys.by_id.get(row[_FIELDS - 1])
    return key is not None and key.mac_of_record(rules.record_message(row[:_FIELDS])) == row[14]


def _check_tail(
    session: Session, report: VerificationReport, keys: AuditKeys, head: tuple[str, str]
) -> None:
    """What has no seal yet: genuine, newer than the chain's head, and not for long."""
    due = clock.now() - SEAL_DELAY_MAX
    for row in _read(session, _OPEN_TAIL, (*head, due), "audit_tail"):
        report.unsealed += 1
        *_, overdue, to_come = row
        if not _is_genuine(keys, row):
            report.add(public_record_id(row[0]), "edited or forged, and not sealed yet")
        elif to_come:
            report.add(
                public_record_id(row[0]), f"its transaction was changed: {row[15]} is yet to come"
            )
        elif overdue:
            report.add(
                public_record_id(row[0]), "its seal is missing: removed, or the sealer stands still"
            )


def _read_anchors(report: VerificationReport, keys: AuditKeys) -> dict[str, Anchor]:
    """Every anchor that is ours, by name."""
    kept, sound = resolve(AnchorStore), {}
    for name in kept.names():
        report.anchors += 1
        try:
            anchor = kept.read(name)
        except UnreadableAnchor:
            report.add(f"anchor {name}", "cannot be read")
            continue
        key = keys.by_id.get(anchor.key_id)
        if key is None or not key.has_signed(_message(anchor), _parse_hex(anchor.signature)):
            report.add(f"anchor {name}", "was not signed by us")
        else:
            sound[name] = anchor
    return sound


def _message(anchor: Anchor) -> bytes:
    *unsigned, _signature = astuple(anchor)
    return rules.anchor_message([str(each) for each in unsigned])


def _parse_hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def _compare_anchors(
    report: VerificationReport, chain: _ChainCheck, anchors: dict[str, Anchor]
) -> None:
    for name, anchor in anchors.items():
        where = f"anchored on {anchor.day} ({name})"
        found = chain.digests.get(anchor.position)
        if anchor.position > chain.position:
            cut = _span(chain.position + 1, anchor.position)
            report.add(cut, f"cut off: {public_record_id(anchor.record_id)} was the last, {where}")
        elif found is None:
            report.add(
                public_record_id(anchor.record_id), f"gone from position {anchor.position}, {where}"
            )
        elif found != anchor.digest:
            report.add(
                public_record_id(anchor.record_id),
                f"the chain up to position {anchor.position} was rewritten since it was {where}",
            )
    head = max((anchor.position for anchor in anchors.values()), default=0)
    late = rules.format_instant(clock.now() - ANCHOR_DELAY_MAX)
    if head < chain.position and chain.sealed_at < late:
        report.add(
            _span(head + 1, chain.position),
            "not anchored: the anchors are missing, or nothing anchors",
        )


def _read(
    session: Session, opening: str, parameters: tuple[object, ...] | None, cursor: str
) -> Iterator[Row]:
    session.send(opening, parameters)
    while rows := session.rows(f"FETCH {_CHUNK} FROM {cursor}"):
        yield from rows
    session.send(f"CLOSE {cursor}")


def public_record_id(record_id: str) -> str:
    """A record's public id."""
    return ids.encode("aud", UUID(record_id))


def _span(first: int, last: int) -> str:
    return f"position {first}" if first == last else f"positions {first} to {last}"
