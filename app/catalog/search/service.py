"""The verbs of the search: add a synonym, remove one."""

from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, Permission, require
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.catalog.search import queries, rules
from app.catalog.search.errors import SynonymKnown
from app.catalog.search.models import SearchSynonym
from app.kit import ids
from app.kit.db import Session, register_refusal

register_refusal("search_synonyms_phrase_words_meaning_words_key", lambda _detail: SynonymKnown())


def add_synonym(session: Session, actor: Actor | None, phrase: str, meaning: str) -> UUID:
    """Let the search find by `phrase` what it finds by `meaning`; return the id of the synonym.

    Raises `PermissionDenied`, `Invalid` naming the field, and `SynonymKnown`.
    """
    if actor is not None:
        require(actor, Permission.PRODUCTS_EDIT)
    texts = {
        "phrase": rules.clean_phrase("phrase", phrase),
        "meaning": rules.clean_phrase("meaning", meaning),
    }
    synonym_id = ids.new()
    session.write(sa.insert(SearchSynonym).values(id=synonym_id, **texts))
    audit.record(
        session,
        actor=actor,
        action=AuditAction.SEARCH_SYNONYM_ADDED,
        subject=ids.encode(queries.PREFIX, synonym_id),
        after=texts,
    )
    return synonym_id


def remove_synonym(session: Session, actor: Actor | None, synonym_id: UUID) -> None:
    """Remove a synonym. Raises `PermissionDenied` and `NotFound`."""
    if actor is not None:
        require(actor, Permission.PRODUCTS_EDIT)
    synonym = queries.get_synonym(session, synonym_id)
    session.write(sa.delete(SearchSynonym).where(SearchSynonym.id == synonym_id))
    audit.record(
        session,
        actor=actor,
        action=AuditAction.SEARCH_SYNONYM_REMOVED,
        subject=synonym.public_id,
        before={"phrase": synonym.phrase, "meaning": synonym.meaning},
    )
