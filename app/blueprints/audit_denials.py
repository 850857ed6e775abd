"""Denied acts in the audit trail, recorded in a transaction of their own after the rollback.

Recorded are missing permissions of signed-in people, and acts of staff that failed because of the
present state or because the object belongs to another person. Not recorded are mistakes in a form,
rate limits, and requests without a known actor, which could fill the trail; a wrong password is
recorded where it is checked (app.identity).

Repeating a denied act cannot fill the trail: of one person's denials of one kind on one route
in one hour, the first are recorded, and then the 10th, 100th and so on with their number.
"""

import re
from datetime import timedelta
from typing import Any

import structlog
from flask import current_app, request

from app.access import Actor, Role
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.audit.rules import AuditOutcome
from app.blueprints.environ_keys import ACTOR
from app.kit import clock
from app.kit.db import Database, Session
from app.kit.errors import Conflict, NotFound, PermissionDenied, Refusal, Unavailable
from app.throttle import service as throttle

log = structlog.get_logger("edge")

#: The refusals that a page shows, each with the public id that it is about, if not of the path.
_SHOWN = "pbcex.shown_refusals"
#: How many of a person's denials of one kind on one route are recorded each, within an hour. Those
#: of staff are about objects, which the route does not name.
RECORDED_EACH_OF_STAFF, RECORDED_EACH_OF_CUSTOMERS = 20, 1
_HOUR = timedelta(hours=1)
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
    after: dict[str, Any] = {"route": route, "refusal": refusal.code}
    if len(public_ids) > 1:
        after["named"] = public_ids
    database: Database = current_app.extensions["database"]
    try:
        with database.transaction() as session:
            number = _count(session, actor, route, refusal)
            if number > _recorded_each(actor):
                if not _is_power_of_ten(number):
                    return
                after["denials_in_this_hour"] = number
            audit.record(
                session,
                actor=actor,
                action=AuditAction.REQUEST_REFUSED,
                subject=subject or (public_ids[0] if public_ids else route),
                after=after,
                reason=refusal.detail,
                outcome=AuditOutcome.DENIED,
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


def _count(session: Session, actor: Actor, route: str, refusal: Refusal) -> int:
    """Return which denial of this kind the present one is in this hour, counted from one."""
    hour = int(clock.now().timestamp() // _HOUR.total_seconds())
    key = f"denial:{actor.user_id}:{refusal.code}:{route}:{hour}"
    return throttle.count_hits(session, key, window_seconds=int(_HOUR.total_seconds()))


def _recorded_each(actor: Actor) -> int:
    return RECORDED_EACH_OF_CUSTOMERS if actor.role is Role.USER else RECORDED_EACH_OF_STAFF


def _is_power_of_ten(number: int) -> bool:
    return str(number).rstrip("0") == "1"
