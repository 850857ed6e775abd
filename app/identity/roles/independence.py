"""Independence of the two people whom an act needs: what is recorded, and for how long it counts.

Every verb that makes a person able to act records to whom they owe it (`record_sponsorship`): who
asked for it, not who approved it. What the command line does is owed to no one: `flask people
appoint-admin` makes the first two administrators, who are independent of each other.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from app.access import Permission
from app.approvals.ports import Dependence
from app.identity.models import User
from app.identity.roles import rules
from app.identity.roles.models import RoleGrant, Sponsorship
from app.identity.roles.rules import GrantTie, SponsorshipKind, SponsorshipTie
from app.kit import clock, ids
from app.kit.db import Session
from app.settings.queries import current
from app.settings.rules import setting, settings_group

_TIES = sa.select(
    Sponsorship.person_id, Sponsorship.sponsor_id, Sponsorship.kind, Sponsorship.at
).order_by(Sponsorship.id)
_GRANTS = sa.select(
    User.id.label("person_id"), RoleGrant.permission, RoleGrant.granted_by, RoleGrant.granted_at
).join(RoleGrant, RoleGrant.role == User.role)
#: A request: its maker, its checker, and the permissions that the decision needs.
_Pair = tuple[UUID, UUID, frozenset[Permission]]


@settings_group("approvals", "Approvals")
@dataclass(frozen=True, slots=True)
class ApprovalRules:
    """When a second person is another one."""

    independence_days: int = setting(
        "Account, role or permission is owed for",
        30,
        minimum=1,
        maximum=365,
        unit="days",
        about="Until then a person does not decide requests of those who invited them, gave them"
        " their role or a permission, or restored their access, nor the other way round.",
    )


def record_sponsorship(
    session: Session, person_id: UUID, sponsor_id: UUID, kind: SponsorshipKind
) -> None:
    """Record that the person owes this to the sponsor: the maker of the request, or who acted."""
    session.write(
        sa.insert(Sponsorship).values(
            id=ids.new(), person_id=person_id, sponsor_id=sponsor_id, kind=kind, at=clock.now()
        )
    )


class RecordedIndependence:
    """The port of approvals (approvals/ports.py), implemented by what was recorded."""

    def find_dependences(
        self,
        session: Session,
        maker_id: UUID,
        checker_ids: Collection[UUID],
        permissions: frozenset[Permission],
    ) -> Mapping[UUID, Dependence]:
        """Return why each of these people may not decide a request of the maker; those who may are
        left out. `permissions` are what the decision needs."""
        pairs = [(maker_id, checker_id, permissions) for checker_id in checker_ids]
        found = _find_dependences(session, pairs)
        return {checker_id: why for (_maker, checker_id, _needed), why in found.items()}

    def find_dependent(
        self,
        session: Session,
        checker_id: UUID,
        requests: Collection[tuple[UUID, frozenset[Permission]]],
    ) -> set[tuple[UUID, frozenset[Permission]]]:
        """Return those of the requests (their maker, and what the decision needs) that this person
        may not decide."""
        pairs = [(maker_id, checker_id, permissions) for maker_id, permissions in requests]
        found = _find_dependences(session, pairs)
        return {(maker_id, permissions) for maker_id, _checker_id, permissions in found}


def _find_dependences(session: Session, pairs: Collection[_Pair]) -> Mapping[_Pair, Dependence]:
    """Return why the checker of each pair may not decide the request; those who may are left
    out."""
    period = timedelta(days=current(session, ApprovalRules).independence_days)
    start = clock.now() - period
    ties = session.select(SponsorshipTie, _TIES.where(Sponsorship.at > start))
    granted = _GRANTS.where(
        User.id.in_({person_id for *people, _ in pairs for person_id in people}),
        RoleGrant.permission.in_({each for *_, permissions in pairs for each in permissions}),
        RoleGrant.granted_at > start,
        RoleGrant.granted_by.is_not(None),
    )
    grants = session.select(GrantTie, granted)
    found = {}
    for pair in pairs:
        maker_id, checker_id, permissions = pair
        needed = [grant for grant in grants if grant.permission in permissions]
        dependence = rules.find_dependence(maker_id, checker_id, ties, needed)
        if dependence is not None:
            found[pair] = Dependence(dependence.reason, dependence.since + period)
    return found
