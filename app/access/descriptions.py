"""What each role and permission means, in the words of permissions.py itself."""

import ast
import inspect
from collections.abc import Mapping
from enum import StrEnum
from itertools import pairwise
from types import MappingProxyType

from app.access import permissions
from app.access.permissions import Permission, Role


def _read_descriptions(kind: type[StrEnum]) -> Mapping[str, str]:
    """The text that stands below each member, by the member's value."""
    tree = ast.parse(inspect.getsource(permissions))
    [body] = [
        node.body
        for node in tree.body
        if isinstance(node, ast.ClassDef) and node.name == kind.__name__
    ]
    found = {}
    for member, text in pairwise(body):
        if isinstance(member, ast.Assign) and isinstance(text, ast.Expr):
            name = ast.unparse(member.targets[0])
            found[kind[name].value] = " ".join(str(ast.literal_eval(text.value)).split())
    return MappingProxyType(found)


#: What a permission lets its holder do.
PERMISSION_DESCRIPTIONS = _read_descriptions(Permission)
#: What a role is for.
ROLE_DESCRIPTIONS = _read_descriptions(Role)
