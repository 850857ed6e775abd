"""The verbs of legal entities: add one, change its facts, change how it reports cash."""

from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, Permission, require
from app.approvals import registry as approvals_registry
from app.approvals import service as approvals
from app.approvals.registry import (
    ApprovalAction,
    ApprovedRequest,
    ProposedChange,
    TextFields,
    label_of,
)
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.branches import rules as branches_rules
from app.branches.entities import queries, rules
from app.branches.entities.errors import EntityCodeTaken, RegimeUnchanged
from app.branches.entities.models import LegalEntity
from app.branches.entities.queries import EntitySummary
from app.branches.entities.rules import CashReportRegime
from app.kit import clock, ids, names, postal_addresses
from app.kit.db import Session, register_refusal
from app.kit.postal_addresses import PostalAddress
from app.kit.statements import json_value

#: The action that changes how a legal entity reports cash.
CHANGE_REGIME = "entity.change_regime"

register_refusal("legal_entities_code_key", lambda _detail: EntityCodeTaken())


@dataclass(frozen=True, slots=True)
class EntityFacts:
    """What a register says of a company, as staff enter it."""

    name: str
    jurisdiction: str
    postal: PostalAddress
    tax_number: str | None = None


def add_entity(
    session: Session,
    actor: Actor | None,
    code: str,
    facts: EntityFacts,
    regime: CashReportRegime,
) -> UUID:
    """Add a legal entity and return its id. `actor` is None on the command line.

    Raises `PermissionDenied`, `Invalid` naming the field, and `EntityCodeTaken`.
    """
    if actor is not None:
        require(actor, Permission.ENTITIES_EDIT)
    code, cleaned = branches_rules.clean_code(code), _clean(facts)
    entity_id = ids.new()
    session.write(
        sa.insert(LegalEntity).values(
            **_values_of(cleaned),
            id=entity_id,
            code=code,
            cash_report_regime=regime,
            added_at=clock.now(),
        )
    )
    audit.record(
        session,
        actor=actor,
        action=AuditAction.ENTITY_ADDED,
        subject=ids.encode("ent", entity_id),
        after={"code": code, "cash_report_regime": regime, **_written(cleaned)},
    )
    return entity_id


def change_entity(
    session: Session, actor: Actor | None, entity_id: UUID, facts: EntityFacts
) -> None:
    """Change what the register says of a legal entity. `actor` is None on the command line.

    Raises `PermissionDenied`, `NotFound`, and `Invalid` naming the field.
    """
    if actor is not None:
        require(actor, Permission.ENTITIES_EDIT)
    entity, cleaned = queries.lock_entity(session, entity_id), _clean(facts)
    changed = sa.update(LegalEntity).where(LegalEntity.id == entity_id)
    session.write(changed.values(**_values_of(cleaned)))
    audit.record(
        session,
        actor=actor,
        action=AuditAction.ENTITY_CHANGED,
        subject=entity.public_id,
        before=_written(entity),
        after=_written(cleaned),
    )


def request_regime(
    session: Session, actor: Actor, entity_id: UUID, regime: CashReportRegime, *, reason: str
) -> UUID:
    """Request that a legal entity reports cash under another law, which a second person approves.
    Return the request's id.

    Raises `PermissionDenied`, `NotFound`, `RegimeUnchanged`, `ApprovalPending`, and `Invalid` for
    the reason.
    """
    public_id = ids.encode("ent", entity_id)
    return approvals.request_approval(
        session,
        actor,
        CHANGE_REGIME,
        {"entity": public_id, "regime": regime.value},
        subject=public_id,
        reason=reason,
    )


def _clean(facts: EntityFacts) -> EntityFacts:
    jurisdiction = rules.clean_jurisdiction(facts.jurisdiction)
    return EntityFacts(
        names.clean_name("name", facts.name),
        jurisdiction,
        postal_addresses.normalize(facts.postal),
        rules.clean_tax_number(jurisdiction, facts.tax_number or ""),
    )


def _values_of(facts: EntityFacts) -> dict[str, object]:
    return {
        "name": facts.name,
        "jurisdiction": facts.jurisdiction,
        "address": json_value(postal_addresses.to_fields(facts.postal)),
        "tax_number": facts.tax_number,
    }


def _written(facts: EntityFacts | EntitySummary) -> dict[str, str]:
    """Return what the audit trail keeps of the facts, without those that are missing."""
    written = {
        "name": facts.name,
        "jurisdiction": facts.jurisdiction,
        "address": facts.postal.in_one_line if facts.postal else None,
        "tax_number": facts.tax_number,
    }
    return {name: value for name, value in written.items() if value is not None}


def _lock(session: Session, payload: TextFields) -> EntitySummary:
    return queries.lock_entity(session, ids.decode("ent", payload["entity"]))


def _compare(session: Session, payload: TextFields) -> ProposedChange:
    entity = _lock(session, payload)
    if entity.cash_report_regime == payload["regime"]:
        raise RegimeUnchanged
    return ProposedChange(
        {"entity": entity.code, "regime": entity.cash_report_regime},
        {"entity": entity.code, "regime": payload["regime"]},
    )


def _execute(session: Session, approved: ApprovedRequest) -> None:
    entity, regime = _lock(session, approved.payload), approved.payload["regime"]
    session.write(
        sa.update(LegalEntity).where(LegalEntity.id == entity.id).values(cash_report_regime=regime)
    )
    audit.record(
        session,
        actor=approved.checker,
        action=AuditAction.ENTITY_CHANGED,
        subject=entity.public_id,
        before={"cash_report_regime": entity.cash_report_regime},
        after={"cash_report_regime": regime, "approval": ids.encode("apr", approved.id)},
        reason=approved.reason,
    )


def _allow(_session: Session, _actor: Actor, _payload: TextFields) -> None:
    """Require nothing beyond the permission."""


def _describe(session: Session, actor: Actor, subject: str) -> TextFields:
    """Return which company it is."""
    if Permission.ENTITIES_READ not in actor.permissions:
        return {}
    entity = queries.get_entity(session, ids.decode("ent", subject))
    return {"Legal entity": entity.name, "Jurisdiction": entity.jurisdiction_name}


approvals_registry.register(
    ApprovalAction(
        CHANGE_REGIME,
        "Change how a legal entity reports cash",
        Permission.ENTITIES_EDIT,
        _compare,
        _allow,
        _execute,
        _describe,
        lambda fields: f"let {fields['entity']} report cash in this way: {fields['regime']}",
        {"regime": label_of(CashReportRegime)},
        follows="Cash that is received from then on is reported in this way.",
    )
)
