"""Which price rule a product has at an instant, as SQL."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.sql.selectable import FromClause

from app.catalog.categories.models import CategoryRow
from app.catalog.products.models import Product
from app.kit.statements import CompiledSelect, SqlInstant, any_of, compile_select
from app.shop.prices.models import PriceRuleRow, PriceTierRow
from app.shop.prices.rules import PriceTier

#: Later than any instant.
_EVER = sa.func.timestamptz("infinity")
#: The form of a rule of all forms of a metal, which has none.
_EVERY_FORM = ""
#: Of several versions of one scope, that which began last counts.
LATEST = (PriceRuleRow.valid_from.desc(), PriceRuleRow.id.desc())


@dataclass(frozen=True, slots=True)
class PriceTerms:
    """The columns of a premium, as those of a `PriceTierRow`; null without a rule."""

    percent: sa.ColumnElement[Decimal]
    per_ounce: sa.ColumnElement[Decimal]
    per_unit_units: sa.ColumnElement[Decimal]


_TERMS = tuple(each.name for each in fields(PriceTerms))


def is_in_effect(at: SqlInstant, row: type[PriceRuleRow] = PriceRuleRow) -> sa.ColumnElement[bool]:
    """Match the versions of rules whose time includes an instant."""
    return sa.and_(
        row.valid_from <= at,
        sa.func.coalesce(row.valid_until, _EVER) > at,
        sa.func.coalesce(row.ended_at, _EVER) > at,
    )


def with_rule(
    products: FromClause, at: SqlInstant, *, many: bool = False
) -> tuple[FromClause, sa.ColumnElement[UUID | None]]:
    """Join the rule of each product to a join that has `Product`; return it with the rule's id.

    The most specific rule decides: of the product, of its category or the nearest one above that
    has a rule, of its metal and form, of its metal. With `many` it is quick where the rules of all
    products are read, and otherwise where few are.
    """
    own = sa.select(PriceRuleRow.id, PriceRuleRow.sku).where(is_in_effect(at))
    is_own: sa.ColumnElement[bool] = sa.true()
    of_product: FromClause
    if many:
        latest = own.where(PriceRuleRow.sku.is_not(None)).order_by(PriceRuleRow.sku, *LATEST)
        of_product = latest.ext(distinct_on(PriceRuleRow.sku)).subquery("rule_of_product")
        is_own = of_product.c.sku == Product.sku
    else:
        latest = own.where(PriceRuleRow.sku == Product.sku).order_by(*LATEST).limit(1)
        of_product = latest.correlate(Product).lateral("rule_of_product")
    of_category, by_metal = _rules_by_category(at), _rules_by_metal(at)
    of_form, of_metal = (by_metal.alias(f"rule_of_{kind}") for kind in ("form", "metal"))
    joined = (
        products.outerjoin(of_product, is_own)
        .outerjoin(of_category, of_category.c.category_id == Product.category_id)
        .outerjoin(
            of_form, sa.and_(of_form.c.metal == Product.metal, of_form.c.form == Product.form)
        )
        .outerjoin(
            of_metal, sa.and_(of_metal.c.metal == Product.metal, of_metal.c.form == _EVERY_FORM)
        )
    )
    rule_id = sa.func.coalesce(
        of_product.c.id, of_category.c.id, of_form.c.id, of_metal.c.id, type_=sa.Uuid()
    )
    return joined, rule_id


@dataclass(frozen=True, slots=True)
class TermsOfScopes:
    """The premiums from one unit on at an instant: of categories, and of metals in one form or in
    all. A statement may join them to several selects."""

    of_category: sa.CTE
    of_form: sa.CTE
    of_metal: sa.CTE

    @classmethod
    def at(cls, at: SqlInstant) -> "TermsOfScopes":
        """Return those that count at an instant."""
        # A statement may price all products to find some, and then read prices of these.
        by_metal = _first_tiers(_rules_by_metal(at, "_of_all"))
        of_category = _first_tiers(_rules_by_category(at, "_of_all"))
        return cls(of_category, by_metal.alias("terms_of_form"), by_metal.alias("terms_of_metal"))


def with_terms(
    goods: FromClause, scopes: TermsOfScopes, own_terms: sa.ColumnElement[Any]
) -> tuple[FromClause, PriceTerms]:
    """Join the premium from one unit on to a select that has `metal`, `form` and `category_id`, and
    the terms of the product's own rule. No table of all products is read for it."""
    of_category, of_form, of_metal = scopes.of_category, scopes.of_form, scopes.of_metal
    joined = (
        goods.outerjoin(of_category, of_category.c.category_id == goods.c.category_id)
        .outerjoin(
            of_form, sa.and_(of_form.c.metal == goods.c.metal, of_form.c.form == goods.c.form)
        )
        .outerjoin(
            of_metal,
            sa.and_(of_metal.c.metal == goods.c.metal, of_metal.c.form == _EVERY_FORM),
        )
    )
    return joined, PriceTerms(
        *(
            sa.func.coalesce(
                own_terms[place], of_category.c[name], of_form.c[name], of_metal.c[name]
            )
            for place, name in enumerate(_TERMS, start=1)
        )
    )


