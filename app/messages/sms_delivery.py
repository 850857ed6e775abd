"""Sending SMS: one per event and person, although the carrier does not recognise repetitions.

As with email, the call is between two transactions. An email program recognises a repeated email;
an SMS that may have been accepted is first looked up at the carrier, by the reference at its end.
Only when the carrier has had time to list it, and does not, is it handed over again.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from app.identity.accounts import phone_verification
from app.identity.accounts import queries as account_queries
from app.kit import clock
from app.kit.db import Database, Session
from app.kit.errors import NotFound
from app.kit.ports import resolve
from app.messages import bundles, rendering, rules, text_budgets
from app.messages.delivery_log import ClaimedMessage, DeliveryStatus
from app.messages.ports import OutgoingSms, SmsSender
from app.providers import queries as providers_queries
from app.providers.errors import ProviderOutcomeUnknown, ProviderRefused, ProviderUnavailable

#: Longer than looking up an SMS and handing it over take together.
CLAIM_DURATION = timedelta(minutes=2)
#: After this, an accepted SMS is on the carrier's list.
LISTED_AFTER = timedelta(minutes=3)
#: A status can come before the worker has recorded the carrier's ID.
_RECORDED_WITHIN = timedelta(minutes=10)
#: When an SMS without a status is looked up, and until when.
_REFRESH_AFTER, _REFRESH_UNTIL = timedelta(minutes=15), timedelta(days=2)
_REFRESH_BATCH = 50
_LOG = bundles.TEXTS

_HANDED_OVER_AT = "SELECT handed_over_at FROM texts WHERE id = %s"
_HAND_OVER = "UPDATE texts SET handed_over_at = %s, phone_index = %s WHERE id = %s"
_CLEAR_HANDED_OVER = "UPDATE texts SET handed_over_at = NULL WHERE id = %s"
_SET_CARRIER_ID = "UPDATE texts SET carrier_id = %s WHERE id = %s"
_BY_CARRIER_ID = "SELECT id FROM texts WHERE carrier_id = %s"
_WITHOUT_STATUS = """
SELECT carrier_id FROM texts
WHERE state = 'sent' AND delivery IS NULL AND carrier_id IS NOT NULL
    AND staged_at > %s AND sent_at < %s
