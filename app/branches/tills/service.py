"""The verbs of tills: open one, close one."""

from uuid import UUID

import sqlalchemy as sa

from app.access import Actor, Permission, require
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.branches import queries as branches_queries
from app.branches import rules as branches_rules
from app.branches.tills import queries
from app.branches.tills.errors import TillClosed, TillCodeTaken
from app.branches.tills.models import Till
from app.kit import clock, ids
from app.kit.db import Session, register_refusal
from app.kit.errors import Invalid, NotFound

register_refusal("tills_open_code_key", lambda _detail: TillCodeTaken())


def open_till(
    session: Session, actor: Actor | None, *, branch_id: UUID, code: str, name: str
) -> UUID:
    """Open a till of a branch and return its id. `actor` is None on the command line.

    Raises `PermissionDenied`, `Invalid` naming the field, and `TillCodeTaken`.
    """
    if actor is not None:
        require(actor, Permission.BRANCHES_EDIT)
    code, name = branches_rules.clean_code(code), branches_rules.clean_name(name)
    if not branches_queries.serves_customers(session, branch_id):
        raise Invalid("branch", "Choose a branch that serves customers.")
    till_id = ids.new()
    session.write(
        sa.insert(Till).values(
            id=till_id, branch_id=branch_id, code=code, name=name, opened_at=clock.now()
        )
    )
    audit.record(
        session,
        actor=actor,
        action=AuditAction.TILL_OPENED,
        subject=ids.encode("til", till_id),
        after={"branch": ids.encode("brn", branch_id), "code": code, "name": name},
    )
    return till_id


def close_till(session: Session, actor: Actor | None, branch_id: UUID, till_id: UUID) -> None:
    """Close a till of a branch for good. `actor` is None on the command line.

    Raises `PermissionDenied`, `NotFound` and `TillClosed`.
    """
    if actor is not None:
        require(actor, Permission.BRANCHES_EDIT)
    till = queries.get_till(session, till_id)
    if till.branch_id != branch_id:
        raise NotFound
    closed = sa.update(Till).where(Till.id == till_id, Till.closed_at.is_(None))
    if session.find(dict, closed.values(closed_at=clock.now()).returning(Till.id)) is None:
        raise TillClosed
    audit.record(
        session,
        actor=actor,
        action=AuditAction.TILL_CLOSED,
        subject=till.public_id,
        before={"branch": ids.encode("brn", till.branch_id), "code": till.code},
    )
