"""Who owes their account, role or access to whom, and when two people are independent.

A sponsorship says that one person owes something to another, the sponsor, who asked for it. Two
people are not independent while a chain of sponsorships leads from one to the other, or from both
to the same person: one person behind several accounts would look like several.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from app.kit.labels import LabelledEnum

_ALWAYS = datetime.max.replace(tzinfo=UTC)


class SponsorshipKind(LabelledEnum):
    """What a person owes to their sponsor."""

    INVITED = "invited", "Invitation"
    ROLE_CHANGED = "role_changed", "Role"
    REACTIVATED = "reactivated", "Lifted suspension"
    SECOND_FACTOR_REMOVED = "second_factor_removed", "Removed second factor"


#: What the sponsor did for the person who reads it.
_DEEDS = {
    SponsorshipKind.INVITED: "invited you",
    SponsorshipKind.ROLE_CHANGED: "gave you your role",
    SponsorshipKind.REACTIVATED: "asked to lift your suspension",
    SponsorshipKind.SECOND_FACTOR_REMOVED: "asked to remove your second factor",
}


@dataclass(frozen=True, slots=True)
class SponsorshipTie:
    """What one person owes to another since an instant."""

    person_id: UUID
    sponsor_id: UUID
    kind: SponsorshipKind
    at: datetime


@dataclass(frozen=True, slots=True)
class GrantTie:
    """A permission that a person holds since a member of staff had it granted to their role."""

    person_id: UUID
    permission: str
    granted_by: UUID
    granted_at: datetime


@dataclass(frozen=True, slots=True)
class FoundDependence:
    """Why two people are not independent, and the age of the chain that makes them so: of its
    oldest link, because the chain breaks there first."""

    reason: str
    since: datetime


def trace_sponsors(person_id: UUID, ties: Sequence[SponsorshipTie]) -> Mapping[UUID, datetime]:
    """Return whom the person owes something to, directly or through others, and themselves.

    The instant is that of the oldest link of the chain; of several chains, the youngest counts.
    """
    found = {person_id: _ALWAYS}
    has_grown = True
    while has_grown:
        has_grown = False
        for tie in ties:
            if tie.person_id not in found:
                continue
            since = min(found[tie.person_id], tie.at)
            if tie.sponsor_id not in found or found[tie.sponsor_id] < since:
                found[tie.sponsor_id] = since
                has_grown = True
    return found


def find_dependence(
    maker_id: UUID,
    checker_id: UUID,
    ties: Sequence[SponsorshipTie],
    grants: Iterable[GrantTie],
) -> FoundDependence | None:
    """Return why the checker may not decide a request of the maker; None if they are independent.

    `grants` are those of the permissions that the decision needs, to the role of either.
    """
    sponsors = {each: trace_sponsors(each, ties) for each in (maker_id, checker_id)}
    makers, checkers = sponsors.values()
    since = _oldest_common_link(makers, checkers)
    if since is not None:
        return FoundDependence(_say_why(maker_id, checker_id, ties, makers, checkers), since)
    others = {maker_id: checker_id, checker_id: maker_id}
    for grant in grants:
        other_id = others.get(grant.person_id)
        if other_id is None:
            continue
        granters = trace_sponsors(grant.granted_by, ties)
        since = _oldest_common_link(sponsors[other_id], granters)
        if since is not None:
            is_direct = grant.granted_by == other_id
            reason = _say_who_granted(is_direct=is_direct, to_maker=grant.person_id == maker_id)
            return FoundDependence(reason, min(since, grant.granted_at))
    return None


def _say_who_granted(*, is_direct: bool, to_maker: bool) -> str:
    if to_maker:
        granter = "you" if is_direct else "someone close to you"
        return f"A permission of this kind was granted to the role of the maker by {granter}."
    granter = "the maker of this request" if is_direct else "someone close to its maker"
    return f"A permission that you need to decide was granted to your role by {granter}."


def _oldest_common_link(
    some: Mapping[UUID, datetime], others: Mapping[UUID, datetime]
) -> datetime | None:
    """Return the age of the youngest chain between the two; None if nothing connects them."""
    common = some.keys() & others.keys()
    return max((min(some[each], others[each]) for each in common), default=None)


def _say_why(
    maker_id: UUID,
    checker_id: UUID,
    ties: Sequence[SponsorshipTie],
    makers: Mapping[UUID, datetime],
    checkers: Mapping[UUID, datetime],
) -> str:
    direct = [tie for tie in ties if (tie.person_id, tie.sponsor_id) == (checker_id, maker_id)]
    if direct:
        latest = max(direct, key=lambda tie: tie.at)
        return f"The maker of this request {_DEEDS[latest.kind]}."
    if maker_id in checkers:
        return "You owe your account or role, through others, to the maker of this request."
    if checker_id in makers:
        return "The maker of this request owes their account or role to you."
    return "You and the maker of this request owe your accounts or roles to the same person."
