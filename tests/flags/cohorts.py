"""Cohorts and ceilings of features for tests. The table is append-only: its latest row counts."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from uuid import UUID

import sqlalchemy as sa

from app.flags.models import FlagChange
from app.flags.rules import Feature, FeatureCeiling, FulfilmentStrategy
from app.kit import clock, ids
from app.kit.db import Database
from app.kit.ports import provide, resolve


def store_cohort(
    database: Database, feature: Feature, share: int = 100, people: Collection[UUID] = ()
) -> None:
    """Let the feature have this cohort, without a second person."""
    with database.transaction() as session:
        session.write(
            sa.insert(FlagChange).values(
                id=ids.new(),
                feature=feature,
                share=share,
                people=list(people),
                reason="Set by a test",
                maker_id=ids.new(),
                made_at=clock.now(),
            )
        )


@contextmanager
def ceiling(phase: int, *switches: str, strategy: str = "JM") -> Iterator[None]:
    """Let the environment allow this, for all applications of the process."""
    before = resolve(FeatureCeiling)
    allowed = FeatureCeiling(phase, frozenset(switches), FulfilmentStrategy(strategy))
    provide(FeatureCeiling, allowed)
    try:
        yield
    finally:
        provide(FeatureCeiling, before)
