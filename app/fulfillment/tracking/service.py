"""The verbs of tracking: follow a parcel, ask its carrier, store what happened."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from app.cases import service as cases
from app.fulfillment.carriers.ports import ParcelTracker, ParcelTrackers, Tracking, TrackingEvent
from app.fulfillment.carriers.rules import Carrier, TrackingStatus, current_status
from app.fulfillment.tracking.errors import ProofNotReady, TrackingNumberUsed
from app.fulfillment.tracking.facts import ParcelMoved
from app.fulfillment.tracking.queries import PROOF, TABLE
from app.fulfillment.tracking.rules import TRACKED_MAX, is_plausible, next_check
from app.keys import service as keys
from app.kit import clock, ids
from app.kit.db import Database, Session
from app.kit.ports import resolve
from app.outbox import service as outbox
from app.providers.errors import ProviderUnavailable, ResponseUnreadable
from app.providers.ports import SetAsideRow
from app.providers.set_aside import report_row

TRACK_TASK: Final = "fulfillment.track_parcels"
#: How long what carriers reported is kept: longer than a sale can be disputed.
RETENTION: Final = timedelta(days=730)
#: The kind of cases of parcels that are not heard of any more.
CASE_KIND: Final = "fulfillment.silent_parcel"
#: The least time between two checks of a parcel, also while the first has not ended.
_PAUSE_WHILE_CHECKED = timedelta(minutes=2)
_DUE_AT_ONCE = 600
_DELETED_AT_ONCE = 10_000

_FOLLOW = """
INSERT INTO tracked_parcels (id, parcel_id, carrier, tracking_number, since, changed_at, due_at)
VALUES (%s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (carrier, tracking_number) DO NOTHING
"""
_PARCEL_OF = "SELECT parcel_id FROM tracked_parcels WHERE carrier = %s AND tracking_number = %s"
_FORGET = "DELETE FROM tracked_parcels WHERE carrier = %s AND tracking_number = %s"
# A selected parcel counts as checked for a while, so that the next poll selects others.
_SELECT_DUE = """
UPDATE tracked_parcels SET due_at = %(checked_until)s WHERE id = ANY (ARRAY(
    SELECT id FROM tracked_parcels WHERE due_at <= %(now)s AND carrier = ANY (%(carriers)s)
    ORDER BY due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)) RETURNING carrier, tracking_number
"""
_LOCK = """
SELECT id, parcel_id, since, status, changed_at FROM tracked_parcels
WHERE carrier = %s AND tracking_number = %s FOR UPDATE
"""
_ADD_EVENT = """
INSERT INTO tracking_events (tracked_id, event_id, at, status, place, text, recorded_at)
VALUES (%s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (tracked_id, event_id) DO NOTHING
"""
_EVENTS = "SELECT at, status FROM tracking_events WHERE tracked_id = %s AND status IS NOT NULL"
_SET_STATUS = """
UPDATE tracked_parcels SET status = %s, status_at = %s, changed_at = %s WHERE id = %s
"""
_SET_DUE = """
UPDATE tracked_parcels SET due_at = %s, expected_on = coalesce(%s, expected_on) WHERE id = %s
"""
_DELIVERED = """
SELECT id, carrier, tracking_number FROM tracked_parcels
WHERE parcel_id = %s AND status = 'delivered' AND proof_sealed IS NULL
"""
_SET_PROOF = """
UPDATE tracked_parcels SET proof_sealed = %s WHERE id = %s AND status = 'delivered'
"""
_DELETE = """
DELETE FROM tracked_parcels WHERE id = ANY (ARRAY(
    SELECT id FROM tracked_parcels WHERE since < %s AND due_at IS NULL LIMIT %s
))
"""


def follow(
    session: Session, *, parcel_id: UUID, carrier: Carrier, tracking_number: str, since: datetime
) -> None:
    """Track a parcel from now on; once, however often it is called. Its carrier, we or a partner
    gave it the number at `since`: what is reported of the time before was another parcel's.

    Raises `TrackingNumberUsed` if the number is that of another parcel.
    """
    now = clock.now()
    session.send(_FOLLOW, (ids.new(), parcel_id, carrier, tracking_number, since, now, now))
    if session.value(_PARCEL_OF, (carrier, tracking_number)) != parcel_id:
        raise TrackingNumberUsed


def forget(session: Session, carrier: Carrier, tracking_number: str) -> None:
    """Forget a number, and what was reported of it: its label was cancelled."""
    session.send(_FORGET, (carrier, tracking_number))


def poll(session: Session) -> None:
    """Stage the check of the parcels that are due, as many in a job as their carrier tells at
    once. Those of a carrier that is not configured wait."""
    trackers, now = resolve(ParcelTrackers), clock.now()
    due: dict[Carrier, list[str]] = defaultdict(list)
    values = {
        "now": now, "checked_until": now + _PAUSE_WHILE_CHECKED, "carriers": list(trackers),
        "limit": _DUE_AT_ONCE,
    }  # fmt: skip
    for carrier, number in session.rows(_SELECT_DUE, values):
        due[Carrier(carrier)].append(number)
    for carrier, numbers in due.items():
        tracker = trackers[carrier]
        for start in range(0, len(numbers), tracker.batch_max):
            batch = numbers[start : start + tracker.batch_max]
            args = {"carrier": carrier, "tracking_numbers": batch}
            outbox.stage(session, TRACK_TASK, args, provider=tracker.name)


def track_parcels(database: Database, carrier: Carrier, tracking_numbers: Sequence[str]) -> None:
    """Ask a carrier for parcels, and store what happened to them.

    What it says that cannot be true, or cannot be read, becomes a case. Raises
    `ProviderUnavailable` and `ProviderOutcomeUnknown`: the parcels are checked again when they are
    due.
    """
    tracker = _tracker(carrier)
    listing = tracker.track(tracking_numbers)
    for tracking in listing:
        with database.transaction() as session:
            _record(session, tracker, carrier, tracking)
    if listing.set_aside:
        with database.transaction() as session:
            for row in listing.set_aside:
                report_row(session, tracker.name, "tracking", row)


def fetch_proof(database: Database, parcel_id: UUID) -> None:
    """Fetch the proof of a delivery and store it, unless the parcel is not delivered or has one.

    Raises `ProofNotReady`, `ProviderUnavailable`, `ProviderOutcomeUnknown` and `ProviderRefused`.
    """
    with database.reading() as session:
        rows = session.rows(_DELIVERED, (parcel_id,))
    for identifier, carrier, number in rows:
        proof = _tracker(Carrier(carrier)).fetch_proof(number)
        if proof is None:
            raise ProofNotReady("The carrier has no proof of the delivery yet.")
        sealed = keys.seal(proof, table=TABLE, column=PROOF, key=identifier)
        with database.transaction() as session:
            session.send(_SET_PROOF, (sealed, identifier))


def delete_old(session: Session) -> None:
    """Delete a batch of parcels that arrived long ago, with their events."""
    session.send(_DELETE, (clock.now() - RETENTION, _DELETED_AT_ONCE))


def _tracker(carrier: Carrier) -> ParcelTracker:
    tracker = resolve(ParcelTrackers).get(carrier)
    if tracker is None:
        raise ProviderUnavailable(f"{carrier.label} is not configured.")
    return tracker


def _record(session: Session, tracker: ParcelTracker, carrier: Carrier, tracking: Tracking) -> None:
    """Store the new events of a parcel, and publish its status if it changed."""
    now = clock.now()
    row = session.row(_LOCK, (carrier, tracking.tracking_number))
    if row is None:
        return
    tracked_id, parcel_id, since, status, changed_at = row
    for event in tracking.events:
        if is_plausible(event, since, now):
            values = (tracked_id, event.id, event.at, event.status, event.place, event.text, now)
            session.send(_ADD_EVENT, values)
        else:
            _report_implausible(session, tracker, tracking, event)
    reached = [(at, TrackingStatus(text)) for at, text in session.rows(_EVENTS, (tracked_id,))]
    current = current_status(reached)
    if current is not None and current != status:
        at = max(at for at, reached_status in reached if reached_status is current)
        session.send(_SET_STATUS, (current, at, now, tracked_id))
        changed_at = now
        outbox.publish(session, ParcelMoved(parcel_id), provider=tracker.name)
    due_at = None
    if current is None or not current.is_final:
        if now < since + TRACKED_MAX:
            due_at = next_check(now, changed_at)
        else:
            _report_silent(session, carrier, tracking)
    session.send(_SET_DUE, (due_at, tracking.expected_on, tracked_id))


def _report_silent(session: Session, carrier: Carrier, tracking: Tracking) -> None:
    """Open a case for a parcel that is tracked no longer, and did not arrive."""
    cases.open_case(
        session,
        kind=CASE_KIND,
        subject=tracking.tracking_number,
        key=f"{carrier}:{tracking.tracking_number}",
        title="A parcel has not arrived, and is tracked no longer",
        facts={"carrier": carrier.label, "tracking number": tracking.tracking_number},
    )


def _report_implausible(
    session: Session, tracker: ParcelTracker, tracking: Tracking, event: TrackingEvent
) -> None:
    """Open a case, once, for an event that cannot be one of the parcel."""
    cause = ResponseUnreadable("The event is of a time when the parcel was not on its way.")
    raw = f"{tracking.tracking_number}: {event.at:%Y-%m-%d %H:%M} {event.text}"
    report_row(session, tracker.name, "tracking", SetAsideRow(event.id, cause, raw, event.at))
