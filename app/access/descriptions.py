"""Descriptions of roles and permissions, read from their docstrings."""

from app.access.permissions import Permission
from app.access.roles import Role
from app.kit.enum_docstrings import read_docstrings

#: What each permission lets its holder do, by the permission's value.
PERMISSION_DESCRIPTIONS = read_docstrings(Permission)
#: What each role is for, by the role's value.
ROLE_DESCRIPTIONS = read_docstrings(Role)
