"""Named reads of categories."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from app.catalog.categories import rules
from app.catalog.categories.models import CategoryRow
from app.catalog.products.models import Product
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import NotFound
from app.kit.list_query import ListColumn, ListSource
from app.kit.statements import compile_statement

PREFIX = "pct"
_SEPARATOR = " › "
#: Those of the highest place in an order.
_ORDER_DIGITS = 7


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


def _sorted_name() -> sa.ColumnElement[str]:
    return sa.collate(sa.func.lower(CategoryRow.name), "C")


@dataclass(frozen=True, slots=True)
class ListedCategory:
    """A category as staff see it in the list. `product_count` leaves out those below it."""

    id: UUID
    slug: str
    full_name: str
    display_order: int
    product_count: int

    @property
    def public_id(self) -> str:
        """The id as others see it."""
        return ids.encode(PREFIX, self.id)


_SELECT = sa.select(
    CategoryRow.id,
    CategoryRow.parent_id,
    CategoryRow.slug,
    CategoryRow.name,
    CategoryRow.display_order,
).order_by(CategoryRow.display_order, _sorted_name(), CategoryRow.slug)


def _select_tree() -> sa.CTE:
    """Return each category with its full name, and its place: a text that sorts as the tree."""
    # Names are printable, so that a category comes right before those below it.
    end = sa.func.chr(1)
    own = sa.func.lpad(sa.cast(CategoryRow.display_order, sa.Text), _ORDER_DIGITS, "0").concat(
        sa.func.lower(CategoryRow.name).concat(end).concat(CategoryRow.slug).concat(end)
    )
    columns = (CategoryRow.id, CategoryRow.slug, CategoryRow.display_order)
    top = sa.select(*columns, CategoryRow.name.label("full_name"), own.label("place"))
    tree = top.where(CategoryRow.parent_id.is_(None)).cte("category_tree", recursive=True)
    full_name = tree.c.full_name.concat(_SEPARATOR).concat(CategoryRow.name)
    below = sa.select(*columns, full_name, tree.c.place.concat(own))
    return tree.union_all(below.join(tree, CategoryRow.parent_id == tree.c.id))


_TREE = _select_tree()
CATEGORIES = ListSource(
    ListedCategory,
    sa.select(
        _TREE.c.id,
        _TREE.c.slug,
        _TREE.c.full_name,
        _TREE.c.display_order,
        sa.select(sa.func.count())
        .where(Product.category_id == _TREE.c.id)
        .scalar_subquery()
        .label("product_count"),
    ),
    key=_TREE.c.id,
    sorts={"tree": sa.type_coerce(sa.collate(_TREE.c.place, "C"), sa.Text)},
    filters={"name": lambda text: _TREE.c.full_name.icontains(text, autoescape=True)},
)


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


def list_below(session: Session, category: Category) -> Sequence[Category]:
    """Return the category and every one below it, in the order of the tree."""
    return [
        each
        for each in list_categories(session)
        if category.id in {above.id for above in (*each.above, each)}
    ]


def count_products(session: Session, category_id: UUID) -> int:
    """Return how many products are in the category itself, published or not."""
    select = sa.select(sa.func.count()).where(Product.category_id == category_id)
    return int(session.value(*compile_statement(select)))


def within(slug: str | sa.ColumnElement[str]) -> sa.Select[tuple[UUID]]:
    """Return the ids of the category with this slug and of those below it."""
    top = sa.select(CategoryRow.id).where(CategoryRow.slug == slug).cte("within", recursive=True)
    found = top.union_all(sa.select(CategoryRow.id).join(top, CategoryRow.parent_id == top.c.id))
    return sa.select(found.c.id)


def is_in(column: ListColumn, slug: str) -> sa.ColumnElement[bool]:
    """Match ids of the category with this slug and of those below it."""
    return column.in_(within(slug))
