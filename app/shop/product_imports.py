"""Products as rows of a CSV file: exported, changed and added."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from app.access import Actor, Permission
from app.catalog.products import details, rules
from app.catalog.products import queries as products_queries
from app.catalog.products import service as products
from app.catalog.products.queries import ProductDetails
from app.catalog.products.rules import ProductForm, WeightBasis
from app.catalog.products.service import NewProduct
from app.catalog.rules import Metal
from app.catalog.tax_classes import TaxClass
from app.imports import registry
from app.imports.registry import ImportColumn, ImportKind, RowWriter, Texts, WrittenRow
from app.imports.rules import ROWS_MAX, RowOutcome
from app.kit.db import Session
from app.kit.errors import Invalid
from app.kit.labels import LabelledEnum
from app.shop.prices.guard import keep_prices
from app.shop.prices.rules import PriceScope

_REORDER_BELOW = "5"
_ABOUT = {
    "name": "Name",
    "slug": "Name in URLs",
    "tax_class": f"One of {', '.join(TaxClass)}",
    "display_order": "Place in lists",
    "reorder_below": "Low below",
    "is_legal_tender": "yes or empty",
    "restricted_states": "States where it is not sold, like CA, TX",
    "category": "The category's name in URLs",
    "published_from": "First day, like 2026-11-28",
    "published_until": "Last day",
}


def _check_detail(name: str) -> Callable[[str], object]:
    def check(text: str) -> object:
        # A new product may lack what it has by default; of others the verb refuses it.
        return None if name in details.REQUIRED and not text.strip() else details.parse(name, text)

    return check


def _check_member(column: str, members: type[LabelledEnum]) -> Callable[[str], object]:
    def check(text: str) -> object:
        if text.strip() and members.with_value(text.strip().lower()) is None:
            raise Invalid(column, f"Enter one of {', '.join(members)}.")
        return text

    return check


def _parse_metal(text: str) -> Metal:
    try:
        return Metal(text.strip().upper())
    except ValueError:
        raise Invalid("metal", f"Enter one of {', '.join(Metal)}.") from None


def _unless_empty(parse: Callable[[str], object]) -> Callable[[str], object]:
    return lambda text: parse(text.strip()) if text.strip() else None


#: What never changes about a product: how a cell is read, and the same of a product.
_FIXED: Mapping[str, tuple[Callable[[str], object], Callable[[ProductDetails], object]]] = {
    "metal": (_parse_metal, lambda product: product.metal),
    "form": (
        lambda text: ProductForm.with_value(text.strip().lower()),
        lambda product: product.form,
    ),
    "gross": (
        lambda text: rules.parse_ounces("gross", text.strip()),
        lambda product: product.gross_units,
    ),
    "fineness": (
        lambda text: rules.parse_fineness(text.strip()),
        lambda product: product.fineness,
    ),
    "fine": (
        lambda text: rules.parse_ounces("fine", text.strip()),
        lambda product: product.fine_units,
    ),
}
_COLUMNS = (
    ImportColumn("sku", "Names the product. A new one is added", rules.clean_sku, is_required=True),
    ImportColumn("metal", "Of a new product: AU, AG, PT, PD or CU", _unless_empty(_parse_metal)),
    ImportColumn(
        "form",
        f"Of a new product: one of {', '.join(ProductForm)}",
        _check_member("form", ProductForm),
    ),
    ImportColumn("gross", "Of a new product: gross ounces", _unless_empty(_FIXED["gross"][0])),
    ImportColumn("fineness", "Of a new product", _unless_empty(_FIXED["fineness"][0])),
    ImportColumn(
        "fine", "Of a new product: declared fine ounces", _unless_empty(_FIXED["fine"][0])
    ),
    *(
        ImportColumn(
            name, _ABOUT.get(name, name.replace("_", " ").capitalize()), _check_detail(name)
        )
        for name in details.NAMES
    ),
)


def _open_batch(session: Session, actor: Actor, rows: Sequence[Texts]) -> RowWriter:
    skus = [rules.clean_sku(row["sku"]) for row in rows]
    known = products_queries.lock_products(session, skus)

    def write(texts: Texts) -> WrittenRow:
        sku = rules.clean_sku(texts["sku"])
        product = known.get(sku)
        entered = {name: texts[name] for name in details.NAMES if name in texts}
        if product is None:
            return _add(session, actor, sku, texts, entered)
        _check_fixed(product, texts)
        if entered.get("category", product.category or "").strip() == (product.category or ""):
            changes = products.change_locked_product(session, actor, product, entered)
        else:
            with keep_prices(session, PriceScope(sku=sku), "category"):
                changes = products.change_locked_product(session, actor, product, entered)
        return WrittenRow(RowOutcome.CHANGED if changes else RowOutcome.SAME, sku, changes)

    return write


def _check_fixed(product: ProductDetails, texts: Texts) -> None:
    for column, (parse, of_product) in _FIXED.items():
        text = texts.get(column, "")
        if text.strip() and parse(text) != of_product(product):
            raise Invalid(column, "This never changes. Leave it as it is, or add another product.")


def _add(session: Session, actor: Actor, sku: str, texts: Texts, entered: Texts) -> WrittenRow:
    required = ("name", "metal", "form", "gross", "fineness", "tax_class")
    for column in required:
        if not texts.get(column, "").strip():
            raise Invalid(column, f"Enter this for a new product: there is no product {sku}.")
    form = ProductForm.with_value(texts["form"].strip().lower())
    tax_class = TaxClass.with_value(texts["tax_class"].strip())
    assert form is not None, "the cell was checked"
    assert tax_class is not None, "the cell was checked"
    products.add_product(
        session,
        actor,
        NewProduct(
            sku,
            texts["name"],
            _parse_metal(texts["metal"]),
            form,
            texts["gross"].strip(),
            texts["fineness"].strip(),
            texts.get("fine", "").strip() or None,
            int(texts.get("reorder_below", "").strip() or _REORDER_BELOW),
            tax_class=tax_class,
        ),
    )
    given = {name: text for name, text in entered.items() if text.strip()}
    products.change_product(session, actor, sku, given)
    return WrittenRow(RowOutcome.ADDED, sku, tuple(given))


def _export(session: Session) -> Iterator[Texts]:
    for product in products_queries.list_details(session):
        yield {
            "sku": product.sku,
            "metal": product.metal,
            "form": product.form,
            "gross": str(product.gross_weight),
            "fineness": str(product.fineness),
            "fine": str(product.fine_weight)
            if product.weight_basis is WeightBasis.DECLARED
            else "",
            **product.texts,
        }


registry.register(
    ImportKind(
        name="products",
        title="Products",
        about="A row for each product, by its SKU. What a file has no column for stays as it is; an"
        " empty cell empties it.",
        permission=Permission.PRODUCTS_EDIT,
        columns=_COLUMNS,
        keys=("sku",),
        open_batch=_open_batch,
        export=_export,
        # All rows together, so that two of them with the same slug are found.
        batch_max=ROWS_MAX,
    )
)
