"""The caller's login sessions: where they are signed in."""

from typing import Any

from app.access import Actor, Permission
from app.blueprints.api.schemas import sessions as schemas_sessions
from app.blueprints.api.schemas.fields import PageQuerySchema
from app.blueprints.api_blueprint import ApiBlueprint
from app.identity.sign_in import sessions
from app.kit import pagination
from app.kit.db import Session

blp = ApiBlueprint("sessions", "/api/me/sessions", "Where the caller is signed in")


@blp.operation(
    "GET",
    "",
    operation_id="meSessions",
    permission=Permission.SESSIONS_REVOKE,
    query_schema=PageQuerySchema,
    response_schema=schemas_sessions.LoginSessionsSchema,
)
def list_sessions(session: Session, actor: Actor, query: dict[str, Any]) -> object:
    """List the active login sessions, newest first."""
    page = sessions.list_newest(session, actor, **pagination.page_arguments(query))
    data = [
        {"login_session": each, "is_current": each.id == actor.session_id} for each in page.data
    ]
    return {"data": data, "next_cursor": page.next_cursor}


@blp.operation(
    "DELETE",
    "",
    operation_id="meEndOtherSessions",
    permission=Permission.SESSIONS_REVOKE,
    status=204,
)
def end_other_sessions(session: Session, actor: Actor) -> None:
    """End every login session but this one at once, with all their tokens."""
    sessions.end_others(session, actor)


@blp.operation(
    "DELETE",
    "/<session_id>",
    operation_id="meEndSession",
    permission=Permission.SESSIONS_REVOKE,
    status=204,
)
def end_session(session: Session, actor: Actor, session_id: str) -> None:
    """End a login session at once, with all its tokens."""
    sessions.end_own(session, actor, session_id)
