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

from app.identity import one_time
from app.identity import queries as people
from app.keys import service as keys
from app.kit import clock, ids
from app.kit.db import Database, Session
from app.kit.errors import NotFound
from app.kit.ports import resolve
from app.kit.tasks import InOtherHands, task
from app.messages import rules
from app.messages.ports import Mailer, MailRefused, NotSent, OutcomeUnknown, Outgoing
from app.outbox import service as outbox

#: Longer than a call may take; whoever has not come back by then has ended.
CLAIM = timedelta(minutes=1)
#: What became of a mail can be looked up for so long.
KEPT = timedelta(days=90)
#: The address of the last mail to somebody who was erased.
RECIPIENT_KEPT = timedelta(days=1)
_FORGET_BATCH = 10_000
_TABLE, _RECIPIENT = "mails", "recipient_sealed"

_ADD = """
INSERT INTO mails (id, user_id, event_key, kind, state, staged_at)
VALUES (%s, %s, %s, %s, 'waiting', %s)
ON CONFLICT (user_id, event_key) DO NOTHING
"""
_ADD_LAST = """
INSERT INTO mails (id, user_id, event_key, kind, state, staged_at, recipient_sealed)
VALUES (%s, %s, %s, %s, 'waiting', %s, %s)
"""
_LOCK = """
SELECT id, state, recipient_sealed, claimed_until > %s FROM mails
WHERE user_id = %s AND event_key = %s FOR UPDATE
"""
_CLAIM = """
UPDATE mails SET state = 'sending', claimed_until = %s, attempts = attempts + 1,
    uncertain = uncertain + %s WHERE id = %s
"""
# Whatever others believe meanwhile: what the server took is sent.
_SENT = """
UPDATE mails SET state = 'sent', sent_at = %s, claimed_until = NULL, last_error = NULL,
    recipient_sealed = NULL WHERE id = %s
"""
_END = """
UPDATE mails SET state = %(state)s, last_error = %(error)s, claimed_until = NULL,
    uncertain = uncertain + %(uncertain)s,
    recipient_sealed = CASE WHEN %(state)s = 'waiting' THEN recipient_sealed END
WHERE id = %(id)s AND state <> 'sent'
"""
_FORGET = """
DELETE FROM mails WHERE id = ANY (ARRAY(
    SELECT id FROM mails WHERE staged_at < %s AND state IN ('sent', 'refused', 'dropped') LIMIT %s
))
"""


# Somebody who was erased asked us to forget the address: a mail that did not go out is given up.
_FORGET_RECIPIENTS = """
UPDATE mails SET state = 'dropped', last_error = 'The address was kept for a day only',
    claimed_until = NULL, recipient_sealed = NULL
WHERE recipient_sealed IS NOT NULL AND staged_at < %s
"""


@dataclass(frozen=True, slots=True)
class _Claimed:
    """A mail in this worker's hands. `recipient` is None for the person's present address."""

    id: UUID
    recipient: str | None


@dataclass(frozen=True, slots=True)
class _Composed:
    """What to send, or why there is nothing to send."""

    outgoing: Outgoing | None
    dropped: str = ""


@task("messages.send_mail", own_transactions=True)
def send_mail(
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
    the key say together. Raises `InOtherHands`, and `NotSent` or `OutcomeUnknown` when it is to be
    tried again.
    """
    with database.transaction() as session:
        claimed = _claim(session, UUID(user_id), event_key, kind)
        if claimed is None:
            return
        mail = _compose(
            session, claimed, user_id=UUID(user_id), kind=kind, values=values, token_id=token_id
        )
        if mail.outgoing is None:
            _end(session, claimed.id, "dropped", mail.dropped)
            return
    try:
        resolve(Mailer).send(mail.outgoing)
    except MailRefused as refused:
        with database.transaction() as session:
            _end(session, claimed.id, "refused", str(refused))
        return
    except (NotSent, OutcomeUnknown) as failure:
        with database.transaction() as session:
            unknown = isinstance(failure, OutcomeUnknown)
            _end(session, claimed.id, "waiting", str(failure), uncertain=int(unknown))
        raise
    with database.transaction() as session:
        session.send(_SENT, (clock.now(), claimed.id))


def stage_last_mail(
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
def forget_mails(session: Session) -> None:
    """Delete what is known of mails that were settled long ago, a batch at a time."""
    session.send(_FORGET, (clock.now() - KEPT, _FORGET_BATCH))
    session.send(_FORGET_RECIPIENTS, (clock.now() - RECIPIENT_KEPT,))


def _claim(session: Session, user_id: UUID, event_key: str, kind: str) -> _Claimed | None:
    """The mail of this event, from now on this worker's; None when it is settled."""
    now = clock.now()
    session.send(_ADD, (ids.new(), user_id, event_key, kind, now))
    row = session.row(_LOCK, (now, user_id, event_key))
    assert row is not None, "the row was added, or was there"
    identifier: UUID = row[0]
    state, sealed, is_held = row[1:]
    if state == "sending" and is_held:
        raise InOtherHands
    if state not in {"waiting", "sending"}:
        return None
    # A claim that ran out is of a worker that ended, perhaps after the server took the mail.
    session.send(_CLAIM, (now + CLAIM, int(state == "sending"), identifier))
    if sealed is None:
        return _Claimed(identifier, None)
    opened = keys.open_sealed(sealed, table=_TABLE, column=_RECIPIENT, key=identifier)
    return _Claimed(identifier, opened.decode())


def _compose(
    session: Session,
    claimed: _Claimed,
    *,
    user_id: UUID,
    kind: str,
    values: Mapping[str, str],
    token_id: str | None,
) -> _Composed:
    try:
        recipient = claimed.recipient or people.mail_address(session, user_id)
    except NotFound:
        return _Composed(None, "There is no such person any more")
    told, links = dict(values), resolve(rules.Links)
    if token_id is not None:
        token = one_time.token_of(session, UUID(token_id))
        if token is None:
            return _Composed(None, "The link was used or ran out before it was sent")
        told["link"] = links.to(kind, token)
    elif page := links.page_for(kind):
        told["link"] = page
    text = rules.render_mail(kind, told)
    return _Composed(Outgoing(claimed.id, recipient, text.subject, text.body, text.html))


def _end(
    session: Session, identifier: UUID, state: str, reason: str, *, uncertain: int = 0
) -> None:
    values = {"state": state, "error": reason, "uncertain": uncertain, "id": identifier}
    session.send(_END, values)
