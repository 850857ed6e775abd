"""Run a bulk action of a list on the rows that were selected."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.access import Actor, require
from app.blueprints.lists import BulkAction, ListPage
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import Conflict, Invalid, NotFound, PermissionDenied, Refusal

#: Rows that one bulk action takes.
BULK_MAX = 100


@dataclass(frozen=True, slots=True)
class BulkOutcome:
    """What a bulk action did: how many rows it changed, and each refusal by public id."""

    done: int
    refusals: Mapping[str, str]


def run_bulk_action(
    page: ListPage[Any], session: Session, actor: Actor, name: str, public_ids: Sequence[str]
) -> tuple[BulkAction, BulkOutcome]:
    """Run the action on each of these rows; a refused row leaves the others alone.

    Raises `NotFound` for an unknown action, `PermissionDenied`, and `Invalid` naming `ids` without
    rows or with more than `BULK_MAX`.
    """
    action = next((each for each in page.bulk_actions if each.name == name), None)
    if action is None:
        raise NotFound
    require(actor, action.permission)
    chosen = list(dict.fromkeys(public_ids))
    if not 0 < len(chosen) <= BULK_MAX:
        raise Invalid("ids", f"Select between 1 and {BULK_MAX} rows.")
    refusals: dict[str, str] = {}
    for public_id in chosen:
        try:
            with session.savepoint():
                action.run(session, actor, ids.decode(action.prefix, public_id))
        except (Invalid, Conflict, NotFound, PermissionDenied) as refusal:
            refusals[public_id] = _refusal_text(refusal)
    return action, BulkOutcome(len(chosen) - len(refusals), refusals)


def _refusal_text(refusal: Refusal) -> str:
    return refusal.message if isinstance(refusal, Invalid) else refusal.detail
