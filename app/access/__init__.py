"""Who may do what: roles, permissions and the one question `require` asks. Pure; owns no tables.

Invariant: every permission is granted to some role, and a role's grants stand in one table here.
Object-level access ("mine") is not decided here but by queries scoped to the actor's id.
"""

from app.access.permissions import (
    DELEGABLE,
    NEEDS_CONFIRMED_EMAIL,
    PERMISSIONS_OF,
    Permission,
    Role,
)
from app.access.policy import Actor, EmailNotConfirmed, require

__all__ = [
    "DELEGABLE",
    "NEEDS_CONFIRMED_EMAIL",
    "PERMISSIONS_OF",
    "Actor",
    "EmailNotConfirmed",
    "Permission",
    "Role",
    "require",
]
