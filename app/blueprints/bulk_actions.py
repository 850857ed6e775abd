"""Run a bulk action of a list on the rows that were selected."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.access import Actor, require
from app.blueprints import form_tokens
from app.blueprints.lists import BulkAction, ListPage
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

#: Rows that one bulk action takes.
BULK_MAX = 100


@dataclass(frozen=True, slots=True)
class BulkOutcome:
    """What a bulk action did: how many rows it changed, and each refusal by public id.

    `new_refusals` are those of this request; there are none if the form was sent before.
    """

    done: int
    refusals: Mapping[str, str]
    new_refusals: Mapping[str, Refusal] = field(default_factory=dict)


def run_bulk_action(
    page: ListPage[Any], session: Session, actor: Actor, name: str, public_ids: Sequence[str]
) -> tuple[BulkAction, BulkOutcome]:
    """Run the action on each of these rows, once for each token of the posted form; a refused row
    leaves the others alone.

    Raises `Invalid` naming `act` for an unknown action and `ids` without rows or with more than
    `BULK_MAX`, `PermissionDenied`, `FormTokenMissing` and `FormSentBefore`.
    """
    action = next((each for each in page.bulk_actions if each.name == name), None)
    if action is None:
        raise Invalid("act", "Choose what to do with the rows.")
    require(actor, action.permission)
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
    return action, BulkOutcome(done, texts, refusals)


def _refusal_text(refusal: Refusal) -> str:
    return refusal.message if isinstance(refusal, Invalid) else refusal.detail
