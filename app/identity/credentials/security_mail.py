"""Stage the emails that carry one-time links or report a changed credential."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from app.identity.credentials import one_time_tokens
from app.identity.credentials.one_time_tokens import LinkPurpose
from app.kit import ids
from app.kit.db import Session
from app.notifications import service as notifications
from app.notifications.account_kinds import CredentialChange, LinkFacts

LINKS_PER_HOUR_MAX = 5
HOUR = timedelta(hours=1)


def mail_change_notice(session: Session, user_id: UUID, change: CredentialChange) -> None:
    """Email the person that one of their credentials changed: it may not have been them."""
    notifications.notify(session, change, to=user_id, event=ids.encode("evt", ids.new()))


def mail_link(
    session: Session, user_id: UUID, purpose: LinkPurpose, compose: Callable[[UUID], LinkFacts]
) -> None:
    """Issue a one-time link and stage the email that carries it, composed with the link's id."""
    link_id = one_time_tokens.issue_link(session, user_id, purpose)
    event = ids.encode(one_time_tokens.PREFIX, link_id)
    notifications.notify(session, compose(link_id), to=user_id, event=event)
