"""What a sanctions decision would do to the things that were screened, in sentences.

Rooms above register what happens to theirs. An id stands at the end of its sentence.
"""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from app.kit import ids
from app.kit.db import Session
from app.kit.errors import NotFound


@dataclass(frozen=True, slots=True)
class DecisionEffect:
    """What happens to one thing if its subject is a true match, and if not; empty for nothing."""

    match: str = ""
    no_match: str = ""


#: Returns the effect on the thing with this id.
DescribeEffect = Callable[[Session, UUID], DecisionEffect]

_DESCRIBED: dict[str, DescribeEffect] = {}


def register_effect(prefix: str, describe: DescribeEffect) -> None:
    """Register the effect on things with this prefix. Raises `TypeError` if it is taken."""
    if _DESCRIBED.setdefault(prefix, describe) is not describe:
        raise TypeError(f"two rooms describe what a decision does to {prefix}_…")


def describe_effect(session: Session, public_id: str) -> DecisionEffect:
    """Return the effect on the thing with this public id; none if it does not change or is gone."""
    prefix = ids.prefix_of(public_id) or ""
    if prefix not in _DESCRIBED:
        return DecisionEffect()
    try:
        return _DESCRIBED[prefix](session, ids.decode(prefix, public_id))
    except NotFound:
        return DecisionEffect()
