"""The verbs of branches: open one, change its details."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, Permission, require
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.branches import queries, rules
from app.branches.entities import queries as entities_queries
from app.branches.errors import BranchCodeTaken
from app.branches.hours import rules as hours_rules
from app.branches.models import Branch
from app.kit import clock, ids, phones, postal_addresses
from app.kit.db import Session, register_refusal
from app.kit.errors import Invalid
from app.kit.postal_addresses import PostalAddress
from app.kit.statements import json_value


@dataclass(frozen=True, slots=True)
class BranchDetails:
    """What customers read of a branch, as staff enter it. The time zone is of the tz database;
    an empty phone is none."""

    name: str
    address: PostalAddress
    phone: str
    time_zone: str
    offers_pickup: bool


register_refusal("branches_code_key", lambda _detail: BranchCodeTaken())


def open_branch(
    session: Session, actor: Actor | None, *, code: str, name: str, entity_id: UUID
) -> UUID:
    """Open a branch of a legal entity and return its id. `actor` is None on the command line.

    Raises `PermissionDenied`, `Invalid` naming the field, and `BranchCodeTaken`.
    """
    if actor is not None:
        require(actor, Permission.BRANCHES_EDIT)
    code, name = rules.clean_code(code), rules.clean_name(name)
    if entities_queries.find_entity(session, entity_id) is None:
        raise Invalid("entity", "Choose a legal entity from the list.")
    branch_id = ids.new()
    session.write(
        sa.insert(Branch).values(
            id=branch_id,
            code=code,
            name=name,
            legal_entity_id=entity_id,
            opened_at=clock.now(),
        )
    )
    audit.record(
        session,
        actor=actor,
        action=AuditAction.BRANCH_OPENED,
        subject=ids.encode("brn", branch_id),
        after={"branch": code, "name": name, "legal_entity": ids.encode("ent", entity_id)},
    )
    return branch_id


def change_details(
    session: Session, actor: Actor | None, branch_id: UUID, details: BranchDetails
) -> None:
    """Change what customers read of a branch. `actor` is None on the command line.

    Raises `PermissionDenied`, `NotFound`, and `Invalid` naming the field.
    """
    if actor is not None:
        require(actor, Permission.BRANCHES_EDIT)
    branch = queries.lock_branch(session, branch_id)
    address = postal_addresses.normalize(details.address)
    if details.offers_pickup and not branch.serves_customers:
        raise Invalid("offers_pickup", "Head office serves no customers.")
    values = {
        "name": rules.clean_name(details.name),
        "phone": phones.normalize_phone(details.phone or None, country=address.country),
        "time_zone": hours_rules.clean_time_zone(details.time_zone),
        "offers_pickup": details.offers_pickup,
    }
    stored = {**values, "address": json_value(postal_addresses.to_fields(address))}
    session.write(sa.update(Branch).where(Branch.id == branch_id).values(**stored))
    before = {name: getattr(branch, name) for name in values}
    audit.record(
        session,
        actor=actor,
        action=AuditAction.BRANCH_CHANGED,
        subject=branch.public_id,
        before=_written(before, branch.postal),
        after=_written(values, address),
    )


def _written(values: Mapping[str, object], address: PostalAddress | None) -> dict[str, str]:
    """Return what the audit trail keeps of the details, without those that are missing."""
    written = {**values, "address": address and address.in_one_line}
    return {name: str(value) for name, value in written.items() if value is not None}
