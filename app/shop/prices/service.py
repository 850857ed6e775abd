"""The verbs of price rules: record one, end one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, Permission, require
from app.approvals import rules as approvals_rules
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.catalog.categories import queries as categories_queries
from app.catalog.products import queries as products_queries
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Invalid, NotFound
from app.shop.prices import queries, rules
from app.shop.prices.errors import PriceRuleOver, PriceRuleUnchanged
from app.shop.prices.models import PriceRuleRow, PriceTierRow
from app.shop.prices.rules import RULE_PREFIX, PriceScope, PriceTier

#: Changes of rules wait for each other, so that each is compared with the one before it.
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('price_rules', 0))"


@dataclass(frozen=True, slots=True)
class NewPriceRule:
    """A version of a rule. Without `valid_from` it counts at once, without `valid_until` until
    another one replaces it."""

    scope: PriceScope
    tiers: Sequence[PriceTier]
    valid_from: datetime | None = None
    valid_until: datetime | None = None


def record_rule(session: Session, actor: Actor | None, rule: NewPriceRule, *, reason: str) -> UUID:
    """Record a version of a rule and return its id. `actor` is None on the command line.

    It counts from `valid_from`, but not before now. Raises `PermissionDenied`, `Invalid` naming the
    field, and `PriceRuleUnchanged`.
    """
    if actor is not None:
        require(actor, Permission.PRICES_EDIT)
    cleaned = approvals_rules.clean_reason(reason)
    tiers = rules.check_tiers(rule.tiers)
    subject = _check_scope(session, rule.scope)
    session.send(_LOCK)
    now = clock.now()
    begins = max(now, rule.valid_from or now)
    if rule.valid_until is not None and rule.valid_until <= begins:
        raise Invalid("valid_until", "Enter a time after the rule begins, and after now.")
    before = queries.find_version(session, rule.scope, begins)
    if before is not None and before.tiers == tiers and before.valid_until == rule.valid_until:
        raise PriceRuleUnchanged
    rule_id = ids.new()
    session.write(
        sa.insert(PriceRuleRow).values(
            id=rule_id,
            sku=rule.scope.sku,
            category_id=rule.scope.category_id,
            metal=rule.scope.metal,
            form=rule.scope.form,
            valid_from=begins,
            valid_until=rule.valid_until,
            maker_id=actor.user_id if actor else None,
            recorded_at=now,
        )
    )
    _insert_tiers(session, rule_id, tiers)
    audit.record(
        session,
        actor=actor,
        action=AuditAction.PRICE_RULE_RECORDED,
        subject=ids.encode(RULE_PREFIX, rule_id),
        before=rules.write_tiers(before.tiers) if before else {},
        after={
            "products": subject,
            **rules.write_tiers(tiers),
            "valid from": begins.isoformat(),
            "valid until": rule.valid_until.isoformat() if rule.valid_until else "",
        },
        reason=cleaned,
    )
    return rule_id


def _insert_tiers(session: Session, rule_id: UUID, tiers: Sequence[PriceTier]) -> None:
    session.write(
        sa.insert(PriceTierRow).values(
            [
                {
                    "rule_id": rule_id,
                    "from_quantity": tier.from_quantity,
                    "percent": tier.percent,
                    "per_ounce": tier.per_ounce,
                    "per_unit_units": tier.per_unit_units,
                }
                for tier in tiers
            ]
        )
    )


def _check_scope(session: Session, scope: PriceScope) -> str:
    """Return the products of the scope as the audit trail names them. Raises `Invalid`."""
    if scope.sku is not None:
        if products_queries.find_product(session, scope.sku) is None:
            raise Invalid("sku", "Enter the SKU of a product, like AU-EAGLE-1OZ.")
        return scope.sku
    if scope.category_id is not None:
        try:
            return categories_queries.get_category(session, scope.category_id).slug
        except NotFound:
            raise Invalid("category", "Choose a category.") from None
    return f"{scope.metal} {scope.form or ''}".rstrip()


def end_rule(session: Session, actor: Actor | None, rule_id: UUID, *, reason: str) -> None:
    """End a version now. What it replaced for a time counts again; one without an end takes the
    versions of the same products that it replaced with it, so that the next less specific rule
    decides.

    Raises `PermissionDenied`, `NotFound`, `PriceRuleOver`, and `Invalid` for the reason.
    """
    if actor is not None:
        require(actor, Permission.PRICES_EDIT)
    cleaned = approvals_rules.clean_reason(reason)
    session.send(_LOCK)
    now = clock.now()
    rule = queries.get_rule(session, rule_id)
    if rule.ends_at is not None and rule.ends_at <= now:
        raise PriceRuleOver
    ended = [PriceRuleRow.id == rule_id]
    if rule.valid_from <= now and rule.valid_until is None:
        ended = [
            *queries.is_of(rule.scope),
            PriceRuleRow.valid_from <= rule.valid_from,
            PriceRuleRow.ended_at.is_(None),
        ]
    session.write(sa.update(PriceRuleRow).where(*ended).values(ended_at=now))
    audit.record(
        session,
        actor=actor,
        action=AuditAction.PRICE_RULE_ENDED,
        subject=ids.encode(RULE_PREFIX, rule_id),
        before=rules.write_tiers(rule.tiers),
        after={"ended at": now.isoformat()},
        reason=cleaned,
    )
