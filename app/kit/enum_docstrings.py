"""The docstrings of an enum's members: what each means, written below it."""

import ast
import inspect
import sys
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from itertools import pairwise
from types import MappingProxyType


@cache
def read_docstrings(kind: type[StrEnum]) -> Mapping[str, str]:
    """Return the docstring of each member that has one, by the member's value."""
    tree = ast.parse(inspect.getsource(sys.modules[kind.__module__]))
    [body] = [
        node.body
        for node in tree.body
        if isinstance(node, ast.ClassDef) and node.name == kind.__name__
    ]
    docstrings = {}
    for member, docstring in pairwise(body):
        if isinstance(member, ast.Assign) and isinstance(docstring, ast.Expr):
            name = ast.unparse(member.targets[0])
            docstrings[kind[name].value] = " ".join(str(ast.literal_eval(docstring.value)).split())
    return MappingProxyType(docstrings)
