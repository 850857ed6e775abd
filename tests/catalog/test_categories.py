"""The tree of categories: what is refused, and in which order it is shown."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import UUID

import pytest

from app.access import Role
from app.catalog.categories import queries, service
from app.catalog.categories.errors import (
    CategoryBelowItself,
    CategoryNotEmpty,
    CategorySlugTaken,
)
from app.catalog.categories.service import CategoryEntry
from app.catalog.products import service as products
from app.kit import ids
from app.kit.db import Database
from app.kit.errors import Invalid, PermissionDenied
from app.kit.list_query import ListQuery, fetch_page
from tests.catalog.test_products import add as add_product
from tests.people import People
from tests.unchanged_database import database_unchanged


def entry(name: str = "Coins", parent_id: UUID | None = None, place: str = "1") -> CategoryEntry:
    return CategoryEntry(f"c-{ids.new().hex[-12:]}", name, parent_id, place)


def add(database: Database, category: CategoryEntry) -> UUID:
    with database.transaction() as session:
        return service.add_category(session, None, category)


def test_category_cannot_be_below_itself_or_what_is_below_it(database: Database) -> None:
    top = add(database, entry("Top"))
    below = add(database, entry("Below", top))
    lowest = add(database, entry("Lowest", below))
    for parent_id in (top, below, lowest):
        with (
            database_unchanged(database),
            pytest.raises(CategoryBelowItself),
            database.transaction() as session,
        ):
            service.change_category(session, None, top, entry("Top", parent_id))


def test_category_moves_with_those_below_it(database: Database) -> None:
    old, new = add(database, entry("Old")), add(database, entry("New"))
    moved = entry("Moved", old)
    moved_id = add(database, moved)
    lowest = add(database, entry("Lowest", moved_id))
    with database.transaction() as session:
        service.change_category(session, None, moved_id, replace(moved, parent_id=new))
        assert queries.get_category(session, lowest).full_name == "New › Moved › Lowest"


def test_slug_of_a_category_is_used_once(database: Database) -> None:
    taken, other = entry(), entry()
    add(database, taken)
    other_id = add(database, other)
    with database_unchanged(database):
        with pytest.raises(CategorySlugTaken):
            add(database, replace(entry(), slug=taken.slug))
        with pytest.raises(CategorySlugTaken), database.transaction() as session:
            service.change_category(session, None, other_id, replace(other, slug=taken.slug))


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("name", {"name": "x" * 61}),
        ("slug", {"slug": "Gold coins"}),
        ("display_order", {"display_order": "first"}),
        ("parent", {"parent_id": ids.new()}),
    ],
)
def test_category_names_the_field_that_is_wrong(
    database: Database, field: str, change: dict[str, object]
) -> None:
    with database_unchanged(database), pytest.raises(Invalid) as refused:
        add(database, replace(entry(), **change))  # type: ignore[arg-type] # one wrong field
    assert refused.value.field == field


def test_only_an_empty_category_is_deleted(database: Database) -> None:
    top, sku = entry(), add_product(database).sku
    top_id = add(database, top)
    below_id = add(database, entry(parent_id=top_id))
    with (
        database_unchanged(database),
        pytest.raises(CategoryNotEmpty),
        database.transaction() as session,
    ):
        service.remove_category(session, None, top_id)
    with database.transaction() as session:
        service.remove_category(session, None, below_id)
        products.change_product(session, None, sku, {"category": top.slug})
    with pytest.raises(CategoryNotEmpty), database.transaction() as session:
        service.remove_category(session, None, top_id)
    with database.transaction() as session:
        products.change_product(session, None, sku, {"category": ""})
        service.remove_category(session, None, top_id)
        assert top.slug not in {each.slug for each in queries.list_categories(session)}


def test_product_is_in_a_category_that_is_there_when_both_change_at_once(
    database: Database,
) -> None:
    sku = add_product(database).sku
    for _ in range(6):
        category = entry()
        category_id = add(database, category)

        def put(slug: str = category.slug) -> None:
            with database.transaction() as session:
                products.change_product(session, None, sku, {"category": slug})

        def remove(category_id: UUID = category_id) -> None:
            with database.transaction() as session:
                service.remove_category(session, None, category_id)

        with ThreadPoolExecutor() as pool:
            errors = [pool.submit(act).exception() for act in (put, remove)]
        # One of them was first, and the other was refused for it.
        kinds = [type(error) for error in errors if error is not None]
        assert kinds in ([Invalid], [CategoryNotEmpty]), errors


def test_list_shows_each_category_before_those_below_it_page_by_page(database: Database) -> None:
    name = f"T{ids.new().hex[-10:]}"
    top = add(database, entry(name))
    second = add(database, entry("B", top, "2"))
    add(database, entry("a", top, "2"))
    add(database, entry("Z", top, "1"))
    add(database, entry("Lowest", second))
    expected = ["", " › Z", " › a", " › B", " › B › Lowest"]
    assert list_names(database, name) == [f"{name}{path}" for path in expected]
    with database.reading() as session:
        tree = [each.full_name for each in queries.list_categories(session)]
    assert [each for each in tree if each.startswith(name)] == list_names(database, name)


def list_names(database: Database, name: str) -> Sequence[str]:
    """Return the names of the list, two to a page."""
    names: list[str] = []
    query = ListQuery({"name": name.upper()}, "tree", limit=2)
    with database.reading() as session:
        while True:
            page = fetch_page(session, queries.CATEGORIES, query)
            names += [row.full_name for row in page.rows]
            if page.next_cursor is None:
                return names
            query = replace(query, cursor=page.next_cursor)


def test_categories_need_the_permission_of_products(database: Database, people: People) -> None:
    teller, category_id = people.staff(Role.TELLER), add(database, entry())
    with database_unchanged(database):
        with pytest.raises(PermissionDenied), database.transaction() as session:
            service.add_category(session, teller, entry())
        with pytest.raises(PermissionDenied), database.transaction() as session:
            service.remove_category(session, teller, category_id)
