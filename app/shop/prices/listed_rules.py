"""The list of price rules: every version, what it says, and whether it counts now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import aliased

from app.catalog.categories.models import CategoryRow
from app.catalog.rules import Metal
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.list_query import ListSource, fetch_all
from app.kit.statements import StoredEnum
from app.shop.prices import rules
from app.shop.prices.applicable_rules import is_in_effect
from app.shop.prices.models import PriceRuleRow, PriceTierRow
from app.shop.prices.rules import PriceRuleStatus, PriceScope, PriceTier

_SCOPE = ("sku", "category_id", "metal", "form")
_NUMERIC = sa.Numeric()


@dataclass(frozen=True, slots=True)
class ListedPriceRule:
    """A version of a rule, and whether it counts."""

    id: UUID
    scope: PriceScope
    category: str | None
    status: PriceRuleStatus
    tiers: Sequence[PriceTier]
    valid_from: datetime
    valid_until: datetime | None
    ended_at: datetime | None
    maker_id: UUID | None
    recorded_at: datetime

    @property
    def public_id(self) -> str:
        """The id as staff see it."""
        return ids.encode(rules.RULE_PREFIX, self.id)

    @property
    def products(self) -> str:
        """The products, for people."""
        return self.scope.sku or self.category or self.scope.metal_name

    @property
    def terms(self) -> str:
        """What it says, in one line."""
        return rules.summarize_tiers(self.tiers)

    @property
    def ends_at(self) -> datetime | None:
        """From when on it no longer counts; None until another one replaces it."""
        return min(filter(None, (self.valid_until, self.ended_at)), default=None)

    @property
    def is_over(self) -> bool:
        """Whether it counts no longer, and will not again."""
        return self.status is PriceRuleStatus.OVER


def _listed(*, tiers: Sequence[Sequence[Decimal]], **columns: Any) -> ListedPriceRule:
    scope = PriceScope(*(columns.pop(name) for name in _SCOPE))
    read = [
        PriceTier(int(quantity), percent, per_ounce, int(per_unit))
        for quantity, percent, per_ounce, per_unit in tiers
    ]
    return ListedPriceRule(scope=scope, tiers=read, **columns)


def every_rule(at: datetime) -> ListSource[ListedPriceRule]:
    """Return every version of every rule, with its status at an instant."""
    status = _status_at(at)
    cells = postgresql.array(
        [
            sa.cast(PriceTierRow.from_quantity, _NUMERIC),
            PriceTierRow.percent,
            PriceTierRow.per_ounce,
            sa.cast(PriceTierRow.per_unit_units, _NUMERIC),
        ]
    )
    ordered = postgresql.aggregate_order_by(cells, PriceTierRow.from_quantity)
    tiers = (
        sa.select(sa.func.array_agg(ordered))
        .where(PriceTierRow.rule_id == PriceRuleRow.id)
        .scalar_subquery()
    )
    return ListSource(
        _listed,
        sa.select(
            PriceRuleRow.id,
            PriceRuleRow.sku,
            PriceRuleRow.category_id,
            PriceRuleRow.metal,
            PriceRuleRow.form,
            CategoryRow.name.label("category"),
            sa.type_coerce(status, StoredEnum(PriceRuleStatus)).label("status"),
            tiers.label("tiers"),
            PriceRuleRow.valid_from,
            PriceRuleRow.valid_until,
            PriceRuleRow.ended_at,
            PriceRuleRow.maker_id,
            PriceRuleRow.recorded_at,
        ).join_from(
            PriceRuleRow, CategoryRow, CategoryRow.id == PriceRuleRow.category_id, isouter=True
        ),
        key=PriceRuleRow.id,
        sorts={
            "from": PriceRuleRow.valid_from,
            "recorded": PriceRuleRow.recorded_at,
            "products": sa.func.concat_ws(
                " ",
                PriceRuleRow.metal,
                PriceRuleRow.form,
                CategoryRow.name,
                PriceRuleRow.sku,
                type_=sa.Text,
            ),
        },
        filters={
            "sku": lambda text: PriceRuleRow.sku.startswith(text.upper(), autoescape=True),
            "metal": lambda code: PriceRuleRow.metal == Metal(code),
            "status": lambda wanted: status == wanted.value,
        },
    )


def _status_at(at: datetime) -> sa.Case[str]:
    """Return the status as SQL: of the versions of the same products that are in effect, the one
    that began last counts."""
    later = aliased(PriceRuleRow, name="later")
    is_same = [
        getattr(later, name).is_not_distinct_from(getattr(PriceRuleRow, name)) for name in _SCOPE
    ]
    is_after = sa.tuple_(later.valid_from, later.id) > sa.tuple_(
        PriceRuleRow.valid_from, PriceRuleRow.id
    )
    followed = sa.exists().where(*is_same, is_in_effect(at, later), is_after)
    lasting = sa.exists().where(
        *is_same, is_in_effect(at, later), is_after, later.valid_until.is_(None)
    )
    is_ended = sa.and_(PriceRuleRow.ended_at.is_not(None), PriceRuleRow.ended_at <= at)
    return sa.case(
        (is_ended, PriceRuleStatus.OVER.value),
        (PriceRuleRow.valid_from > at, PriceRuleStatus.LATER.value),
        (sa.or_(sa.not_(is_in_effect(at)), lasting), PriceRuleStatus.OVER.value),
        (followed, PriceRuleStatus.PAUSED.value),
        else_=PriceRuleStatus.IN_EFFECT.value,
    )


def list_listed(session: Session, rule_ids: Sequence[UUID]) -> list[ListedPriceRule]:
    """Return these versions of rules with their status now, by products."""
    source = every_rule(clock.now())
    found = source.select.where(PriceRuleRow.id.in_(rule_ids)).order_by(source.sorts["products"])
    return session.select(_listed, found)


def get_listed(session: Session, rule_id: UUID) -> ListedPriceRule:
    """Return a version of a rule with its status now. Raises `NotFound`."""
    found = every_rule(clock.now()).select.where(PriceRuleRow.id == rule_id)
    return session.get(_listed, found)


def list_in_effect(session: Session) -> Sequence[ListedPriceRule]:
    """Return the versions that count now, by their products."""
    rules_now = every_rule(clock.now())
    wanted = {"status": PriceRuleStatus.IN_EFFECT}
    return list(fetch_all(session, rules_now, wanted, "products"))