def own_terms_at(at: SqlInstant, sku: sa.ColumnElement[str]) -> sa.ScalarSelect[Any]:
    """Return the premium from one unit on by the rule that a product has itself, as an array of
    `PriceTerms`; null without one."""
    first = sa.and_(PriceTierRow.rule_id == PriceRuleRow.id, PriceTierRow.from_quantity == 1)
    return (
        sa.select(
            postgresql.array([sa.cast(getattr(PriceTierRow, name), sa.Numeric) for name in _TERMS])
        )
        .join_from(PriceRuleRow, PriceTierRow, first)
        .where(PriceRuleRow.sku == sku, is_in_effect(at))
        .order_by(*LATEST)
        .limit(1)
        .scalar_subquery()
    )


def _first_tiers(rules: sa.CTE) -> sa.CTE:
    first = sa.and_(PriceTierRow.rule_id == rules.c.id, PriceTierRow.from_quantity == 1)
    return (
        sa.select(rules, *(getattr(PriceTierRow, name) for name in _TERMS))
        .join_from(rules, PriceTierRow, first)
        .cte(f"terms_{rules.name}")
    )


def _rules_by_metal(at: SqlInstant, suffix: str = "") -> sa.CTE:
    """Return the rule of each metal in each form, and of each metal in all forms."""
    return (
        sa.select(
            PriceRuleRow.metal,
            sa.func.coalesce(PriceRuleRow.form, _EVERY_FORM).label("form"),
            PriceRuleRow.id,
        )
        .where(PriceRuleRow.metal.is_not(None), is_in_effect(at))
        .ext(distinct_on(PriceRuleRow.metal, PriceRuleRow.form))
        .order_by(PriceRuleRow.metal, PriceRuleRow.form, *LATEST)
        .cte(f"rules_by_metal{suffix}")
    )


def _rules_by_category(at: SqlInstant, suffix: str = "") -> sa.CTE:
    """Return the rule of each category: its own, or that of the nearest one above with a rule."""
    own = sa.select(
        CategoryRow.id.label("category_id"),
        CategoryRow.id.label("above_id"),
        CategoryRow.parent_id,
        sa.literal(0).label("distance"),
    ).cte(f"lineage{suffix}", recursive=True)
    lineage = own.union_all(
        sa.select(
            own.c.category_id, CategoryRow.id, CategoryRow.parent_id, own.c.distance + 1
        ).join(own, own.c.parent_id == CategoryRow.id)
    )
    return (
        sa.select(lineage.c.category_id, PriceRuleRow.id)
        .join(PriceRuleRow, PriceRuleRow.category_id == lineage.c.above_id)
        .where(is_in_effect(at))
        .ext(distinct_on(lineage.c.category_id))
        .order_by(lineage.c.category_id, lineage.c.distance, *LATEST)
        .cte(f"rules_by_category{suffix}")
    )


@dataclass(frozen=True, slots=True)
class TierOfProduct:
    """A tier of the rule that a product has."""

    sku: str
    rule_id: UUID
    from_quantity: int
    percent: Decimal
    per_ounce: Decimal
    per_unit_units: int


@cache
def tiers_of() -> CompiledSelect:
    """Return the statement of the tiers that products with these `skus` have `at` an instant."""
    joined, rule_id = with_rule(
        sa.inspect(Product).local_table, sa.bindparam("at", type_=sa.DateTime(timezone=True))
    )
    return compile_select(
        sa.select(
            Product.sku,
            PriceTierRow.rule_id,
            PriceTierRow.from_quantity,
            PriceTierRow.percent,
            PriceTierRow.per_ounce,
            PriceTierRow.per_unit_units,
        )
        .select_from(joined.join(PriceTierRow, PriceTierRow.rule_id == rule_id))
        .where(Product.sku == any_of("skus", sa.Text))
        .order_by(Product.sku, PriceTierRow.from_quantity)
    )


def rules_by_sku(
    tiers_of_products: Iterable[TierOfProduct],
) -> Mapping[str, tuple[UUID, Sequence[PriceTier]]]:
    """Return the rule of each product with its tiers, from the rows of `tiers_of`; products without
    one are absent."""
    tiers: dict[str, list[PriceTier]] = defaultdict(list)
    rule_ids: dict[str, UUID] = {}
    for row in tiers_of_products:
        rule_ids[row.sku] = row.rule_id
        tiers[row.sku].append(
            PriceTier(row.from_quantity, row.percent, row.per_ounce, row.per_unit_units)
        )
    return {sku: (rule_ids[sku], tiers[sku]) for sku in rule_ids}
