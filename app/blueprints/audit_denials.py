"""Denied acts in the audit trail, recorded in a transaction of their own after the rollback.

Recorded are missing permissions of signed-in people, and acts of staff that failed because of the
present state or because the object belongs to another person. Not recorded are mistakes in a form,
rate limits, and requests without a known actor, which could fill the trail; a wrong password is
recorded where it is checked (app.identity).

Repeating denied acts cannot fill the trail: those of one person on one route in one hour become two
records at most (`app.audit.denials`).
"""

import re

import structlog
from flask import current_app, request

from app.access import Actor, Role
from app.audit import denials
from app.blueprints.environ_keys import ACTOR
from app.kit.db import Database
from app.kit.errors import Conflict, NotFound, PermissionDenied, Refusal, Unavailable

log = structlog.get_logger("edge")

#: The refusals that a page shows, each with the public id that it is about, if not of the path.
_SHOWN = "pbcex.shown_refusals"
_PUBLIC_ID = re.compile(r"[a-z]{2,4}_[0-9a-z]{26}", re.ASCII)


def record(refusal: Refusal, subject: str | None = None) -> None:
    """Record the refusal of the current request, if it belongs in the audit trail.

    `subject` is the public id that it is about, if the path does not hold it.
    While the database is unavailable, log that the denial is not recorded.
    """
    actor: Actor | None = request.environ.get(ACTOR)
    if actor is None or not _belongs_in_trail(actor, refusal):
        return
    route = f"{request.method} {request.url_rule}"
    # Only ids: a path may hold a secret, such as the token of a link.
    public_ids = [
        text for text in (request.view_args or {}).values() if _PUBLIC_ID.fullmatch(str(text))
    ]
    database: Database = current_app.extensions["database"]
    try:
        with database.transaction() as session:
            denials.record_denial(
                session,
                actor,
                route=route,
                refusal=refusal.code,
                subjects=[subject] if subject else public_ids,
                reason=refusal.detail,
            )
    except Unavailable:
        log.exception("denial_not_recorded", route=route)


def record_later(refusal: Refusal, subject: str | None = None) -> None:
    """Keep a refusal that the page shows for `record_shown`, after the transaction."""
    request.environ.setdefault(_SHOWN, []).append((refusal, subject))


def record_shown() -> None:
    """Record the refusals that the page shows."""
    for refusal, subject in request.environ.get(_SHOWN, ()):
        record(refusal, subject)


def _belongs_in_trail(actor: Actor, refusal: Refusal) -> bool:
    if isinstance(refusal, PermissionDenied):
        return True
    changes_data = request.method not in {"GET", "HEAD", "OPTIONS"}
    return actor.role is not Role.USER and changes_data and isinstance(refusal, Conflict | NotFound)
