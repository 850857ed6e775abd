"""The verb of locations: open one."""

from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, Permission, require
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.kit import clock, ids
from app.kit.db import Session, register_refusal
from app.vault import rules as vault_rules
from app.vault.locations import rules
from app.vault.locations.errors import LocationCodeTaken
from app.vault.locations.models import Location
from app.vault.locations.rules import LocationKind

register_refusal("locations_code_key", lambda _detail: LocationCodeTaken())


def open_location(
    session: Session,
    actor: Actor | None,
    *,
    branch_id: UUID,
    code: str,
    name: str,
    kind: LocationKind,
) -> UUID:
    """Open a location of a branch and return its id. `actor` is None on the command line.

    Raises `PermissionDenied`, `Invalid` naming the field, and `LocationCodeTaken`.
    """
    if actor is not None:
        require(actor, Permission.VAULT_EDIT)
    code, name = rules.clean_location_code(code), vault_rules.clean_text("name", name)
    location_id = ids.new()
    session.write(
        sa.insert(Location).values(
            id=location_id,
            branch_id=branch_id,
            code=code,
            name=name,
            kind=kind,
            opened_at=clock.now(),
        )
    )
    audit.record(
        session,
        actor=actor,
        action=AuditAction.LOCATION_OPENED,
        subject=ids.encode("loc", location_id),
        after={
            "branch": ids.encode("brn", branch_id),
            "code": code,
            "name": name,
            "kind": kind,
        },
    )
    return location_id
