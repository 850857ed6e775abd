"""Descriptions of roles and permissions, read from the docstrings in permissions.py."""

import ast
import inspect
from collections.abc import Mapping
from enum import StrEnum
from itertools import pairwise
from types import MappingProxyType

from app.access import permissions
from app.access.permissions import Permission, Role


def _read_descriptions(kind: type[StrEnum]) -> Mapping[str, str]:
    """Return the docstring of each member by the member's value."""
    tree = ast.parse(inspect.getsource(permissions))
    [body] = [
        node.body
        for node in tree.body
        if isinstance(node, ast.ClassDef) and node.name == kind.__name__
    ]
    descriptions = {}
    for member, docstring in pairwise(body):
        if isinstance(member, ast.Assign) and isinstance(docstring, ast.Expr):
            name = ast.unparse(member.targets[0])
            descriptions[kind[name].value] = " ".join(
                str(ast.literal_eval(docstring.value)).split()
            )
    return MappingProxyType(descriptions)


#: What each permission lets its holder do, by the permission's value.
PERMISSION_DESCRIPTIONS = _read_descriptions(Permission)
#: What each role is for, by the role's value.
ROLE_DESCRIPTIONS = _read_descriptions(Role)
