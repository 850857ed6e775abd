"""The verbs of price rules: record one, end one, and change several together.

What staff change is tried first, and its effect on every product is kept. A change that moves a
price by more than a setting waits for a second person, who approves just that effect.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from hmac import compare_digest
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, Permission, require
from app.approvals import registry as approvals_registry
from app.approvals import rules as approvals_rules
from app.approvals import service as approvals
from app.approvals.registry import ApprovalAction, ApprovedRequest, ProposedChange, TextFields
from app.catalog.rules import Metal
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Invalid, NotFound
from app.kit.statements import json_value
from app.pricing.errors import PriceStale
from app.settings.queries import current
from app.shop.prices import change_texts, changes, effects, plans, queries, rules, versions
from app.shop.prices.adjustments import Adjustment
from app.shop.prices.changes import PREFIX, PREVIEW_LIFETIME, PriceChange
from app.shop.prices.effects import PriceEffect, Trial
from app.shop.prices.errors import (
    PriceChangeSettled,
    PricePreviewOutdated,
    PriceRuleOver,
    PriceRuleUnchanged,
)
from app.shop.prices.models import PriceChangeRow, PriceEffectRow
from app.shop.prices.plans import PlannedVersion, PricePlan
from app.shop.prices.rules import ShopSettings
from app.shop.prices.versions import Author, NewPriceRule

MAKE = "price_change.make"
#: How many rules are changed together.
CHOSEN_MAX = 500
#: How long a change is kept that was not confirmed.
_KEPT = timedelta(days=7)
_INSERT_EFFECTS = """
INSERT INTO price_effects (id, change_id, sku, from_quantity, before_units, after_units, moved)
SELECT id, %s, sku, from_quantity, before_units, after_units, moved
FROM jsonb_to_recordset(%s::jsonb) AS effect (id uuid, sku text, from_quantity integer,
    before_units bigint, after_units bigint, moved bigint)
