"""Requirements: exact pins, each with a reason, for every imported package."""

import ast
import re
import sys
from importlib.metadata import packages_distributions

import pytest

from tests.house.source import CHECKOUT, PRODUCT, python

_LINE = re.compile(
    r"(?P<name>[a-z0-9][a-z0-9._-]*)(\[[a-z,]+\])?==(?P<version>[0-9][0-9a-z.]*)"
    r"(; [^#]+)?\s+# (?P<reason>\S.{9,})",
    re.IGNORECASE,
)

#: The server; what fpdf2 and zoneinfo look for by themselves.
_USED_WITHOUT_IMPORT = {"granian", "uharfbuzz", "tzdata"}


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _pins(file: str) -> dict[str, str]:
    lines = (CHECKOUT / file).read_text().splitlines()
    stated = [line for line in lines if line and not line.startswith(("#", "-r "))]
    malformed = [line for line in stated if not _LINE.fullmatch(line)]
    assert malformed == [], f"{file}: write name==version  # why it is here"
    matches = [match for line in stated if (match := _LINE.fullmatch(line))]
    return {_canonical(match["name"]): match["version"] for match in matches}


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt"])
def test_every_requirement_is_pinned_with_a_reason(file: str) -> None:
    assert _pins(file)


def test_no_requirement_is_pinned_twice() -> None:
    assert _pins("requirements.txt").keys() & _pins("requirements-dev.txt").keys() == set()


def _imported_by_the_product() -> dict[str, str]:
    """Return the imported top-level packages with a file that imports them."""
    return {
        name.partition(".")[0]: source.name
        for source in python(*PRODUCT)
        for node in ast.walk(source.tree)
        for name in _imported(node)
    }


def test_every_pinned_package_is_used() -> None:
    distributions = packages_distributions()
    used = {
        _canonical(name)
        for top in _imported_by_the_product()
        for name in distributions.get(top, ())
    }
    assert _pins("requirements.txt").keys() - used == _USED_WITHOUT_IMPORT


def test_every_imported_package_is_pinned_itself() -> None:
    pins, distributions = _pins("requirements.txt"), packages_distributions()
    imported = _imported_by_the_product()
    missing = {
        f"{top} ({file})"
        for top, file in imported.items()
        if top not in sys.stdlib_module_names and top not in {"app", "sandbox", "_typeshed"}
        # Functions import the wheels of the embedded servers, in development only.
        if not file.startswith("app/embedded/")
        if not {_canonical(name) for name in distributions.get(top, [top])} & pins.keys()
    }
    assert missing == set(), "pin what is imported; another package may stop requiring it"


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return [node.module]
    return []
