"""Versions of price rules: how one is written, and how one ends.

Only the verbs of prices call these functions: what staff change is previewed first, and a large
change waits for a second person (service.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor
from app.approvals.registry import ApprovedRequest
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


@dataclass(frozen=True, slots=True)
class Author:
    """Who changes rules, and why: a person, or the command line (None), on the request that a
    second person approved, where one was needed."""

    actor: Actor | None
    reason: str
    approved: ApprovedRequest | None = None

    @property
    def maker_id(self) -> UUID | None:
        """Who wanted the change."""
        if self.approved is not None:
            return self.approved.maker_id
        return self.actor.user_id if self.actor is not None else None

    @property
    def evidence(self) -> Mapping[str, str]:
        """The approval, as the audit trail names it."""
        return {"approval": ids.encode("apr", self.approved.id)} if self.approved else {}


@dataclass(frozen=True, slots=True)
class WrittenVersion:
    """A version that was written, and the one whose place it takes; None where there was none."""

    id: UUID
    replaces: UUID | None


def lock_rules(session: Session) -> None:
    """Let no other change of rules happen until the transaction ends."""
    session.send(_LOCK)


def write_version(session: Session, rule: NewPriceRule, author: Author) -> WrittenVersion:
    """Write a version of a rule.

    It counts from `valid_from`, but not before now. Raises `Invalid` naming the field, and
    `PriceRuleUnchanged`.
    """
    tiers = rules.check_tiers(rule.tiers)
    subject = name_scope(session, rule.scope)
    lock_rules(session)
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
            maker_id=author.maker_id,
            approval_id=author.approved.id if author.approved else None,
            recorded_at=now,
        )
    )
    _insert_tiers(session, rule_id, tiers)
    audit.record(
        session,
        actor=author.actor,
        action=AuditAction.PRICE_RULE_RECORDED,
        subject=ids.encode(RULE_PREFIX, rule_id),
        before=rules.write_tiers(before.tiers) if before else {},
        after={
            "products": subject,
            **rules.write_tiers(tiers),
            "valid from": begins.isoformat(),
            "valid until": rule.valid_until.isoformat() if rule.valid_until else "",
            **author.evidence,
        },
        reason=author.reason,
    )
    return WrittenVersion(rule_id, before.id if before else None)


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


def name_scope(session: Session, scope: PriceScope) -> str:
    """Return the products of a scope as the audit trail and requests name them. Raises `Invalid`
    naming the field where there are none."""
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


def end_version(session: Session, rule_id: UUID, author: Author) -> None:
    """End a version now. What it replaced for a time counts again; one without an end takes the
    versions of the same products that it replaced with it, so that the next less specific rule
    decides.

    Raises `NotFound` and `PriceRuleOver`.
    """
    lock_rules(session)
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
        actor=author.actor,
        action=AuditAction.PRICE_RULE_ENDED,
        subject=ids.encode(RULE_PREFIX, rule_id),
        before=rules.write_tiers(rule.tiers),
        after={"ended at": now.isoformat(), **author.evidence},
        reason=author.reason,
    )
