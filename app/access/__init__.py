"""Who may do what: roles, permissions and the one question `require` asks. Pure; owns no tables.

Invariant: every permission is granted to some role. What each role holds is kept in the database
(identity/grants.py); the table here says what it begins with. Object-level access ("mine", "my
branch's") is decided by queries scoped to the actor's id or to `branch_scope`.
"""

from app.access.permissions import (
    API_KEY_SCOPES,
    BRANCH_BOUND_ROLES,
    DEFAULT_PERMISSIONS,
    NEEDS_CONFIRMED_EMAIL,
    Permission,
    Role,
)
from app.access.policy import Actor, EmailNotConfirmed, branch_scope, check_branch, require

__all__ = [
    "API_KEY_SCOPES",
    "BRANCH_BOUND_ROLES",
    "DEFAULT_PERMISSIONS",
    "NEEDS_CONFIRMED_EMAIL",
    "Actor",
    "EmailNotConfirmed",
    "Permission",
    "Role",
    "branch_scope",
    "check_branch",
    "require",
]
