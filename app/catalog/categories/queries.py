"""Named reads of categories."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from app.catalog.categories import rules
from app.catalog.categories.models import CategoryRow
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import NotFound
from app.kit.list_query import ListColumn

PREFIX = "pct"
_SEPARATOR = " › "


@dataclass(frozen=True, slots=True)
class _Row:
    id: UUID
    parent_id: UUID | None
    slug: str
    name: str
    display_order: int


@dataclass(frozen=True, slots=True)
class Category:
    """A category with its place in the tree."""

    id: UUID
    slug: str
    name: str
    display_order: int
    #: The categories above it, the top of the tree first.
    above: Sequence["Category"]

    @property
    def public_id(self) -> str:
        """The id as others see it."""
        return ids.encode(PREFIX, self.id)

    @property
    def parent(self) -> "Category | None":
        """The category above it, or None at the top."""
        return self.above[-1] if self.above else None

    @property
    def full_name(self) -> str:
        """The names from the top of the tree to this category."""
        return _SEPARATOR.join(category.name for category in (*self.above, self))


_SELECT = sa.select(
    CategoryRow.id,
    CategoryRow.parent_id,
    CategoryRow.slug,
    CategoryRow.name,
    CategoryRow.display_order,
).order_by(CategoryRow.display_order, CategoryRow.name)


def list_categories(session: Session) -> Sequence[Category]:
    """Return every category in the order of the tree: each one before those below it."""
    categories: dict[UUID, Category] = {}
    for path in rules.walk(session.select(_Row, _SELECT)):
        row = path[-1]
        above = [categories[each.id] for each in path[:-1]]
        categories[row.id] = Category(row.id, row.slug, row.name, row.display_order, above)
    return list(categories.values())


def get_category(session: Session, category_id: UUID) -> Category:
    """Return the category with its place in the tree. Raises `NotFound`."""
    for category in list_categories(session):
        if category.id == category_id:
            return category
    raise NotFound


def is_in(column: ListColumn, slug: str) -> sa.ColumnElement[bool]:
    """Match ids of the category with this slug and of those below it."""
    top = sa.select(CategoryRow.id).where(CategoryRow.slug == slug).cte("within", recursive=True)
    within = top.union_all(sa.select(CategoryRow.id).join(top, CategoryRow.parent_id == top.c.id))
    return column.in_(sa.select(within.c.id))