"""


@dataclass(frozen=True, slots=True)
class ChangeOutcome:
    """What became of a change: the versions that it recorded, or the request for a second person
    for which it waits."""

    change_id: UUID
    rule_ids: Sequence[UUID] = ()
    approval_id: UUID | None = None


def set_by_operator(session: Session, rule: NewPriceRule, *, reason: str) -> UUID:
    """Record a version from the command line, without a second person, and return its id.

    Raises `Invalid` naming the field, and `PriceRuleUnchanged`.
    """
    author = Author(None, approvals_rules.clean_reason(reason))
    return versions.write_version(session, rule, author).id


def record_rule(
    session: Session, actor: Actor, rule: NewPriceRule, *, reason: str
) -> ChangeOutcome:
    """Record a version of a rule, or request it where it moves a price by more than the setting.

    Raises `PermissionDenied`, `Invalid` naming the field, `PriceRuleUnchanged`, `PriceStale` for a
    metal that never had a price, and `ApprovalPending`.
    """
    version = PlannedVersion(rule.scope, rules.check_tiers(rule.tiers))
    plan = PricePlan([version], rule.valid_from, rule.valid_until)
    return _change_at_once(session, actor, plan, reason)


def end_rule(session: Session, actor: Actor, rule_id: UUID, *, reason: str) -> ChangeOutcome:
    """End a version now, or request it where that moves a price by more than the setting.

    What it replaced for a time counts again; one without an end takes what it replaced with it.
    Raises `PermissionDenied`, `NotFound`, `PriceRuleOver`, `PriceStale`, and `Invalid` for the
    reason.
    """
    rule = queries.get_rule(session, rule_id)
    plan = PricePlan(ends=rule_id, ends_scope=rule.scope)
    return _change_at_once(session, actor, plan, reason)


def _change_at_once(session: Session, actor: Actor, plan: PricePlan, reason: str) -> ChangeOutcome:
    require(actor, Permission.PRICES_EDIT)
    author = Author(actor, approvals_rules.clean_reason(reason))
    change_id = _insert(session, actor, ())
    trial = _preview(session, change_id, plan, queries.read_asks(session), author)
    return _settle(session, changes.get_change(session, change_id), trial, author)


def start_change(session: Session, actor: Actor, rule_ids: Sequence[UUID]) -> UUID:
    """Begin to change these versions of rules together, and return the change's id. Nothing is
    changed yet.

    Raises `PermissionDenied`, `PriceRuleOver`, and `Invalid` naming `ids`.
    """
    require(actor, Permission.PRICES_EDIT)
    if not 0 < len(rule_ids) <= CHOSEN_MAX:
        raise Invalid("ids", f"Choose between 1 and {CHOSEN_MAX} rules.")
    chosen = queries.list_versions(session, rule_ids)
    if len(chosen) != len(rule_ids):
        raise NotFound
    scopes = [rule.scope for rule in chosen.values()]
    if any(scopes.count(scope) > 1 for scope in scopes):
        raise Invalid("ids", "Choose one version of each rule.")
    return _insert(session, actor, rule_ids)


def preview_change(
    session: Session,
    actor: Actor,
    change_id: UUID,
    adjustment: Adjustment,
    *,
    valid_from: datetime | None,
    valid_until: datetime | None,
) -> None:
    """Say what changes about the chosen rules, and keep what that does to the price of each
    product. No rule changes yet.

    Raises `PermissionDenied`, `NotFound` for another person's change, `PriceChangeSettled`,
    `PriceRuleOver`, `PriceRuleUnchanged`, `PriceStale`, and `Invalid` naming the field.
    """
    change = _lock_own(session, actor, change_id)
    chosen = queries.list_versions(session, change.chosen)
    planned = []
    for rule in (chosen[rule_id] for rule_id in change.chosen):
        if rule.ends_at is not None and rule.ends_at <= clock.now():
            raise PriceRuleOver(f"{rule.public_id} is over. Choose the rules again.")
        tiers = _adjust(session, adjustment, rule.scope, rule.tiers)
        if tiers != rule.tiers:
            planned.append(PlannedVersion(rule.scope, tiers))
    if not planned:
        raise PriceRuleUnchanged("The rules already say this. Change another part, or by more.")
    plan = PricePlan(planned, valid_from, valid_until)
    _preview(session, change_id, plan, queries.read_asks(session), Author(actor, ""))


def _adjust(
    session: Session,
    adjustment: Adjustment,
    scope: rules.PriceScope,
    tiers: Sequence[rules.PriceTier],
) -> list[rules.PriceTier]:
    try:
        return adjustment.adjust(tiers)
    except Invalid as refusal:
        name = queries.name_products(session, scope)
        raise Invalid(refusal.field, f"{name}: {refusal.message}") from None


def confirm_change(
    session: Session, actor: Actor, change_id: UUID, *, digest: str, reason: str
) -> ChangeOutcome:
    """Make a change whose effect was shown, or request it where that moves a price by more than the
    setting. `digest` is that of what the person saw.

    Raises `PermissionDenied`, `NotFound` for another person's change, `PriceChangeSettled`,
    `PricePreviewOutdated`, `ApprovalPending`, and `Invalid` for the reason.
    """
    change = _lock_own(session, actor, change_id)
    author = Author(actor, approvals_rules.clean_reason(reason))
    shown_at = change.previewed_at
    is_shown = shown_at is not None and clock.now() - shown_at <= PREVIEW_LIFETIME
    if not is_shown or not compare_digest(change.digest, digest):
        raise PricePreviewOutdated
    return _settle(session, change, _try_again(session, change, digest, author), author)


def forget_unconfirmed(session: Session) -> None:
    """Delete the changes that were begun long ago and never confirmed, with their effects."""
    session.write(
        sa.delete(PriceChangeRow).where(
            PriceChangeRow.created_at < clock.now() - _KEPT,
            PriceChangeRow.approval_id.is_(None),
            PriceChangeRow.made_at.is_(None),
        )
    )


def _insert(session: Session, actor: Actor, chosen: Sequence[UUID]) -> UUID:
    change_id = ids.new()
    row = {"id": change_id, "maker_id": actor.user_id, "chosen": list(chosen)}
    session.write(sa.insert(PriceChangeRow).values(**row, created_at=clock.now()))
    return change_id


def _lock_own(session: Session, actor: Actor, change_id: UUID) -> PriceChange:
    require(actor, Permission.PRICES_EDIT)
    change = changes.lock_change(session, change_id)
    if change.maker_id != actor.user_id:
        raise NotFound
    if change.is_settled:
        raise PriceChangeSettled
    return change


def _make(session: Session, plan: PricePlan, author: Author) -> list[versions.WrittenVersion]:
    if plan.ends is not None:
        versions.end_version(session, plan.ends, author)
    return [
        versions.write_version(
            session,
            NewPriceRule(version.scope, version.tiers, plan.valid_from, plan.valid_until),
            author,
        )
        for version in plan.versions
    ]


def _try(session: Session, plan: PricePlan, asks: Mapping[Metal, Decimal], author: Author) -> Trial:
    def change() -> Sequence[UUID | None]:
        return [version.replaces for version in _make(session, plan, author)]

    versions.lock_rules(session)
    return effects.try_change(session, change, plan.scopes, lambda: plan.begins(clock.now()), asks)


def _preview(
    session: Session,
    change_id: UUID,
    plan: PricePlan,
    asks: Mapping[Metal, Decimal],
    author: Author,
) -> Trial:
    trial, written = _try(session, plan, asks, author), plans.write_plan(plan)
    asks = {metal: asks[metal] for metal in sorted(trial.metals)}
    session.write(
        sa.update(PriceChangeRow)
        .where(PriceChangeRow.id == change_id)
        .values(
            plan=json_value(written),
            asks=json_value({metal.value: str(ask) for metal, ask in asks.items()}),
            digest=trial.digest(written, asks),
            previewed_at=clock.now(),
        )
    )
    session.write(sa.delete(PriceEffectRow).where(PriceEffectRow.change_id == change_id))
    rows = json.dumps([_write_effect(effect) for effect in trial.effects])
    session.send(_INSERT_EFFECTS, (change_id, rows))
    return trial


def _write_effect(effect: PriceEffect) -> dict[str, Any]:
    return {
        "id": str(ids.new()),
        "sku": effect.sku,
        "from_quantity": effect.from_quantity,
        "before_units": effect.before_units,
        "after_units": effect.after_units,
        "moved": changes.to_moved(effect.percent),
    }


def _try_again(session: Session, change: PriceChange, digest: str, author: Author) -> Trial:
    """Return what a change does now. Raises `PricePreviewOutdated` if that is not what the digest
    is of."""
    assert change.plan is not None, "its effect was shown"
    try:
        trial = _try(session, change.plan, change.asks, author)
    except PriceStale:
        # Products of another metal have come to a category.
        raise PricePreviewOutdated from None
    if not compare_digest(trial.digest(plans.write_plan(change.plan), change.asks), digest):
        raise PricePreviewOutdated
    return trial


def _settle(session: Session, change: PriceChange, trial: Trial, author: Author) -> ChangeOutcome:
    assert change.plan is not None, "its effect was shown"
    assert author.actor is not None, "a person makes it"
    of_change = sa.update(PriceChangeRow).where(PriceChangeRow.id == change.id)
    limit = current(session, ShopSettings).approval_percent
    if any(effect.moves_more_than(limit) for effect in trial.effects):
        approval_id = approvals.request_approval(
            session,
            author.actor,
            MAKE,
            {"change": change.public_id, "digest": change.digest},
            subject=change.public_id,
            reason=author.reason,
        )
        session.write(of_change.values(approval_id=approval_id))
        return ChangeOutcome(change.id, approval_id=approval_id)
    written = _make(session, change.plan, author)
    session.write(of_change.values(made_at=clock.now()))
    return ChangeOutcome(change.id, [version.id for version in written])


def _compare(session: Session, payload: TextFields) -> ProposedChange:
    """Return what rules say and prices are before and after. Locks all rules, so that none changes
    meanwhile. Raises `PricePreviewOutdated` if the effect is not the one that was shown."""
    change = changes.lock_change(session, ids.decode(PREFIX, payload["change"]))
    if change.made_at is not None:
        raise PriceChangeSettled
    trial = _try_again(session, change, payload["digest"], Author(None, ""))
    return change_texts.write_change(session, change, trial)


def _check(_session: Session, _actor: Actor, _payload: TextFields) -> None:
    """Require nothing but the permission, and two people."""


def _execute(session: Session, approved: ApprovedRequest) -> None:
    change = changes.lock_change(session, ids.decode(PREFIX, approved.payload["change"]))
    assert change.plan is not None, "its effect was shown"
    _make(session, change.plan, Author(approved.checker, approved.reason, approved))
    made = sa.update(PriceChangeRow).where(PriceChangeRow.id == change.id)
    session.write(made.values(made_at=clock.now()))


def _describe(session: Session, _actor: Actor, subject: str) -> TextFields:
    """Return nothing: the request itself has rules and prices before and after."""
    changes.get_change(session, ids.decode(PREFIX, subject))
    return {}


approvals_registry.register(
    ApprovalAction(
        MAKE,
        "Change prices",
        Permission.PRICES_EDIT,
        _compare,
        _check,
        _execute,
        _describe,
        lambda fields: f"change the price of {fields['products']}",
        formats={"from": change_texts.write_instant, "until": change_texts.write_instant},
        follows="Price locks that are open keep theirs.",
    )
)
