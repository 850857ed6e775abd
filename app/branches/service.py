"""The verb of branches: open a branch."""

from uuid import UUID

from app.access import Actor, Permission, require
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.branches import rules
from app.branches.errors import BranchCodeTaken
from app.kit import clock, ids
from app.kit.db import Session

_OPEN = """
INSERT INTO branches (id, code, name, opened_at) VALUES (%s, %s, %s, %s)
ON CONFLICT (code) DO NOTHING RETURNING id
"""


def open_branch(session: Session, actor: Actor | None, *, code: str, name: str) -> UUID:
    """Open a branch and return its id. `actor` is None on the command line.

    Raises `PermissionDenied`, `Invalid` naming the field, and `BranchCodeTaken`.
    """
    if actor is not None:
        require(actor, Permission.BRANCHES_EDIT)
    code, name = rules.clean_code(code), rules.clean_name(name)
    branch_id = ids.new()
    if session.row(_OPEN, (branch_id, code, name, clock.now())) is None:
        raise BranchCodeTaken
    audit.record(
        session,
        actor=actor,
        action=AuditAction.BRANCH_OPENED,
        subject=ids.encode("brn", branch_id),
        after={"branch": code, "name": name},
    )
    return branch_id
