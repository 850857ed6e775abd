"""The inbox of customers."""

from typing import Any

from app.access import Actor, Permission
from app.blueprints.api.schemas import messages as schemas_messages
from app.blueprints.api.schemas.fields import PageQuerySchema
from app.blueprints.api_blueprint import ApiBlueprint
from app.kit import pagination
from app.kit.db import Session
from app.messages import queries as messages_queries

blp = ApiBlueprint("messages", "/api/messages", "Messages to customers")


@blp.operation(
    "GET",
    "",
    operation_id="messagesIndex",
    permission=Permission.MESSAGES_READ,
    query_schema=PageQuerySchema,
    response_schema=schemas_messages.MessagesSchema,
)
def list_messages(session: Session, actor: Actor, query: dict[str, Any]) -> object:
    """List the messages, newest first."""
    cursor = query.get("cursor")
    before = pagination.decode_cursor(cursor) if cursor is not None else None
    return messages_queries.list_messages(session, actor.user_id, query["limit"], before)
