"""Access control: roles, permissions, and `require`, which checks an actor. Pure; owns no tables.

Invariant: every permission is granted to some role. The database keeps what each role holds
(identity/roles/role_permissions.py); `DEFAULT_PERMISSIONS` is where it starts. Object-level access
("mine", "my branch's") is decided by queries scoped to the actor's id or to `branch_scope`.
"""

from app.access.default_permissions import DEFAULT_PERMISSIONS
from app.access.permissions import (
    API_KEY_SCOPES,
    NEEDS_CONFIRMED_EMAIL,
    NEEDS_CONSENTS,
    Permission,
)
from app.access.policy import (
    Actor,
    EmailNotConfirmed,
    PoliciesNotAccepted,
    branch_scope,
    check_branch,
    require,
)
from app.access.roles import BRANCH_BOUND_ROLES, Role

__all__ = [
    "API_KEY_SCOPES",
    "BRANCH_BOUND_ROLES",
    "DEFAULT_PERMISSIONS",
    "NEEDS_CONFIRMED_EMAIL",
    "NEEDS_CONSENTS",
    "Actor",
    "EmailNotConfirmed",
    "Permission",
    "PoliciesNotAccepted",
    "Role",
    "branch_scope",
    "check_branch",
    "require",
]
