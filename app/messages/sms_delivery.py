"""Sending text messages: one per event and person, though the carrier does not know a repetition.

As with e-mail, the call stands between two transactions. Unlike a mail, whose repetition a mail
program recognises, a text message that may have been taken is first looked for at the carrier, by
the reference that it ends with. Only when the carrier has had time to know of it, and does not, is
it handed over again.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from app.identity.accounts import queries as account_queries
from app.kit import clock
from app.kit.db import Database, Session
from app.kit.errors import NotFound
from app.kit.ports import resolve
from app.kit.tasks import task
from app.messages import rules
from app.messages.delivery_log import ClaimedMessage, DeliveryLog, DeliveryStatus
from app.messages.ports import OutgoingSms, SmsSender
from app.providers import queries as providers_queries
from app.providers.errors import ProviderOutcomeUnknown, ProviderRefused, ProviderUnavailable

#: Longer than looking for a message and handing it over take together.
CLAIM_DURATION = timedelta(minutes=2)
#: After so long, a message that the carrier took is on its list.
LISTED_AFTER = timedelta(minutes=3)
#: A status can come before the worker that sent the message has noted its id.
_NOTED_WITHIN = timedelta(minutes=10)
#: A message of which no status came is asked about from then on, until it is given up.
_ASKED_AFTER, _ASKED_UNTIL = timedelta(minutes=15), timedelta(days=2)
_ASKED_BATCH = 50
_LOG = DeliveryLog("texts")

_HANDED_OVER_AT = "SELECT handed_over_at FROM texts WHERE id = %s"
_HAND_OVER = "UPDATE texts SET handed_over_at = %s WHERE id = %s"
_NOT_TAKEN = "UPDATE texts SET handed_over_at = NULL WHERE id = %s"
_CARRIED = "UPDATE texts SET carrier_id = %s WHERE id = %s"
_OF_CARRIER = "SELECT id FROM texts WHERE carrier_id = %s"
_UNHEARD_OF = """
SELECT carrier_id FROM texts
WHERE state = 'sent' AND delivery IS NULL AND carrier_id IS NOT NULL
    AND staged_at > %s AND sent_at < %s
ORDER BY staged_at LIMIT %s
"""


@task("messages.send_text", own_transactions=True)
def send_sms(
    database: Database, *, user_id: str, kind: str, event_key: str, values: dict[str, str]
) -> None:
    """Text the person of an event, unless that was done.

    Raises `JobClaimedElsewhere`, and `ProviderUnavailable` or `ProviderOutcomeUnknown` when it is
    to be tried again.
    """
    with database.transaction() as session:
        claimed = _LOG.claim(session, UUID(user_id), event_key, kind, duration=CLAIM_DURATION)
        if claimed is None:
            return
        text = _compose(session, claimed, UUID(user_id), kind, values)
        if text is None:
            _LOG.mark_dropped(session, claimed.id, "There is no number to send it to")
            return
        doubted_since = _handed_over_at(session, claimed.id)
    try:
        carrier_id = _find(text, doubted_since) if doubted_since else None
        if carrier_id is None:
            with database.transaction() as session:
                _LOG.check_claim(session, claimed)
                session.send(_HAND_OVER, (clock.now(), claimed.id))
            carrier_id = _hand_over(database, text)
    except ProviderRefused as refused:
        with database.transaction() as session:
            _LOG.mark_refused(session, claimed.id, str(refused))
        return
    except (ProviderUnavailable, ProviderOutcomeUnknown) as failure:
        with database.transaction() as session:
            unknown = isinstance(failure, ProviderOutcomeUnknown)
            _LOG.mark_waiting(session, claimed.id, str(failure), uncertain=unknown)
        raise
    with database.transaction() as session:
        _LOG.mark_sent(session, claimed.id)
        session.send(_CARRIED, (carrier_id, claimed.id))


@task("messages.check_text", own_transactions=True)
def refresh_status(database: Database, *, event_id: str) -> None:
    """The carrier says that something became of a message: ask it what, and record it.

    Raises `ProviderUnavailable` while the message is not known here yet, or the carrier is away.
    """
    with database.reading() as session:
        event = providers_queries.stored_event(session, UUID(event_id))
        known = session.row(_OF_CARRIER, (event.subject,)) is not None
    if known:
        _ask(database, event.subject)
    elif clock.now() - event.received_at < _NOTED_WITHIN:
        raise ProviderUnavailable("A message was told of before it was noted here")


@task("messages.check_texts", own_transactions=True)
def refresh_statuses(database: Database) -> None:
    """Ask the carrier about messages of which it said nothing: a status that was lost is healed.

    Raises `ProviderUnavailable` or `ProviderOutcomeUnknown` when the carrier does not answer.
    """
    now = clock.now()
    with database.reading() as session:
        rows = session.rows(_UNHEARD_OF, (now - _ASKED_UNTIL, now - _ASKED_AFTER, _ASKED_BATCH))
    for (carrier_id,) in rows:
        _ask(database, carrier_id)


@task("messages.forget_texts")
def delete_old_sms(session: Session) -> None:
    """Delete what is known of messages that were settled long ago, a batch at a time."""
    _LOG.delete_old(session)


def _ask(database: Database, carrier_id: str) -> None:
    try:
        status = resolve(SmsSender).status(carrier_id)
    except ProviderRefused:
        delivery: DeliveryStatus | None = DeliveryStatus.UNDELIVERED
    else:
        delivery = status
    if delivery is None:
        return
    with database.transaction() as session:
        row = session.row(_OF_CARRIER, (carrier_id,))
        if row is not None:
            _LOG.record_delivery(session, row[0], delivery, clock.now())


def _find(text: OutgoingSms, since: datetime) -> str | None:
    """The carrier's id of a message that it may have taken, or None if it certainly did not."""
    carrier_id = resolve(SmsSender).find(text, since=since)
    if carrier_id is None and clock.now() - since < LISTED_AFTER:
        raise ProviderOutcomeUnknown("It may have been taken, and is not on the carrier's list yet")
    return carrier_id


def _hand_over(database: Database, text: OutgoingSms) -> str:
    try:
        return resolve(SmsSender).send(text)
    except (ProviderUnavailable, ProviderRefused):
        with database.transaction() as session:
            session.send(_NOT_TAKEN, (text.id,))
        raise


def _compose(
    session: Session, claimed: ClaimedMessage, user_id: UUID, kind: str, values: Mapping[str, str]
) -> OutgoingSms | None:
    try:
        number = account_queries.get_person(session, user_id).phone
    except NotFound:
        return None
    reference = rules.sms_reference(claimed.id)
    body = rules.append_reference(rules.render_sms(kind, values), reference)
    return OutgoingSms(claimed.id, number, body, reference) if number else None


def _handed_over_at(session: Session, identifier: UUID) -> datetime | None:
    row = session.row(_HANDED_OVER_AT, (identifier,))
    assert row is not None
    found: datetime | None = row[0]
    return found
