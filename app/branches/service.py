"""The verb of branches: open a branch."""

import re
from unicodedata import normalize
from uuid import UUID

from app.access import Actor, Permission, require
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.branches.errors import BranchCodeTaken
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.errors import Invalid

_CODE = re.compile(r"[A-Z][A-Z0-9]{1,11}", re.ASCII)
_NAME_LENGTH_MAX = 100
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
    if not _CODE.fullmatch(code):
        raise Invalid("code", "Enter a code (2 to 12 capital letters and digits), like NYC1.")
    name = normalize("NFC", name).strip()
    if not 0 < len(name) <= _NAME_LENGTH_MAX or not name.isprintable():
        raise Invalid("name", f"Enter a name (1 to {_NAME_LENGTH_MAX} characters).")
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
