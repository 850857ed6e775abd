"""Chains of sponsorships: whom they connect, and when they break."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from app.access import Permission
from app.identity.roles.rules import (
    GrantTie,
    SponsorshipKind,
    SponsorshipTie,
    find_dependence,
    trace_sponsors,
)

ANN, BOB, CAL, DEE, EVE = (UUID(int=number) for number in range(1, 6))
NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


def tie(person: UUID, sponsor: UUID, days_ago: int) -> SponsorshipTie:
    at = NOON - timedelta(days=days_ago)
    return SponsorshipTie(person, sponsor, SponsorshipKind.INVITED, at)


def test_chain_is_as_old_as_its_oldest_link_and_the_youngest_chain_counts() -> None:
    long_way = [tie(CAL, BOB, 1), tie(BOB, ANN, 20)]
    assert trace_sponsors(CAL, long_way)[ANN] == NOON - timedelta(days=20)
    short_cut = [*long_way, tie(CAL, ANN, 5)]
    assert trace_sponsors(CAL, short_cut)[ANN] == NOON - timedelta(days=5)
    # People who owe something to each other are no endless chain.
    assert trace_sponsors(ANN, [tie(ANN, BOB, 1), tie(BOB, ANN, 1)]).keys() == {ANN, BOB}


def test_each_direction_has_its_own_reason_and_strangers_have_none() -> None:
    ties = [tie(BOB, ANN, 3), tie(CAL, BOB, 2), tie(DEE, ANN, 1)]
    reasons = {
        pair: found.reason if (found := find_dependence(*pair, ties, [])) else None
        for pair in ((ANN, BOB), (ANN, CAL), (BOB, ANN), (CAL, DEE), (ANN, EVE))
    }
    assert reasons == {
        (ANN, BOB): "The maker of this request invited you.",
        (ANN, CAL): "You owe your account or role, through others, to the maker of this request.",
        (BOB, ANN): "The maker of this request owes their account or role to you.",
        (CAL, DEE): "You and the maker of this request owe your accounts or roles to the same"
        " person.",
        (ANN, EVE): None,
    }


def test_grant_binds_its_holders_to_the_person_who_asked_for_it_only() -> None:
    grants = [GrantTie(person, Permission.APPROVALS_DECIDE, ANN, NOON) for person in (CAL, DEE)]
    assert find_dependence(ANN, CAL, [], grants) is not None
    assert find_dependence(CAL, ANN, [], grants) is not None
    # Two people in the role that got the permission remain independent of each other.
    assert find_dependence(DEE, CAL, [], grants) is None
    # It counts as well if someone whom the maker invited asked for it.
    found = find_dependence(BOB, CAL, [tie(ANN, BOB, 7)], grants)
    assert found is not None
    assert found.since == NOON - timedelta(days=7)
