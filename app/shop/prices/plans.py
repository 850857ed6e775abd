"""A change of price rules as it is stored until it is made, as pure functions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.catalog.products.rules import ProductForm
from app.catalog.rules import Metal
from app.shop.prices.rules import PriceScope, PriceTier, parse_tiers, write_tier


@dataclass(frozen=True, slots=True)
class PlannedVersion:
    """A version that a change records."""

    scope: PriceScope
    tiers: Sequence[PriceTier]


@dataclass(frozen=True, slots=True)
class PricePlan:
    """Versions that are recorded together, all from one instant on and until one; or the version
    that ends."""

    versions: Sequence[PlannedVersion] = ()
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    ends: UUID | None = None
    #: The products of the version that ends.
    ends_scope: PriceScope | None = None

    @property
    def scopes(self) -> list[PriceScope]:
        """The scopes of all rules that it changes."""
        ended = [self.ends_scope] if self.ends_scope is not None else []
        return [*(version.scope for version in self.versions), *ended]

    def begins(self, now: datetime) -> datetime:
        """Return from when on it counts, if it is made now."""
        return max(now, self.valid_from or now)


def write_plan(plan: PricePlan) -> dict[str, Any]:
    """Return a plan as JSON has it."""
    return {
        "versions": [
            {
                **_write_scope(version.scope),
                "tiers": "\n".join(map(write_tier, version.tiers)),
            }
            for version in plan.versions
        ],
        "valid_from": plan.valid_from.isoformat() if plan.valid_from else None,
        "valid_until": plan.valid_until.isoformat() if plan.valid_until else None,
        "ends": str(plan.ends) if plan.ends else None,
        "ends_scope": _write_scope(plan.ends_scope) if plan.ends_scope else None,
    }


def read_plan(content: Mapping[str, Any]) -> PricePlan:
    """Return a plan that `write_plan` wrote."""
    first, last, ends, scope = (
        content[name] for name in ("valid_from", "valid_until", "ends", "ends_scope")
    )
    return PricePlan(
        [
            PlannedVersion(_read_scope(version), parse_tiers(version["tiers"]))
            for version in content["versions"]
        ],
        datetime.fromisoformat(first) if first else None,
        datetime.fromisoformat(last) if last else None,
        UUID(ends) if ends else None,
        _read_scope(scope) if scope else None,
    )


def _write_scope(scope: PriceScope) -> dict[str, str | None]:
    return {
        "sku": scope.sku,
        "category": str(scope.category_id) if scope.category_id else None,
        "metal": scope.metal,
        "form": scope.form,
    }


def _read_scope(content: Mapping[str, Any]) -> PriceScope:
    category, metal, form = (content[name] for name in ("category", "metal", "form"))
    return PriceScope(
        content["sku"],
        UUID(category) if category else None,
        Metal(metal) if metal else None,
        ProductForm(form) if form else None,
    )
