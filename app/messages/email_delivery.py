"""Sending e-mail: one per event and person, however often its job is tried.

Two transactions with the call between them. The first claims the row of the mail for one worker;
the second records what the server said. A mail that the server took is never sent again, unless the
worker ends after the server took it and before that is recorded: then nobody knows, and the mail is
sent once more under the same Message-ID. Such attempts are counted (`uncertain`).
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
from app.kit.ports import resolve
from app.kit.tasks import task
from app.messages import rules
from app.messages.delivery_log import CLAIM_DURATION, DeliveryLog, DeliveryStatus
from app.messages.ports import EmailSender, OutgoingEmail
from app.outbox import service as outbox
from app.providers import queries as providers_queries
from app.providers.errors import ProviderOutcomeUnknown, ProviderRefused, ProviderUnavailable

#: The address of the last mail to somebody who was erased.
RECIPIENT_RETENTION = timedelta(days=1)
_TABLE, _RECIPIENT = "mails", "recipient_sealed"
_LOG = DeliveryLog(_TABLE)

_ADD_LAST = """
INSERT INTO mails (id, user_id, event_key, kind, state, staged_at, recipient_sealed)
VALUES (%s, %s, %s, %s, 'waiting', %s, %s)
"""
_RECIPIENT_OF = "SELECT recipient_sealed FROM mails WHERE id = %s"
_SETTLE_RECIPIENT = """
UPDATE mails SET recipient_sealed = NULL WHERE id = %s AND recipient_sealed IS NOT NULL
"""
# Somebody who was erased asked us to forget the address: a mail that did not go out is given up.
_FORGET_RECIPIENTS = """
UPDATE mails SET state = 'dropped', last_error = 'The address was kept for a day only',
    claimed_until = NULL, recipient_sealed = NULL
WHERE recipient_sealed IS NOT NULL AND staged_at < %s
"""


@dataclass(frozen=True, slots=True)
class _Composed:
    """What to send, or why there is nothing to send."""

    outgoing: OutgoingEmail | None
    dropped: str = ""


@task("messages.send_mail", own_transactions=True)
def send_email(
    database: Database,
    *,
    user_id: str,
    kind: str,
    event_key: str,
    values: dict[str, str],
    token_id: str | None = None,
) -> None:
    """Mail the person of an event, unless that was done.

    A mail that carries a link is given its id; the link is made here, from what the database and
    the key say together. Raises `JobClaimedElsewhere`, and `ProviderUnavailable` or
    `ProviderOutcomeUnknown` when it is to be tried again.
    """
    with database.transaction() as session:
        claimed = _LOG.claim(session, UUID(user_id), event_key, kind, duration=CLAIM_DURATION)
        if claimed is None:
            return
        mail = _compose(
            session, claimed.id, user_id=UUID(user_id), kind=kind, values=values, token_id=token_id
        )
        if mail.outgoing is None:
            session.send(_SETTLE_RECIPIENT, (claimed.id,))
            _LOG.mark_dropped(session, claimed.id, mail.dropped)
            return
    try:
        resolve(EmailSender).send(mail.outgoing)
    except ProviderRefused as refused:
        with database.transaction() as session:
            session.send(_SETTLE_RECIPIENT, (claimed.id,))
            _LOG.mark_refused(session, claimed.id, str(refused))
        return
    except (ProviderUnavailable, ProviderOutcomeUnknown) as failure:
        with database.transaction() as session:
            unknown = isinstance(failure, ProviderOutcomeUnknown)
            _LOG.mark_waiting(session, claimed.id, str(failure), uncertain=unknown)
        raise
    with database.transaction() as session:
        session.send(_SETTLE_RECIPIENT, (claimed.id,))
        _LOG.mark_sent(session, claimed.id)


@task("messages.record_mail_event")
def record_email_event(session: Session, *, event_id: str) -> None:
    """Record what became of a mail on its way. Whoever carries mail is not asked again: there the
    signed event is all that can be had."""
    event = providers_queries.stored_event(session, UUID(event_id))
    _LOG.record_delivery(
        session, UUID(event.subject), DeliveryStatus(event.kind), event.received_at
    )


def stage_final_email(
    session: Session,
    user_id: UUID,
    recipient: str,
    *,
    kind: str,
    event_key: str,
    values: Mapping[str, str],
) -> None:
    """Mail somebody whose address is being forgotten: it goes with the mail, sealed, until that is
    settled or a day has passed."""
    identifier = ids.new()
    sealed = keys.seal(recipient, table=_TABLE, column=_RECIPIENT, key=identifier)
    session.send(_ADD_LAST, (identifier, user_id, event_key, kind, clock.now(), sealed))
    told = {"user_id": str(user_id), "kind": kind, "event_key": event_key, "values": dict(values)}
    outbox.stage(session, "messages.send_mail", told)


@task("messages.forget_mails")
def delete_old_emails(session: Session) -> None:
    """Delete what is known of mails that were settled long ago, a batch at a time."""
    _LOG.delete_old(session)
    session.send(_FORGET_RECIPIENTS, (clock.now() - RECIPIENT_RETENTION,))


def _compose(
    session: Session,
    mail_id: UUID,
    *,
    user_id: UUID,
    kind: str,
    values: Mapping[str, str],
    token_id: str | None,
) -> _Composed:
    try:
        recipient = _kept_recipient(session, mail_id) or account_queries.get_email(session, user_id)
    except NotFound:
        return _Composed(None, "There is no such person any more")
    told, links = dict(values), resolve(rules.EmailLinks)
    if token_id is not None:
        token = one_time_tokens.rebuild_token(session, UUID(token_id))
        if token is None:
            return _Composed(None, "The link was used or ran out before it was sent")
        told["link"] = links.token_link(kind, token)
    elif page := links.page_link(kind):
        told["link"] = page
    text = rules.render_email(kind, told)
    return _Composed(OutgoingEmail(mail_id, recipient, text.subject, text.body, text.html))


def _kept_recipient(session: Session, mail_id: UUID) -> str | None:
    """The address that goes with the mail, where the person's own is known no more."""
    row = session.row(_RECIPIENT_OF, (mail_id,))
    if row is None or row[0] is None:
        return None
    return keys.open_sealed(row[0], table=_TABLE, column=_RECIPIENT, key=mail_id).decode()