ORDER BY staged_at LIMIT %s
"""


def send_sms(
    database: Database,
    *,
    user_id: str,
    kind: str,
    event_key: str,
    values: dict[str, str],
    token_id: str | None = None,
) -> None:
    """Send an event's SMS to a person, unless that is done; one with a code of the row `token_id`
    to the phone that the code is to verify. Those have limits of their own.

    Raises `JobClaimedElsewhere`, and `ProviderUnavailable` or `ProviderOutcomeUnknown` when the job
    is to be tried again.
    """
    with database.transaction() as session:
        claim = _LOG.claim(session, UUID(user_id), event_key, kind, duration=CLAIM_DURATION)
        if claim is None:
            return
        sms = (
            _compose(session, claim, UUID(user_id), kind, values)
            if token_id is None
            else _compose_code(session, claim, UUID(user_id), kind, UUID(token_id))
        )
        if sms is None:
            _LOG.mark_dropped(session, claim.id, "The person has no phone for it any more")
            return
        handed_over_at = _handed_over_at(session, claim.id)
    try:
        carrier_id = _find(sms, handed_over_at) if handed_over_at else None
        if carrier_id is None:
            with database.transaction() as session:
                _LOG.check_claim(session, claim)
                if token_id is None and text_budgets.is_used_up(
                    session, UUID(user_id), sms.recipient, besides=claim.id
                ):
                    _LOG.mark_dropped(session, claim.id, "The budget of text messages is used up")
                    return
                index = text_budgets.index_phone(sms.recipient)
                session.send(_HAND_OVER, (clock.now(), index, claim.id))
            carrier_id = _hand_over(database, sms)
    except ProviderRefused as refusal:
        with database.transaction() as session:
            _LOG.mark_refused(session, claim.id, str(refusal))
        return
    except (ProviderUnavailable, ProviderOutcomeUnknown) as failure:
        with database.transaction() as session:
            is_unknown = isinstance(failure, ProviderOutcomeUnknown)
            _LOG.mark_waiting(session, claim.id, str(failure), uncertain=is_unknown)
        raise
    with database.transaction() as session:
        _LOG.mark_sent(session, claim.id)
        session.send(_SET_CARRIER_ID, (carrier_id, claim.id))


def refresh_status(database: Database, event_id: UUID) -> None:
    """Fetch and record the delivery status of an SMS after a callback of the carrier.

    Raises `ProviderUnavailable` while the SMS is not recorded here yet, or if the carrier is
    unavailable.
    """
    with database.reading() as session:
        event = providers_queries.stored_event(session, event_id)
        is_known = session.row(_BY_CARRIER_ID, (event.subject,)) is not None
    if is_known:
        _fetch_status(database, event.subject)
    elif clock.now() - event.received_at < _RECORDED_WITHIN:
        raise ProviderUnavailable("The status came before the SMS was recorded here")


def refresh_statuses(database: Database) -> None:
    """Fetch the delivery status of SMS without one, so that lost callbacks are made good.

    Raises `ProviderUnavailable` or `ProviderOutcomeUnknown` when the carrier does not respond.
    """
    now = clock.now()
    with database.reading() as session:
        rows = session.rows(
            _WITHOUT_STATUS, (now - _REFRESH_UNTIL, now - _REFRESH_AFTER, _REFRESH_BATCH)
        )
    for (carrier_id,) in rows:
        _fetch_status(database, carrier_id)


def delete_old_sms(session: Session) -> None:
    """Delete records of SMS that were settled long ago, in batches."""
    _LOG.delete_old(session)


def _fetch_status(database: Database, carrier_id: str) -> None:
    try:
        status = resolve(SmsSender).status(carrier_id)
    except ProviderRefused:
        delivery: DeliveryStatus | None = DeliveryStatus.UNDELIVERED
    else:
        delivery = status
    if delivery is None:
        return
    with database.transaction() as session:
        sms_id = session.optional_value(_BY_CARRIER_ID, (carrier_id,))
        if sms_id is not None:
            _LOG.record_delivery(session, sms_id, delivery, clock.now())


def _find(sms: OutgoingSms, since: datetime) -> str | None:
    """Return the carrier's ID of an SMS, or None if the carrier certainly did not accept it."""
    carrier_id = resolve(SmsSender).find(sms, since=since)
    if carrier_id is None and clock.now() - since < LISTED_AFTER:
        raise ProviderOutcomeUnknown(
            "The SMS may have been accepted, but is not on the carrier's list yet"
        )
    return carrier_id


def _hand_over(database: Database, sms: OutgoingSms) -> str:
    try:
        return resolve(SmsSender).send(sms)
    except (ProviderUnavailable, ProviderRefused):
        with database.transaction() as session:
            session.send(_CLEAR_HANDED_OVER, (sms.id,))
        raise


def _compose(
    session: Session, claim: ClaimedMessage, user_id: UUID, kind: str, values: Mapping[str, str]
) -> OutgoingSms | None:
    try:
        phone = account_queries.get_person(session, user_id).verified_phone
    except NotFound:
        return None
    reference = rules.sms_reference(claim.id)
    subjects = bundles.bundle(session, _LOG, claim, user_id=user_id, kind=kind)
    text = (
        rendering.render_sms_bundle(kind, subjects)
        if subjects
        else rendering.render_sms(kind, values)
    )
    body = rules.append_reference(text, reference)
    return OutgoingSms(claim.id, phone, body, reference) if phone else None


def _compose_code(
    session: Session, claim: ClaimedMessage, user_id: UUID, kind: str, token_id: UUID
) -> OutgoingSms | None:
    rebuilt = phone_verification.rebuild_code(session, user_id, token_id)
    if rebuilt is None:
        return None
    phone, code = rebuilt
    reference = rules.sms_reference(claim.id)
    body = rules.append_reference(rendering.render_sms(kind, {"code": code}), reference)
    return OutgoingSms(claim.id, phone, body, reference)


def _handed_over_at(session: Session, sms_id: UUID) -> datetime | None:
    handed_over_at: datetime | None = session.value(_HANDED_OVER_AT, (sms_id,))
    return handed_over_at
