"""The table of categories."""

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base


class CategoryRow(Base):
    """A category of products, below another one or at the top."""

    __tablename__ = "product_categories"
    __table_args__ = (
        sa.CheckConstraint("slug ~ '^[a-z0-9-]{1,80}$'", name="category_slug_is_of_a_url"),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 60", name="category_name_has_a_length"),
        sa.CheckConstraint("parent_id <> id", name="category_is_not_its_own_parent"),
        sa.Index("product_categories_parent_id_idx", "parent_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    parent_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("product_categories.id"))
    slug: Mapped[str] = mapped_column(sa.Text, unique=True)
    name: Mapped[str] = mapped_column(sa.Text)
    #: Categories with a lower number come first below their parent.
    display_order: Mapped[int]
