"""The verb of sales tax: record a version of a rule, with a second person."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from app.access import Actor, Permission, require
from app.approvals import registry as approvals_registry
from app.approvals import service as approvals
from app.approvals.registry import ApprovalAction, ApprovedRequest, ProposedChange, TextFields
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.catalog.rules import USD, Metal
from app.catalog.tax_classes import TaxClass
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Invalid
from app.kit.formatting import format_amount, format_date
from app.kit.money import Amount
from app.tax import assessment, queries, rules
from app.tax.assessment import Delivery, TaxableLine, TaxDestination
from app.tax.errors import TaxRuleUnchanged, TaxUnknown
from app.tax.models import TaxRuleRow
from app.tax.rules import RULE_PREFIX, TaxRule, TaxRuleKey, ThresholdDirection
from app.tax.states import UsState

RECORD = "tax_rule.record"
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('tax_rules', 0))"
_CENT = Amount(USD, 1)
#: The price of an example where no threshold suggests one.
_EXAMPLE = Amount(USD, 1_000_00)
_FINENESS = Decimal("0.999")
#: What two versions of a rule differ in.
_TERMS = ("says", "valid until", "source", "address")


@dataclass(frozen=True, slots=True)
class NewTaxRule:
    """A version of a rule, as staff describe it; an empty text says that a field does not apply.
    `rate` is in percent."""

    key: TaxRuleKey
    rate: str
    exempt_from: str
    threshold: ThresholdDirection | None
    valid_from: date
    valid_until: date | None
    source: str
    source_url: str
    source_date: date


def request_rule(session: Session, actor: Actor, rule: NewTaxRule, *, reason: str) -> UUID:
    """Request a version of a rule, which a second person approves. Returns the request's id.

    It counts from its first day, but not before the day on which it is approved. Raises
    `PermissionDenied`, `Invalid` naming the field, `TaxRuleUnchanged`, `ApprovalPending`, and
    `Invalid` for the reason.
    """
    require(actor, Permission.TAX_EDIT)
    payload = _serialize(rule)
    return approvals.request_approval(
        session, actor, RECORD, payload, subject=str(rule.key), reason=reason
    )


def _serialize(rule: NewTaxRule) -> TextFields:
    key, exempt_from = rule.key, rules.parse_threshold(rule.exempt_from)
    rate = rules.parse_rate(rule.rate)
    if exempt_from is not None and rule.threshold is None:
        raise Invalid("threshold", "Choose whether a total that equals the threshold is exempt.")
    if key == TaxRuleKey(key.state) and rate is None:
        raise Invalid("rate", "Enter the rate of all goods of the state, in percent.")
    if rate == 0 and exempt_from is not None:
        raise Invalid("exempt_from", "Leave it empty: a rate of 0 exempts every invoice.")
    if rule.valid_until is not None and rule.valid_until < rule.valid_from:
        raise Invalid("valid_until", "Enter a last day that is not before the first.")
    return {
        "state": key.state,
        "tax_class": key.tax_class or "",
        "metal": key.metal or "",
        "fineness_min": str(key.fineness_min or ""),
        "postal_prefix": key.postal_prefix,
        "rate": "" if rate is None else f"{rate:f}",
        "exempt_from": str(exempt_from or ""),
        "threshold": rule.threshold if rule.threshold and exempt_from else "",
        "valid_from": rule.valid_from.isoformat(),
        "valid_until": rule.valid_until.isoformat() if rule.valid_until else "",
        "source": rules.clean_source(rule.source),
        "source_url": rules.clean_url(rule.source_url),
        "source_date": rule.source_date.isoformat(),
    }


def _parse(
    payload: TextFields,
    now: datetime,
    *,
    maker_id: UUID | None = None,
    approval: UUID | None = None,
) -> TaxRule:
    """Return the version that a request makes if it is approved now."""
    state = UsState(payload["state"])
    exempt_from = rules.parse_threshold(payload["exempt_from"])
    return TaxRule(
        id=ids.new(),
        state=state,
        tax_class=TaxClass.with_value(payload["tax_class"]),
        metal=Metal(payload["metal"]) if payload["metal"] else None,
        fineness_min=rules.parse_fineness_min(payload["fineness_min"]),
        postal_prefix=payload["postal_prefix"],
        rate_percent=rules.parse_rate(payload["rate"]),
        exempt_from_units=None if exempt_from is None else exempt_from.units,
        threshold=ThresholdDirection.with_value(payload["threshold"]),
        valid_from=max(date.fromisoformat(payload["valid_from"]), state.day_at(now)),
        valid_until=_parse_day(payload["valid_until"]),
        source=payload["source"],
        source_url=payload["source_url"],
        source_date=date.fromisoformat(payload["source_date"]),
        is_verified=True,
        maker_id=maker_id,
        approval_id=approval,
        recorded_at=now,
    )


def _parse_day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _compare(session: Session, payload: TextFields) -> ProposedChange:
    """Return what the rule says on the first day of the version, and what it would say, each with
    example invoices. Locks all rules, so that none changes meanwhile."""
    session.send(_LOCK)
    now = clock.now()
    new = _parse(payload, now)
    # The end of the first day: what begins that day has begun.
    zone = ZoneInfo(new.state.zone)
    at = max(now, datetime.combine(new.valid_from, time.max, zone).astimezone(UTC))
    stored = queries.list_rules(session, new.state)
    old = next((each for each in assessment.in_effect(stored, at) if each.key == new.key), None)
    before, after = _write(old), {"goods": new.key.goods, "place": new.key.place, **_write(new)}
    # The first day of a request that waits is the day of its approval: it is no change of its own.
    after["valid from"] = payload["valid_from"]
    if old is not None and old.is_verified and all(before[name] == after[name] for name in _TERMS):
        raise TaxRuleUnchanged
    examples = _list_examples(old, new)
    for name, price in examples.items():
        before[name] = _write_example(new, price, stored, at)
        after[name] = _write_example(new, price, [*stored, new], at)
    return ProposedChange(before, after)


def _write(rule: TaxRule | None) -> dict[str, str]:
    if rule is None:
        return {"says": "No rule of its own"}
    return {
        "says": rule.terms,
        "valid from": rule.valid_from.isoformat(),
        "valid until": rule.valid_until.isoformat() if rule.valid_until else "",
        "source": rule.source,
        "address": rule.source_url,
    }


def _write_day(text: str) -> str:
    return format_date(date.fromisoformat(text)) if text else ""


def _list_examples(old: TaxRule | None, new: TaxRule) -> Mapping[str, Amount]:
    threshold = new.exempt_from or (old and old.exempt_from)
    if not threshold:
        return {"example": _EXAMPLE}
    return {
        "example below": threshold - _CENT,
        "example at the threshold": threshold,
        "example above": threshold + _CENT,
    }


def _write_example(rule: TaxRule, price: Amount, stored: list[TaxRule], at: datetime) -> str:
    """Return the tax of an invoice with one line, of goods and a place that the rule covers."""
    line = TaxableLine(
        "example",
        price,
        rule.tax_class or TaxClass.BULLION,
        rule.metal or Metal.AU,
        max(rule.fineness_min or _FINENESS, _FINENESS),
    )
    place = TaxDestination(Delivery.SHIP, "US", rule.state, rule.postal_prefix)
    try:
        tax = assessment.assess([line], place, at, (), stored).tax
    except TaxUnknown:
        return f"{format_amount(price)}: tax not known"
    return f"{format_amount(price)}: {format_amount(tax)} tax"


def _execute(session: Session, approved: ApprovedRequest) -> None:
    change = _compare(session, approved.payload)
    now = clock.now()
    rule = _parse(approved.payload, now, maker_id=approved.maker_id, approval=approved.id)
    columns = TaxRuleRow.__table__.columns.keys()
    session.write(sa.insert(TaxRuleRow).values({name: getattr(rule, name) for name in columns}))
    audit.record(
        session,
        actor=approved.checker,
        action=AuditAction.TAX_RULE_RECORDED,
        subject=ids.encode(RULE_PREFIX, rule.id),
        before=change.before,
        after={
            **change.after,
            "valid from": rule.valid_from.isoformat(),
            "approval": ids.encode("apr", approved.id),
        },
        reason=approved.reason,
    )


def _check(_session: Session, actor: Actor, payload: TextFields) -> None:
    """Require the permission, and that the days of the version have not passed."""
    require(actor, Permission.TAX_EDIT)
    until, state = _parse_day(payload["valid_until"]), UsState(payload["state"])
    if until is not None and until < state.day_at(clock.now()):
        raise Invalid("valid_until", "Enter a last day that has not passed.")


def _describe(_session: Session, _actor: Actor, _subject: str) -> TextFields:
    """Return nothing: the request itself has the rule before and after, with examples."""
    return {}


approvals_registry.register(
    ApprovalAction(
        RECORD,
        "Record a rule of sales tax",
        Permission.TAX_EDIT,
        _compare,
        _check,
        _execute,
        _describe,
        lambda fields: f"record “{fields['says']}”",
        formats={"valid from": _write_day, "valid until": _write_day},
        follows="Invoices from its first day on are taxed by it; earlier ones keep their tax.",
    )
)
