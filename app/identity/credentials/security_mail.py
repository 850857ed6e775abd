"""Stage the emails that carry one-time links or report a changed credential."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from app.identity.credentials import one_time_tokens
from app.identity.credentials.one_time_tokens import LinkPurpose
from app.kit import clock, ids
from app.kit.db import Session
from app.outbox import service as outbox

LINKS_PER_HOUR_MAX = 5
HOUR = timedelta(hours=1)


def mail_change_notice(session: Session, user_id: UUID, kind: str, **values: str) -> None:
    """Email the person that one of their credentials changed: it may not have been them."""
    change = ids.encode("evt", ids.new())
    _stage_mail(
        session,
        user_id,
        kind=kind,
        event_key=f"{kind}:{change}",
        values={"changed_at": clock.rfc3339(clock.now()), **values},
    )


def mail_link(session: Session, user_id: UUID, purpose: LinkPurpose) -> None:
    """Issue a one-time link and stage the email that carries it."""
    link_id = one_time_tokens.issue_link(session, user_id, purpose)
    _stage_mail(
        session,
        user_id,
        kind=purpose.value,
        event_key=f"{purpose}:{ids.encode(one_time_tokens.PREFIX, link_id)}",
        values={},
        token_id=str(link_id),
    )


def _stage_mail(session: Session, user_id: UUID, **fields: Any) -> None:
    outbox.stage(session, "messages.send_mail", {"user_id": str(user_id), **fields})
