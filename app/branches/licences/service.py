"""The verbs of licences: add, renew and end one, and warn before one expires."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, Permission, require
from app.approvals import rules as approvals_rules
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.branches import queries as branches_queries
from app.branches.licences import queries
from app.branches.licences.errors import LicenceEnded, LicenceKnown
from app.branches.licences.models import Licence
from app.branches.licences.queries import LicenceSummary
from app.cases import service as cases
from app.kit import clock, ids, names
from app.kit.db import Session, register_refusal
from app.kit.errors import Invalid

#: The kind of the cases about licences.
CASE_KIND = "licence.expiring"

register_refusal("licences_authority_number_key", lambda _detail: LicenceKnown())


@dataclass(frozen=True, slots=True)
class NewLicence:
    """A licence as staff enter it. `expires_on` is its last day, None if it does not expire."""

    name: str
    number: str
    authority: str
    expires_on: date | None


def add_entity_licence(
    session: Session, actor: Actor | None, entity_id: UUID, licence: NewLicence
) -> UUID:
    """Add a licence of a legal entity and return its id. `actor` is None on the command line.

    Raises `PermissionDenied`, `Invalid` naming the field, and `LicenceKnown`.
    """
    return _add(session, actor, entity_id, None, licence)


def add_branch_licence(
    session: Session, actor: Actor | None, branch_id: UUID, licence: NewLicence
) -> UUID:
    """Add a licence of one branch and return its id. `actor` is None on the command line.

    Raises `PermissionDenied`, `NotFound`, `Invalid` naming the field, and `LicenceKnown`.
    """
    branch = branches_queries.get_any_branch(session, branch_id)
    return _add(session, actor, branch.entity_id, branch_id, licence)


def _add(
    session: Session,
    actor: Actor | None,
    entity_id: UUID,
    branch_id: UUID | None,
    licence: NewLicence,
) -> UUID:
    if actor is not None:
        require(actor, Permission.ENTITIES_EDIT)
    values = {
        "name": names.clean_name("licence", licence.name),
        "number": names.clean_name("number", licence.number),
        "authority": names.clean_name("authority", licence.authority),
        "expires_on": _check_expiry(licence.expires_on),
    }
    licence_id = ids.new()
    session.write(
        sa.insert(Licence).values(
            **values,
            id=licence_id,
            legal_entity_id=entity_id,
            branch_id=branch_id,
            added_at=clock.now(),
        )
    )
    holder = ids.encode("brn", branch_id) if branch_id else ids.encode("ent", entity_id)
    audit.record(
        session,
        actor=actor,
        action=AuditAction.LICENCE_ADDED,
        subject=ids.encode("lic", licence_id),
        after={**values, "expires_on": _written(licence.expires_on), "holder": holder},
    )
    return licence_id


def renew_licence(
    session: Session, actor: Actor | None, licence_id: UUID, expires_on: date
) -> None:
    """Record the new last day of a licence. `actor` is None on the command line.

    Raises `PermissionDenied`, `NotFound`, `LicenceEnded`, and `Invalid` naming the field.
    """
    if actor is not None:
        require(actor, Permission.ENTITIES_EDIT)
    licence = _lock(session, licence_id)
    if licence.expires_on is None or expires_on <= licence.expires_on:
        raise Invalid("expires_on", "Enter a day after the present one.")
    _check_expiry(expires_on)
    session.write(sa.update(Licence).where(Licence.id == licence_id).values(expires_on=expires_on))
    audit.record(
        session,
        actor=actor,
        action=AuditAction.LICENCE_RENEWED,
        subject=licence.public_id,
        before={"expires_on": _written(licence.expires_on)},
        after={"expires_on": _written(expires_on)},
    )


def end_licence(session: Session, actor: Actor | None, licence_id: UUID, *, reason: str) -> None:
    """Record that a licence was given up or taken away. `actor` is None on the command line.

    Raises `PermissionDenied`, `NotFound`, `LicenceEnded`, and `Invalid` naming the field.
    """
    if actor is not None:
        require(actor, Permission.ENTITIES_EDIT)
    reason = approvals_rules.clean_reason(reason)
    licence = _lock(session, licence_id)
    session.write(sa.update(Licence).where(Licence.id == licence_id).values(ended_at=clock.now()))
    audit.record(
        session,
        actor=actor,
        action=AuditAction.LICENCE_ENDED,
        subject=licence.public_id,
        before={"name": licence.name, "number": licence.number},
        reason=reason,
    )


def warn_of_expiry(session: Session) -> None:
    """Open a case for each licence that expires soon, once for each day of expiry."""
    for licence in queries.list_expiring(session, clock.now().date()):
        expiry = _written(licence.expires_on)
        cases.open_once(
            session,
            kind=CASE_KIND,
            subject=licence.public_id,
            key=f"{licence.public_id}:{expiry}",
            title="A licence expires soon",
            facts={
                "Licence": licence.name,
                "Number": licence.number,
                "Authority": licence.authority,
                "Holder": licence.holder,
                "Expires on": expiry,
            },
        )


def _lock(session: Session, licence_id: UUID) -> LicenceSummary:
    """Return the licence, its row locked. Raises `NotFound` and `LicenceEnded`."""
    locked = sa.select(Licence.id).where(Licence.id == licence_id).with_for_update()
    session.get(dict, locked)
    licence = queries.get_licence(session, licence_id)
    if licence.ended_at is not None:
        raise LicenceEnded
    return licence


def _check_expiry(expires_on: date | None) -> date | None:
    if expires_on is not None and expires_on < clock.now().date():
        raise Invalid("expires_on", "Enter a day that is not past.")
    return expires_on


def _written(day: date | None) -> str:
    return day.isoformat() if day else ""
