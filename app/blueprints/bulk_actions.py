"""Run a bulk action of a list on selected rows, or start one on all that were found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from uuid import UUID

from flask import request

from app.access import Actor, require
from app.blueprints import form_tokens, list_view
from app.blueprints.lists import BulkAction, BulkStart, ListPage
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import (
    Conflict,
    Invalid,
    NotFound,
    PermissionDenied,
    RateLimited,
    Refusal,
)
from app.kit.formatting import format_count
from app.kit.list_query import fetch_all

#: Rows that one bulk action takes.
BULK_MAX = 100


@dataclass(frozen=True, slots=True)
class BulkOutcome:
    """What a bulk action did: how many rows it changed, and each refusal by public id.

    `new_refusals` are those of this request; there are none if the form was sent before. At the
    page `location` the action goes on.
    """

    done: int
    refusals: Mapping[str, str]
    location: str | None = None
    new_refusals: Mapping[str, Refusal] = field(default_factory=dict)


def run_bulk_action(
    page: ListPage[Any], session: Session, actor: Actor, name: str, public_ids: Sequence[str]
) -> tuple[BulkAction | BulkStart, BulkOutcome]:
    """Run the action on each of these rows, once for each token of the posted form; a refused row
    leaves the others alone.

    Raises `Invalid` naming `act` for an unknown action and `ids` without rows or with more than
    `BULK_MAX`, `PermissionDenied`, `FormTokenMissing` and `FormSentBefore`.
    """
    action_name, _, extent = name.partition(":")
    action = next((each for each in page.bulk_actions if each.name == action_name), None)
    if action is None:
        raise Invalid("act", "Choose what to do with the rows.")
    require(actor, action.permission)
    if isinstance(action, BulkStart):
        return action, _start(page, session, actor, action, public_ids if not extent else None)
    chosen = list(dict.fromkeys(public_ids))
    if not 0 < len(chosen) <= BULK_MAX:
        raise Invalid("ids", f"Select between 1 and {BULK_MAX} rows.")
    claim, effect = form_tokens.claim_token(session, actor)
    if effect is not None:
        return action, BulkOutcome(*effect)
    refusals: dict[str, Refusal] = {}
    for public_id in chosen:
        try:
            with session.savepoint():
                action.run(session, actor, ids.decode(action.prefix, public_id))
        except (Invalid, Conflict, NotFound, PermissionDenied, RateLimited) as refusal:
            refusals[public_id] = refusal
    done = len(chosen) - len(refusals)
    texts = {public_id: _refusal_text(refusal) for public_id, refusal in refusals.items()}
    if done:
        form_tokens.store_effect(session, claim, [done, texts])
    return action, BulkOutcome(done, texts, new_refusals=refusals)


def _start(
    page: ListPage[Any],
    session: Session,
    actor: Actor,
    action: BulkStart,
    public_ids: Sequence[str] | None,
) -> BulkOutcome:
    """Start the action on these rows, or on all that the search in the URL finds."""
    claim, effect = form_tokens.claim_token(session, actor)
    if effect is not None:
        return BulkOutcome(*effect)
    if public_ids is None:
        chosen = _find_all(page, session, actor, action.rows_max)
    else:
        chosen = [ids.decode(action.prefix, each) for each in dict.fromkeys(public_ids)]
    if not 0 < len(chosen) <= action.rows_max:
        raise Invalid("ids", f"Select between 1 and {format_count(action.rows_max)} rows.")
    with session.savepoint():
        location = action.run(session, actor, chosen)
    form_tokens.store_effect(session, claim, [len(chosen), {}, location])
    return BulkOutcome(len(chosen), {}, location)


def _find_all(page: ListPage[Any], session: Session, actor: Actor, rows_max: int) -> list[UUID]:
    """Return the ids of every row that was found, or of one more than so many."""
    search = list_view.parse_search(page, session, actor, request.args)
    search.refuse_problems()
    rows = fetch_all(session, page.source(session, actor), search.values, search.sort)
    return [row.id for row in islice(rows, rows_max + 1)]


def _refusal_text(refusal: Refusal) -> str:
    return refusal.message if isinstance(refusal, Invalid) else refusal.detail
