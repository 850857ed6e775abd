"""Tier 3: asked for by sending what shows it, approved by two of the staff."""

from collections.abc import Collection
from typing import Protocol
from uuid import UUID

from app.kit import clock, ids
from app.kit.db import Session
from app.kyc import queries, rules
from app.kyc.queries import Verification
from app.kyc.review import transitions
from app.kyc.rules import ENHANCED_NEEDS, OPEN, Kind, Purpose, Reason, Status


class Shows(Protocol):
    """A document, as far as it matters here."""

    @property
    def purpose(self) -> Purpose:
        """What it shows."""
        ...


def missing(documents: Collection[Shows]) -> list[Purpose]:
    """What has not been sent of what tier 3 needs."""
    there = {each.purpose for each in documents}
    return [each for each in ENHANCED_NEEDS if each not in there]


def consider(
    session: Session, user_id: UUID, documents: Collection[Shows], said: transitions.Said
) -> None:
    """Begin the review for tier 3, if somebody has tier 2 and sent what it needs; bring back to the
    staff what waited for their documents."""
    found = transitions.locked_of(session, user_id)
    for each in found:
        if each.status is Status.MORE_NEEDED and Reason.NOT_FINISHED not in each.reasons:
            transitions.go(session, each, Status.IN_REVIEW, said=said)
    identity = identity_of(found)
    open_one = any(each.kind is Kind.ENHANCED and each.status in OPEN for each in found)
    if identity is None or identity.tier != rules.TIER_VERIFIED or open_one or missing(documents):
        return
    older = [each for each in found if each.kind is Kind.ENHANCED]
    transitions.supersede(session, older, said)
    transitions.begin(
        session,
        said.actor,
        verification_id=ids.new(),
        user_id=user_id,
        kind=Kind.ENHANCED,
        status=Status.IN_REVIEW,
        tier=rules.TIER_NONE,
        details_sealed=None,
    )


def identity_of(found: Collection[Verification]) -> Verification | None:
    """The approved identity among a person's verifications that tier 3 would be added to."""
    best = queries.best_of(list(found))
    is_valid = best is not None and best.status_at(clock.now()) is Status.APPROVED
    return best if is_valid else None
