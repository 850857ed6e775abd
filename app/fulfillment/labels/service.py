"""The verbs of labels: buy one for a parcel, once, and cancel it.

A carrier is called between two transactions. The first one records that it is; from then on it may
have sold the label, until the second one stores the answer. After a crash or a call without an
answer its records are searched by our reference before it is asked again. A label that is found
without its document cannot be printed: it is cancelled, which makes it free of charge, and another
one is bought.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from app.fulfillment.carriers.ports import Consignment, Label, LabelOrder, LabelSeller, LabelSellers
from app.fulfillment.carriers.rules import Carrier, Speed
from app.fulfillment.labels import queries
from app.fulfillment.labels.errors import LabelBoughtElsewhere
from app.fulfillment.labels.queries import DOCUMENT, PREFIX, TABLE, BoughtLabel
from app.fulfillment.labels.rules import LABEL_TRANSITIONS, LabelStatus
from app.fulfillment.tracking import service as tracking
from app.keys import service as keys
from app.kit import clock, ids
from app.kit.db import Database, Session
from app.kit.ports import resolve
from app.kit.tasks import JobClaimedElsewhere
from app.providers.errors import ProviderOutcomeUnknown, ProviderRefused, ProviderUnavailable

#: Longer than the calls of one try can take: after this time the claiming process has ended.
CLAIM_DURATION: Final = timedelta(minutes=2)
#: How long the PDF of a label is kept.
DOCUMENT_RETENTION: Final = timedelta(days=30)
_EMPTIED_AT_ONCE = 10_000

_SELECT = """
SELECT id, parcel_id, carrier, speed, status, ordered_at, called_at, claimed_until
FROM parcel_labels
"""
_ADD = """
INSERT INTO parcel_labels (id, parcel_id, carrier, speed, status, ordered_at)
VALUES (%s, %s, %s, %s, 'ordered', %s)
ON CONFLICT (parcel_id) WHERE status IN ('ordered', 'bought') DO NOTHING
"""
_LOCK_OPEN = f"""
{_SELECT}
WHERE parcel_id = %s AND status IN ('ordered', 'bought') FOR UPDATE
"""
_LOCK_CLAIMED = f"""
{_SELECT}
WHERE id = %s AND claim_id = %s FOR UPDATE
"""
_CLAIM = "UPDATE parcel_labels SET claim_id = %s, claimed_until = %s WHERE id = %s"
_RELEASE = """
UPDATE parcel_labels SET claim_id = NULL, claimed_until = NULL WHERE id = %s AND claim_id = %s
"""
_SET_CALLED = "UPDATE parcel_labels SET called_at = %s WHERE id = %s"
_SET_BOUGHT = """
UPDATE parcel_labels SET status = %s, tracking_number = %s, cost_usd = %s, document_sealed = %s,
    bought_at = %s
WHERE id = %s
"""
_SET_CANCELLED = """
UPDATE parcel_labels SET status = %s, cancelled_at = %s, document_sealed = NULL,
    tracking_number = coalesce(%s, tracking_number)
