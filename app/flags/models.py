"""The table of feature flags. Append-only."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.flags.rules import Feature
from app.kit.db import Base
from app.kit.statements import StoredEnum


class FlagChange(Base):
    """A cohort of a feature. The latest one counts; without any, every person has the feature."""

    __tablename__ = "flag_changes"
    __table_args__ = (
        sa.CheckConstraint(
            "feature IN ('support', 'vault_redemption', 'onchain')", name="flag_feature_known"
        ),
        sa.CheckConstraint("share BETWEEN 0 AND 100", name="flag_share_is_percent"),
        sa.CheckConstraint("cardinality(people) <= 100", name="flag_people_are_few"),
        sa.Index("flag_changes_feature_id_idx", "feature", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    feature: Mapped[Feature] = mapped_column(StoredEnum(Feature))
    #: Percent of all people, by a hash of their id.
    share: Mapped[int] = mapped_column(sa.SmallInteger)
    #: The ids of people who have it in any case.
    people: Mapped[list[UUID]] = mapped_column(ARRAY(sa.Uuid))
    reason: Mapped[str] = mapped_column(sa.Text)
    maker_id: Mapped[UUID]
    #: The request by which a second person approved it.
    approval_id: Mapped[UUID | None]
    made_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
