"""Sending email: one per event and person, however often its job is tried.

Two transactions with the call between them. The first claims the email's row for one worker; the
second records the server's reply. An email that the server accepted is not sent again, unless the
worker ended before the acceptance was recorded: then the outcome is unknown, and the email is sent
once more with the same Message-ID. Such attempts are counted (`uncertain`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from app.identity.accounts import queries as account_queries
from app.identity.credentials import one_time_tokens
from app.keys import service as keys
from app.kit import clock, ids
from app.kit.db import Database, Session
from app.kit.errors import NotFound
from app.kit.ids import PublicId
from app.kit.ports import resolve
from app.messages import attachments, bundles, rendering
from app.messages.delivery_log import CLAIM_DURATION, ClaimedMessage, DeliveryStatus
from app.messages.ports import EmailSender, OutgoingEmail
from app.messages.rendering import Contact
from app.notifications import service as notifications
from app.notifications.account_kinds import ErasureConfirmed
from app.providers import queries as providers_queries
from app.providers.errors import ProviderOutcomeUnknown, ProviderRefused, ProviderUnavailable

#: How long the address of the final email to an erased person is kept.
RECIPIENT_RETENTION = timedelta(days=1)
_TABLE, _RECIPIENT = "mails", "recipient_sealed"
_LOG = bundles.EMAILS

_ADD_FINAL = """
INSERT INTO mails (id, user_id, event_key, kind, state, staged_at, recipient_sealed)
VALUES (%s, %s, %s, %s, 'waiting', %s, %s)
"""
_RECIPIENT_OF = "SELECT recipient_sealed FROM mails WHERE id = %s"
_SETTLE_RECIPIENT = """
UPDATE mails SET recipient_sealed = NULL WHERE id = %s AND recipient_sealed IS NOT NULL
"""
# An erased person's address must be deleted: an email that is still unsent is dropped.
_DELETE_RECIPIENTS = """
UPDATE mails SET state = 'dropped', last_error = 'The email address was deleted after a day',
    claimed_until = NULL, recipient_sealed = NULL
WHERE recipient_sealed IS NOT NULL AND staged_at < %s
"""


@dataclass(frozen=True, slots=True)
class _Composed:
    """The email to send, or the reason why there is none."""

    outgoing: OutgoingEmail | None
    drop_reason: str = ""


def send_email(
    database: Database,
    *,
    user_id: str,
    kind: str,
    event_key: str,
    values: dict[str, str],
    token_id: str | None = None,
) -> None:
    """Send an event's email to a person, unless that is done.

    An email with a link is given the token's ID; the link is made here, from the database and the
    key together. Raises `JobClaimedElsewhere`, and `ProviderUnavailable` or
    `ProviderOutcomeUnknown` when the job is to be tried again.
    """
    with database.transaction() as session:
        claim = _LOG.claim(session, UUID(user_id), event_key, kind, duration=CLAIM_DURATION)
        if claim is None:
            return
        composed = _compose(
            session, claim, user_id=UUID(user_id), kind=kind, values=values, token_id=token_id
        )
        if composed.outgoing is None:
            session.send(_SETTLE_RECIPIENT, (claim.id,))
            _LOG.mark_dropped(session, claim.id, composed.drop_reason)
            return
    try:
        resolve(EmailSender).send(composed.outgoing)
    except ProviderRefused as refusal:
        with database.transaction() as session:
            session.send(_SETTLE_RECIPIENT, (claim.id,))
            _LOG.mark_refused(session, claim.id, str(refusal))
        return
    except (ProviderUnavailable, ProviderOutcomeUnknown) as failure:
        with database.transaction() as session:
            is_unknown = isinstance(failure, ProviderOutcomeUnknown)
            _LOG.mark_waiting(session, claim.id, str(failure), uncertain=is_unknown)
        raise
    with database.transaction() as session:
        session.send(_SETTLE_RECIPIENT, (claim.id,))
        _LOG.mark_sent(session, claim.id)


def record_email_event(session: Session, event_id: UUID) -> None:
    """Record the delivery status of an email.

    A provider of email is not asked again: the signed event is the only source.
    """
    event = providers_queries.stored_event(session, event_id)
    _LOG.record_delivery(
        session, UUID(event.subject), DeliveryStatus(event.kind), event.received_at
    )


def stage_final_email(
    session: Session,
    user_id: UUID,
    message: ErasureConfirmed,
    *,
    recipient: str,
    event: PublicId,
) -> None:
    """Stage the email to a person whose address is being deleted.

    The address is stored with the email, sealed, until the email is settled or a day has passed.
    """
    email_id, key = ids.new(), notifications.event_key(message, event)
    sealed = keys.seal(recipient, table=_TABLE, column=_RECIPIENT, key=email_id)
    session.send(_ADD_FINAL, (email_id, user_id, key, message.kind.name, clock.now(), sealed))
    notifications.notify(session, message, to=user_id, event=event)


def delete_old_emails(session: Session) -> None:
    """Delete records of emails that were settled long ago, in batches."""
    _LOG.delete_old(session)
    session.send(_DELETE_RECIPIENTS, (clock.now() - RECIPIENT_RETENTION,))


def _compose(
    session: Session,
    claim: ClaimedMessage,
    *,
    user_id: UUID,
    kind: str,
    values: Mapping[str, str],
    token_id: str | None,
) -> _Composed:
    email_id = claim.id
    try:
        recipient = _stored_recipient(session, email_id) or account_queries.get_email(
            session, user_id
        )
    except NotFound:
        return _Composed(None, "The person no longer exists")
    template_values, contact = dict(values), resolve(Contact)
    if token_id is not None:
        token = one_time_tokens.rebuild_token(session, UUID(token_id))
        if token is None:
            return _Composed(None, "The link was used or expired before the email was sent")
        if contact.has_token_link(kind):
            template_values["link"] = contact.token_link(kind, token)
        else:
            template_values["code"] = one_time_tokens.code_of(token)
    elif page_link := contact.page_link(kind):
        template_values["link"] = page_link
    subjects = bundles.bundle(session, _LOG, claim, user_id=user_id, kind=kind)
    rendered = (
        rendering.render_bundle(kind, subjects, contact)
        if subjects
        else rendering.render_email(kind, template_values, contact)
    )
    return _Composed(
        OutgoingEmail(
            email_id,
            recipient,
            rendered.subject,
            rendered.body,
            rendered.html,
            reply_to=contact.support_email,
            attachments=() if subjects else attachments.draw_attachments(session, kind, values),
        )
    )


def _stored_recipient(session: Session, email_id: UUID) -> str | None:
    """Return the address stored with the email, if the person's own has been deleted."""
    sealed = session.optional_value(_RECIPIENT_OF, (email_id,))
    if sealed is None:
        return None
    return keys.open_sealed(sealed, table=_TABLE, column=_RECIPIENT, key=email_id).decode()
