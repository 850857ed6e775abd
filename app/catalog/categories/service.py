"""The verbs of categories: add one, change one, delete one."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, Permission, require
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.catalog.categories import queries, rules
from app.catalog.categories.errors import (
    CategoryBelowItself,
    CategoryNotEmpty,
    CategorySlugTaken,
)
from app.catalog.categories.models import CategoryRow
from app.catalog.categories.queries import Category
from app.catalog.products import details
from app.kit import ids
from app.kit.db import Session, register_refusal
from app.kit.errors import Invalid, NotFound

register_refusal("product_categories_slug_key", lambda _detail: CategorySlugTaken())
# What refers to a category locks it first, so only its deletion breaks these.
register_refusal("products_category_id_fkey", lambda _detail: CategoryNotEmpty())
register_refusal("product_categories_parent_id_fkey", lambda _detail: CategoryNotEmpty())

#: Changes of the tree wait for each other, so that two of them cannot make a circle.
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('product_categories'))"


@dataclass(frozen=True, slots=True)
class CategoryEntry:
    """A category as staff enter it. `parent_id` None is the top of the tree."""

    slug: str
    name: str
    parent_id: UUID | None = None
    display_order: str = "1000"


def add_category(session: Session, actor: Actor | None, entry: CategoryEntry) -> UUID:
    """Add a category and return its id. `actor` is None on the command line.

    Raises `PermissionDenied`, `Invalid` naming the field, and `CategorySlugTaken`.
    """
    values = _check(session, actor, entry, None)
    category_id = ids.new()
    session.write(sa.insert(CategoryRow).values(id=category_id, **values))
    audit.record(
        session,
        actor=actor,
        action=AuditAction.CATEGORY_ADDED,
        subject=ids.encode(queries.PREFIX, category_id),
        after=_written(values),
    )
    return category_id


def change_category(
    session: Session, actor: Actor | None, category_id: UUID, entry: CategoryEntry
) -> None:
    """Change a category, also where it is in the tree.

    Raises as `add_category` does, and `NotFound`, and `CategoryBelowItself`.
    """
    values = _check(session, actor, entry, category_id)
    before = _written_category(queries.get_category(session, category_id))
    session.write(sa.update(CategoryRow).where(CategoryRow.id == category_id).values(**values))
    after = _written(values)
    changed = [name for name in after if after[name] != before[name]]
    if changed:
        audit.record(
            session,
            actor=actor,
            action=AuditAction.CATEGORY_CHANGED,
            subject=ids.encode(queries.PREFIX, category_id),
            before={name: before[name] for name in changed},
            after={name: after[name] for name in changed},
        )


def remove_category(session: Session, actor: Actor | None, category_id: UUID) -> None:
    """Delete a category. Raises `PermissionDenied`, `NotFound`, and `CategoryNotEmpty`."""
    if actor is not None:
        require(actor, Permission.PRODUCTS_EDIT)
    session.send(_LOCK)
    before = _written_category(queries.get_category(session, category_id))
    session.write(sa.delete(CategoryRow).where(CategoryRow.id == category_id))
    audit.record(
        session,
        actor=actor,
        action=AuditAction.CATEGORY_REMOVED,
        subject=ids.encode(queries.PREFIX, category_id),
        before=before,
    )


def _check(
    session: Session, actor: Actor | None, entry: CategoryEntry, category_id: UUID | None
) -> dict[str, object]:
    if actor is not None:
        require(actor, Permission.PRODUCTS_EDIT)
    session.send(_LOCK)
    values = {
        "slug": details.parse("slug", entry.slug),
        "name": rules.clean_name(entry.name),
        "parent_id": entry.parent_id,
        "display_order": details.parse("display_order", entry.display_order),
    }
    if entry.parent_id is not None:
        try:
            parent = queries.get_category(session, entry.parent_id)
        except NotFound:
            raise Invalid("parent", "There is no such category. Choose one of the list.") from None
        if category_id in {category.id for category in (*parent.above, parent)}:
            raise CategoryBelowItself
    return values


def _written_category(category: Category) -> Mapping[str, str]:
    return _written(
        {
            "slug": category.slug,
            "name": category.name,
            "parent_id": category.parent.id if category.parent else None,
            "display_order": category.display_order,
        }
    )


def _written(values: Mapping[str, object]) -> Mapping[str, str]:
    return {
        name: ids.encode(queries.PREFIX, value) if isinstance(value, UUID) else details.write(value)
        for name, value in values.items()
    }
