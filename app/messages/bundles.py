"""Bundles: the emails, or text messages, of a kind that comes often, sent as one.

Such an email waits for the kind's `bundled_within` after its message came into the inbox, and has a
job of its own. The first email whose job runs takes the others that wait into its bundle, for good:
their jobs then find nothing to do. An email that is committed too late to be taken is sent by its
own job, so none is lost; and a bundle that is sent again has the same content and Message-ID. The
same holds for text messages and their reference.
"""

from uuid import UUID

from app.kit.db import Session
from app.messages.delivery_log import ClaimedMessage, DeliveryLog
from app.notifications.registry import KINDS

EMAILS, TEXTS = DeliveryLog("mails"), DeliveryLog("texts")
#: Lines of one email.
SIZE_MAX = 200


def _take_sql(log: DeliveryLog) -> str:
    return f"""
UPDATE {log.table} SET state = 'bundled', bundle_id = %(bundle)s
WHERE id = ANY (ARRAY(
    SELECT id FROM {log.table}
    WHERE user_id = %(user)s AND kind = %(kind)s AND state = 'waiting' AND attempts = 0
    ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
))
"""  # noqa: S608 - the table's name is a constant


def _subjects_sql(log: DeliveryLog) -> str:
    # As in the inbox, oldest first.
    return f"""
SELECT subject FROM messages
WHERE user_id = %(user)s AND event_key IN (
    SELECT event_key FROM {log.table} WHERE id = %(bundle)s OR bundle_id = %(bundle)s
)
ORDER BY id
"""  # noqa: S608 - the table's name is a constant


def bundle(
    session: Session, log: DeliveryLog, claim: ClaimedMessage, *, user_id: UUID, kind: str
) -> list[str]:
    """Return the subjects of all messages of a claimed email or text; empty if it is not a bundle.

    The first claim takes those that wait.
    """
    if KINDS[kind].bundled_within is None:
        return []
    values = {"bundle": claim.id, "user": user_id, "kind": kind, "limit": SIZE_MAX - 1}
    if claim.is_first:
        session.send(_take_sql(log), values)
    subjects = [subject for (subject,) in session.rows(_subjects_sql(log), values)]
    return subjects if len(subjects) > 1 else []
