"""Categories of products: the tree, and one with what is below it."""

from collections.abc import Mapping, Sequence

from flask import Response, url_for

from app.access import Actor, Permission
from app.blueprints.form_changes import Facts
from app.blueprints.forms import Form, FormSchema, choice_field, text_field
from app.blueprints.lists import Column, Filter, ListForm, ListPage
from app.blueprints.page_blueprint import PageBlueprint
from app.blueprints.rendering import render_page
from app.catalog.categories import queries, rules, service
from app.catalog.categories.queries import PREFIX, Category
from app.catalog.categories.service import CategoryEntry
from app.catalog.products import details
from app.kit import ids
from app.kit.db import Session
from app.kit.errors import Invalid
from app.shop.prices.guard import keep_prices
from app.shop.prices.rules import PriceScope

blp = PageBlueprint("categories", "/admin/categories")
_EDIT = Permission.PRODUCTS_EDIT


class CategorySchema(FormSchema):
    """A category and its place in the tree."""

    name = text_field("Name", "Enter a name.", check=rules.clean_name)
    slug = text_field(
        "Name in URLs",
        "Enter a name for URLs.",
        hint="Like gold-coins. Links to an earlier name lead nowhere.",
        check=lambda text: details.parse("slug", text),
    )
    parent = choice_field("Below", None, none="At the top")
    display_order = text_field(
        "Place",
        "Enter a place.",
        hint="Below the same category, a lower number comes first.",
        check=lambda text: details.parse("display_order", text),
    )


def _describe(session: Session, _actor: Actor, category_id: str) -> Facts:
    category = queries.get_category(session, ids.decode(PREFIX, category_id))
    return {
        "Name": category.name,
        "Name in URLs": category.slug,
        "Below": category.parent.full_name if category.parent else "",
        "Place": str(category.display_order),
    }


ADD = Form(
    "add",
    title="Add a category",
    schema=CategorySchema,
    button="Add category",
    success="Category added.",
    failure="The category was not added",
)
CHANGE = Form(
    "change",
    title="Change",
    about="A category moves with those below it.",
    schema=CategorySchema,
    button="Save category",
    success="Category saved.",
    failure="The category was not saved",
    current=_describe,
    subject=lambda category_id: category_id,
)
REMOVE = Form(
    "remove",
    title="Delete",
    schema=FormSchema,
    button="Delete category",
    success="Category deleted.",
    failure="The category was not deleted",
    is_dangerous=True,
    confirm="Delete this category?",
)


def _parents(categories: Sequence[Category]) -> list[tuple[str, str]]:
    return [(category.public_id, category.full_name) for category in categories]


def _read_entry(fields: Mapping[str, str]) -> CategoryEntry:
    parent = fields["parent"]
    parent_id = ids.try_decode(PREFIX, parent)
    if parent and parent_id is None:
        raise Invalid("parent", "Choose a category from the list.")
    return CategoryEntry(fields["slug"], fields["name"], parent_id, fields["display_order"])


CATEGORIES = ListPage(
    name="categories",
    title="Categories",
    about="The tree of categories in which customers find products.",
    source=lambda _session, _actor: queries.CATEGORIES,
    columns=(
        Column("name", "Name", lambda category: category.full_name, sort="tree"),
        Column("slug", "Name in URLs", lambda category: category.slug),
        Column("products", "Products", lambda category: category.product_count),
        Column("place", "Place", lambda category: category.display_order),
    ),
    row_url=lambda category: url_for(
        "categories_pages.show_category", category_id=category.public_id
    ),
    default_sort="tree",
    filters=(Filter("name", "Name"),),
    empty=("No categories yet", "Add the first one here."),
)
list_categories = blp.add_list(
    "",
    CATEGORIES,
    permission=Permission.VAULT_READ,
    form=ListForm(
        ADD,
        _EDIT,
        lambda session, _actor: {"parent": _parents(queries.list_categories(session))},
    ),
)


@blp.form("", ADD, shown_on=list_categories, permission=_EDIT)
def add_category(session: Session, actor: Actor, fields: Mapping[str, str]) -> None:
    """Add a category."""
    service.add_category(session, actor, _read_entry(fields))


@blp.view("GET", "/<category_id>", permission=Permission.VAULT_READ, shows=PREFIX)
def show_category(session: Session, actor: Actor, category_id: str) -> Response:
    """Show a category with what is below it, and the forms to change and delete it."""
    category = queries.get_category(session, ids.decode(PREFIX, category_id))
    own, *below = queries.list_below(session, category)
    product_count = queries.count_products(session, category.id)
    others = {each.id for each in (own, *below)}
    possible = [each for each in queries.list_categories(session) if each.id not in others]
    return render_page(
        "admin/categories/category.html",
        category=category,
        below=below,
        product_count=product_count,
        products_url=url_for("products_pages.list_products", category=category.slug),
        may_edit=_EDIT in actor.permissions,
        change_form=CHANGE,
        values={
            "name": category.name,
            "slug": category.slug,
            "parent": category.parent.public_id if category.parent else "",
            "display_order": category.display_order,
        },
        parents=_parents(possible),
        remove_form=None if product_count or below else REMOVE,
    )


@blp.form("/<category_id>", CHANGE, shown_on=show_category, permission=_EDIT)
def change_category(
    session: Session, actor: Actor, fields: Mapping[str, str], category_id: str
) -> None:
    """Rename or move a category."""
    identifier = ids.decode(PREFIX, category_id)
    with keep_prices(session, PriceScope(category_id=identifier), "parent"):
        service.change_category(session, actor, identifier, _read_entry(fields))


@blp.form("/<category_id>/remove", REMOVE, shown_on=show_category, permission=_EDIT)
def remove_category(
    session: Session, actor: Actor, _fields: Mapping[str, str], category_id: str
) -> str:
    """Delete a category."""
    service.remove_category(session, actor, ids.decode(PREFIX, category_id))
    return url_for("categories_pages.list_categories")