WHERE id = %s
"""
_SET_REFUSED = "UPDATE parcel_labels SET status = %s, code = %s, called_at = NULL WHERE id = %s"
_EMPTY = """
UPDATE parcel_labels SET document_sealed = NULL WHERE id = ANY (ARRAY(
    SELECT id FROM parcel_labels
    WHERE document_sealed IS NOT NULL AND ordered_at < %s LIMIT %s
))
"""


@dataclass(frozen=True, slots=True)
class _OpenLabel:
    """A label that is ordered or bought, its row locked when it was read."""

    id: UUID
    parcel_id: UUID
    carrier: Carrier
    speed: Speed
    status: LabelStatus
    ordered_at: datetime
    called_at: datetime | None
    claimed_until: datetime | None

    @property
    def reference(self) -> str:
        return ids.encode(PREFIX, self.id)


@dataclass(frozen=True, slots=True)
class _Claim:
    """A label that this process has claimed."""

    id: UUID
    label: _OpenLabel
    seller: LabelSeller


def buy_label(
    database: Database,
    *,
    parcel_id: UUID,
    carrier: Carrier,
    speed: Speed,
    consignment: Consignment,
    ships_on: date,
) -> BoughtLabel:
    """Buy the label of a parcel, once, however often this is called, and return it. From then on
    the parcel is tracked.

    Uses transactions of its own. Raises `ProviderUnavailable` and `ProviderOutcomeUnknown` (call it
    again later), `ProviderRefused` (the carrier does not sell it: a call with other terms orders
    another one), `LabelBoughtElsewhere`, and `JobClaimedElsewhere` while another process buys it.
    """
    while True:
        with database.transaction() as session:
            if (label := _lock_or_add(session, parcel_id, carrier, speed)) is None:
                bought = queries.bought_label(session, parcel_id)
                assert bought is not None, "it has no open label only if it is bought"
                return bought
            claim = _claim(session, label)
        with _releasing(database, claim):
            if label.called_at is None:
                return _buy(database, claim, consignment, ships_on)
            found = _find(claim)
            if found is None:
                return _buy(database, claim, consignment, ships_on)
            if found.document is not None:
                return _store(database, claim, found)
            _cancel(database, claim, found.tracking_number)


def cancel_label(database: Database, parcel_id: UUID) -> None:
    """Cancel the label of a parcel, so that it costs nothing and is not tracked; once, and nothing
    if it has none.

    Uses transactions of its own. Raises `ProviderUnavailable`, `ProviderOutcomeUnknown`,
    `ProviderRefused` if the carrier already has the parcel, and `JobClaimedElsewhere`.
    """
    with database.transaction() as session:
        label = _lock_open(session, parcel_id)
        if label is None:
            return
        bought = queries.bought_label(session, parcel_id)
        claim = _claim(session, label)
    with _releasing(database, claim):
        number = bought.tracking_number if bought else None
        if number is None and label.called_at is not None:
            found = _find(claim)
            number = found.tracking_number if found else None
        _cancel(database, claim, number)


def empty_documents(session: Session) -> None:
    """Delete the PDFs of a batch of old labels."""
    session.send(_EMPTY, (clock.now() - DOCUMENT_RETENTION, _EMPTIED_AT_ONCE))


def _lock_or_add(
    session: Session, parcel_id: UUID, carrier: Carrier, speed: Speed
) -> _OpenLabel | None:
    """Return the label that is being bought for a parcel, ordered now if there is none; None if it
    is bought. Raises `LabelBoughtElsewhere`."""
    session.send(_ADD, (ids.new(), parcel_id, carrier, speed, clock.now()))
    label = _lock_open(session, parcel_id)
    assert label is not None, "it was added or exists"
    if (label.carrier, label.speed) != (carrier, speed):
        raise LabelBoughtElsewhere
    return label if label.status is LabelStatus.ORDERED else None


def _lock_open(session: Session, parcel_id: UUID) -> _OpenLabel | None:
    row = session.row(_LOCK_OPEN, (parcel_id,))
    return _parse(row) if row else None


def _parse(row: tuple[Any, ...]) -> _OpenLabel:
    identifier, parcel_id, carrier, speed, status, *times = row
    return _OpenLabel(
        identifier, parcel_id, Carrier(carrier), Speed(speed), LabelStatus(status), *times
    )


def _claim(session: Session, label: _OpenLabel) -> _Claim:
    """Claim a label for this process. Raises `JobClaimedElsewhere`, and `ProviderUnavailable` if
    its carrier is not configured."""
    now = clock.now()
    if label.claimed_until is not None and label.claimed_until > now:
        raise JobClaimedElsewhere
    seller = resolve(LabelSellers).get(label.carrier)
    if seller is None:
        raise ProviderUnavailable(f"{label.carrier.label} is not configured.")
    claim_id = ids.new()
    session.send(_CLAIM, (claim_id, now + CLAIM_DURATION, label.id))
    return _Claim(claim_id, label, seller)


@contextmanager
def _releasing(database: Database, claim: _Claim) -> Iterator[None]:
    """Release the claim after the block."""
    try:
        yield
    finally:
        with database.transaction() as session:
            session.send(_RELEASE, (claim.label.id, claim.id))


def _find(claim: _Claim) -> Label | None:
    """Return the label that the carrier sold without our hearing of it; None if it has certainly
    not. Raises `ProviderOutcomeUnknown` while its search may not find it yet."""
    label = claim.label
    assert label.called_at is not None
    found = claim.seller.find_label(label.reference, label.ordered_at.date())
    if found is None and clock.now() < label.called_at + claim.seller.search_lag:
        raise ProviderOutcomeUnknown("The carrier may have sold the label: it is searched again.")
    return found


def _buy(
    database: Database, claim: _Claim, consignment: Consignment, ships_on: date
) -> BoughtLabel:
    label = claim.label
    order = LabelOrder(label.reference, label.speed, consignment, ships_on)
    with database.transaction() as session:
        _lock_claimed(session, claim)
        session.send(_SET_CALLED, (clock.now(), label.id))
    try:
        sold = claim.seller.buy_label(order)
    except ProviderUnavailable:
        with database.transaction() as session:
            _lock_claimed(session, claim)
            session.send(_SET_CALLED, (None, label.id))
        raise
    except ProviderRefused as refusal:
        with database.transaction() as session:
            status = _transition(session, claim, LabelStatus.REFUSED)
            session.send(_SET_REFUSED, (status, refusal.code, label.id))
        raise
    return _store(database, claim, sold)


def _store(database: Database, claim: _Claim, sold: Label) -> BoughtLabel:
    """Store the label that the carrier sold, and track the parcel."""
    label, now = claim.label, clock.now()
    assert sold.document is not None
    sealed = keys.seal(sold.document, table=TABLE, column=DOCUMENT, key=label.id)
    cost = sold.cost.units if sold.cost else None
    with database.transaction() as session:
        status = _transition(session, claim, LabelStatus.BOUGHT)
        session.send(_SET_BOUGHT, (status, sold.tracking_number, cost, sealed, now, label.id))
        tracking.follow(
            session,
            parcel_id=label.parcel_id,
            carrier=label.carrier,
            tracking_number=sold.tracking_number,
            since=label.ordered_at,
        )
    return BoughtLabel(label.id, label.carrier, sold.tracking_number, sold.cost, now)


def _cancel(database: Database, claim: _Claim, tracking_number: str | None) -> None:
    """Cancel the label at the carrier, if it has sold it, and here."""
    label = claim.label
    if tracking_number is not None:
        claim.seller.cancel_label(tracking_number, label.reference)
    with database.transaction() as session:
        status = _transition(session, claim, LabelStatus.CANCELLED)
        session.send(_SET_CANCELLED, (status, clock.now(), tracking_number, label.id))
        if tracking_number is not None:
            tracking.forget(session, label.carrier, tracking_number)


def _transition(session: Session, claim: _Claim, new: LabelStatus) -> LabelStatus:
    return LABEL_TRANSITIONS.transition(_lock_claimed(session, claim).status, new)


def _lock_claimed(session: Session, claim: _Claim) -> _OpenLabel:
    """Lock the label that this process has claimed. Raises `JobClaimedElsewhere` if another one has
    claimed it since."""
    row = session.row(_LOCK_CLAIMED, (claim.label.id, claim.id))
    if row is None:
        raise JobClaimedElsewhere
    return _parse(row)
