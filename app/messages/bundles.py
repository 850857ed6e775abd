"""Bundles: the emails of a kind that comes often, sent as one.

Such an email waits for the kind's `bundled_within` after its message came into the inbox, and has a
job of its own. The first email whose job runs takes the others that wait into its bundle, for good:
their jobs then find nothing to do. An email that is committed too late to be taken is sent by its
own job, so none is lost; and a bundle that is sent again has the same content and Message-ID.
"""

from uuid import UUID

from app.kit.db import Session
from app.messages.delivery_log import ClaimedMessage, DeliveryLog
from app.notifications.registry import KINDS

EMAILS = DeliveryLog("mails")
#: Lines of one email.
SIZE_MAX = 200

_TAKE = """
UPDATE mails SET state = 'bundled', bundle_id = %(bundle)s
WHERE id = ANY (ARRAY(
    SELECT id FROM mails
    WHERE user_id = %(user)s AND kind = %(kind)s AND state = 'waiting' AND attempts = 0
    ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
))
"""
# As in the inbox, oldest first.
_SUBJECTS = """
SELECT subject FROM messages
WHERE user_id = %(user)s AND event_key IN (
    SELECT event_key FROM mails WHERE id = %(bundle)s OR bundle_id = %(bundle)s
)
ORDER BY id
"""


def add_waiting(session: Session, user_id: UUID, *, event_key: str, kind: str) -> None:
    """Add an email that others may take into their bundle."""
    EMAILS.add(session, user_id, event_key, kind)


def bundle(session: Session, claim: ClaimedMessage, *, user_id: UUID, kind: str) -> list[str]:
    """Return the subjects of all messages of a claimed email; empty if it is not a bundle.

    The first claim takes the emails that wait.
    """
    if KINDS[kind].bundled_within is None:
        return []
    values = {"bundle": claim.id, "user": user_id, "kind": kind, "limit": SIZE_MAX - 1}
    if claim.is_first:
        session.send(_TAKE, values)
    subjects = [subject for (subject,) in session.rows(_SUBJECTS, values)]
    return subjects if len(subjects) > 1 else []
