"""Reads of feature flags: whether a person has a feature, every feature, and the history."""

from dataclasses import dataclass
from datetime import datetime
from uuid import NAMESPACE_OID, UUID, uuid5

import sqlalchemy as sa

from app.flags import rules
from app.flags.models import FlagChange
from app.flags.rules import EVERYONE, Cohort, Feature, FeatureCeiling, FeatureState
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import FeatureDisabled
from app.kit.list_query import ListSource
from app.kit.ports import resolve
from app.kit.statements import StoredEnum, compile_select

_COHORT = compile_select(
    sa.select(FlagChange.share, FlagChange.people)
    .where(FlagChange.feature == sa.bindparam("feature", type_=StoredEnum(Feature)))
    .order_by(FlagChange.id.desc())
    .limit(1)
)


def _to_cohort(share: int, people: list[UUID]) -> Cohort:
    return Cohort(share, frozenset(people))


def get_cohort(session: Session, feature: Feature) -> Cohort:
    """Return the people who have the feature, as far as the environment allows it."""
    return session.find(_to_cohort, _COHORT, feature=feature) or EVERYONE


def require_feature(session: Session, feature: Feature, person_id: UUID) -> None:
    """Raise `FeatureDisabled` unless this person has the feature now."""
    if not resolve(FeatureCeiling).allows(feature):
        raise FeatureDisabled
    if not get_cohort(session, feature).includes(feature, person_id):
        raise FeatureDisabled


@dataclass(frozen=True, slots=True)
class FlagRow:
    """A feature with its cohort, and since when it has it."""

    id: UUID
    feature: Feature
    share: int
    people: list[UUID]
    since: datetime | None

    @property
    def cohort(self) -> Cohort:
        """The people who have it, as far as the environment allows it."""
        return _to_cohort(self.share, self.people)

    @property
    def state(self) -> FeatureState:
        """For whom it is switched on."""
        is_allowed = resolve(FeatureCeiling).allows(self.feature)
        return rules.state_of(self.cohort, is_allowed=is_allowed)


def _every_flag() -> ListSource[FlagRow]:
    """Return the list of all features with their latest cohorts."""
    declared = sa.values(
        sa.column("id", sa.Uuid), sa.column("feature", StoredEnum(Feature)), name="declared"
    ).data([(uuid5(NAMESPACE_OID, f"pbcex feature {each}"), each) for each in Feature])
    latest = (
        sa.select(FlagChange.share, FlagChange.people, FlagChange.made_at)
        .where(FlagChange.feature == declared.c.feature)
        .order_by(FlagChange.id.desc())
        .limit(1)
        .lateral()
    )
    no_people = sa.cast(sa.literal([]), sa.ARRAY(sa.Uuid))
    return ListSource(
        FlagRow,
        sa.select(
            declared.c.id,
            declared.c.feature,
            sa.func.coalesce(latest.c.share, rules.SHARE_MAX).label("share"),
            sa.func.coalesce(latest.c.people, no_people).label("people"),
            latest.c.made_at.label("since"),
        ).select_from(declared.outerjoin(latest, sa.true())),
        key=declared.c.id,
        sorts={"feature": sa.type_coerce(declared.c.feature, sa.Text)},
        filters={},
    )


FLAGS = _every_flag()


def get_flag(session: Session, feature: Feature) -> FlagRow:
    """Return the feature with its cohort."""
    return session.get(FlagRow, FLAGS.select.where(FLAGS.sorts["feature"] == feature.value))


@dataclass(frozen=True, slots=True)
class FlagChangeRow:
    """A cohort that a feature had from an instant on."""

    id: UUID
    feature: Feature
    share: int
    people: list[UUID]
    reason: str
    maker_id: UUID
    approval_id: UUID | None
    made_at: datetime

    @property
    def approval_public_id(self) -> str | None:
        """The request by which a second person approved it."""
        return ids.encode("apr", self.approval_id) if self.approval_id else None


#: Every change.
CHANGES = ListSource(
    FlagChangeRow,
    sa.select(
        FlagChange.id,
        FlagChange.feature,
        FlagChange.share,
        FlagChange.people,
        FlagChange.reason,
        FlagChange.maker_id,
        FlagChange.approval_id,
        FlagChange.made_at,
    ),
    key=FlagChange.id,
    sorts={"made": FlagChange.id},
    filters={"feature": lambda feature: FlagChange.feature == feature},
)
