"""Tables of branches."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base


class Branch(Base):
    """A place where customers are served."""

    __tablename__ = "branches"
    __table_args__ = (
        sa.CheckConstraint("code ~ '^[A-Z][A-Z0-9]{1,11}$'", name="branch_code_is_short"),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 100", name="branch_name_has_a_length"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.Text, unique=True)
    name: Mapped[str] = mapped_column(sa.Text)
    opened_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
