"""Price rules as rows of a CSV file: exported, changed and added."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from app.access import Actor, Permission
from app.catalog.categories import queries as categories_queries
from app.catalog.products import rules as products_rules
from app.catalog.products.rules import ProductForm
from app.catalog.rules import Metal
from app.imports import registry
from app.imports.registry import ImportColumn, ImportKind, RowWriter, Texts, WrittenRow
from app.imports.rules import RowOutcome
from app.kit import clock
from app.kit.db import Session
from app.kit.errors import Invalid
from app.shop.prices import listed_rules, queries, rules, service
from app.shop.prices.rules import PriceScope
from app.shop.prices.service import ChangeOutcome
from app.shop.prices.versions import NewPriceRule

_REASON = "Imported from a CSV file"
_SECOND_PERSON = (
    "It moves a price further than one person may change it. Change it on the page of price rules,"
    " where a second person approves it."
)


def _parse_metal(text: str) -> Metal | None:
    if text.strip().upper() not in {"", *Metal}:
        raise Invalid("metal", f"Enter one of {', '.join(Metal)}.")
    return Metal(text.strip().upper()) if text.strip() else None


def _parse_form(text: str) -> ProductForm | None:
    form = ProductForm.with_value(text.strip().lower())
    if form is None and text.strip():
        raise Invalid("form", f"Enter one of {', '.join(ProductForm)}.")
    return form


def _parse_tiers(text: str) -> list[rules.PriceTier]:
    tiers = rules.parse_tiers(text.replace(";", "\n"))
    if not tiers:
        raise Invalid("tiers", "Enter at least one tier, like 1, 5.5; 10, 4.25.")
    return tiers


def _parse_day(column: str, *, is_last: bool = False) -> Callable[[str], datetime | None]:
    def parse(text: str) -> datetime | None:
        if not text.strip():
            return None
        try:
            day = date.fromisoformat(text.strip()) + timedelta(days=int(is_last))
        except (ValueError, OverflowError):
            raise Invalid(column, "Enter a date, like 2026-11-28.") from None
        return datetime.combine(day, time(), UTC)

    return parse


_first_day, _last_day = _parse_day("first_day"), _parse_day("last_day", is_last=True)


def _clean_sku(text: str) -> str | None:
    return products_rules.clean_sku(text) if text.strip() else None


_COLUMNS = (
    ImportColumn("sku", "Of a rule for one product", _clean_sku),
    ImportColumn("category", "Of a rule for a category: its name in URLs"),
    ImportColumn("metal", "Of a rule for a metal: AU, AG, PT, PD or CU", _parse_metal),
    ImportColumn("form", "Of the metal; empty for every form", _parse_form),
    ImportColumn(
        "tiers",
        "First quantity, percent, US dollars per ounce, US dollars per unit; the next tier after a"
        " semicolon",
        _parse_tiers,
        is_required=True,
    ),
    ImportColumn("first_day", "From midnight UTC. Empty: from now on", _first_day),
    ImportColumn("last_day", "Of a sale: the lasting rule counts again then", _last_day),
)


def _open_batch(session: Session, actor: Actor, _rows: Sequence[Texts]) -> RowWriter:
    categories = {each.slug: each.id for each in categories_queries.list_categories(session)}

    def write(texts: Texts) -> WrittenRow:
        scope = _read_scope(texts, categories)
        rule = NewPriceRule(
            scope,
            _parse_tiers(texts["tiers"]),
            _first_day(texts.get("first_day", "")),
            _last_day(texts.get("last_day", "")),
        )
        subject = " ".join(texts[name].strip() for name in _KEYS if texts.get(name, "").strip())
        now = clock.now()
        known = queries.find_version(session, scope, max(now, rule.valid_from or now))
        if known and known.tiers == rule.tiers and known.valid_until == rule.valid_until:
            return WrittenRow(RowOutcome.SAME, subject)
        outcome = _record(session, actor, rule)
        if outcome.approval_id is not None:
            raise Invalid("tiers", _SECOND_PERSON)
        return WrittenRow(RowOutcome.CHANGED if known else RowOutcome.ADDED, subject, ("tiers",))

    return write


def _record(session: Session, actor: Actor, rule: NewPriceRule) -> ChangeOutcome:
    try:
        return service.record_rule(session, actor, rule, reason=_REASON)
    except Invalid as refusal:
        raise Invalid(_COLUMN_OF.get(refusal.field, refusal.field), refusal.message) from None


#: What the verb calls a column by another name.
_COLUMN_OF = {"valid_from": "first_day", "valid_until": "last_day"}
_KEYS = ("sku", "category", "metal", "form")


def _read_scope(texts: Texts, categories: Mapping[str, UUID]) -> PriceScope:
    sku, metal = _clean_sku(texts.get("sku", "")), _parse_metal(texts.get("metal", ""))
    form, slug = _parse_form(texts.get("form", "")), texts.get("category", "").strip().lower()
    if slug and slug not in categories:
        raise Invalid("category", "There is no category with this name. Check it.")
    scopes = [bool(sku), bool(slug), metal is not None]
    if scopes.count(True) != 1:
        raise Invalid("sku", "Enter one of SKU, category and metal.")
    if form is not None and metal is None:
        raise Invalid("form", "Enter a form with a metal only.")
    return PriceScope(sku, categories.get(slug), metal, form)


def _export(session: Session) -> Iterator[Texts]:
    slugs = {each.id: each.slug for each in categories_queries.list_categories(session)}
    for rule in listed_rules.list_in_effect(session):
        scope = rule.scope
        yield {
            "sku": scope.sku or "",
            "category": slugs[scope.category_id] if scope.category_id else "",
            "metal": scope.metal or "",
            "form": scope.form or "",
            "tiers": "; ".join(map(rules.write_tier, rule.tiers)),
            "first_day": "",
            "last_day": (
                (rule.valid_until - timedelta(days=1)).date().isoformat()
                if rule.valid_until
                else ""
            ),
        }


registry.register(
    ImportKind(
        name="price_rules",
        title="Price rules",
        about="A row for each rule, by its product, category or metal. A row that says what the"
        " rule says already changes nothing.",
        permission=Permission.PRICES_EDIT,
        columns=_COLUMNS,
        keys=_KEYS,
        open_batch=_open_batch,
        export=_export,
        subject="Products",
    )
)
