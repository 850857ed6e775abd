"""The language of the tree: one class name, one meaning; one alias, one module; plain words."""

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

from tests.house.source import CHECKOUT, Source, files, python

_CODE = ("app/", "sandbox/", "bench/", "tooling/")

#: Public class names that are used more than once, each with the reason.
SHARED_CLASS_NAMES: dict[str, str] = {}

#: Expressions that the tree does not use, with what to write instead. The glossary has the terms.
UNUSED_EXPRESSIONS = {
    r"whoever|somebody|anybody": "name the person: the customer, staff, the sender, the caller",
    r"the house(?! account)": "PBCEx, our staff, or the system",
    r"e-mails?": "email",
    r"(is|are|be|been|was|were) told(?! to)": "receives, is notified, or the message says",
    r"of theirs": "their",
    r"half[ _-]done": "pending",
    r"let(ting)? back in": "lift the suspension",
}
#: Texts that people agreed to, evidence that only a drill may write, and the list of old words.
_EXEMPT = re.compile(
    r"app/templates/public/policies/\w+\.v\d+\.html|docs/SAFETY\.md|docs/glossary\.md"
)
_TEXTS = (".py", ".md", ".html", ".txt", ".js", ".toml")


def _public_classes(sources: tuple[Source, ...]) -> dict[str, list[str]]:
    places: dict[str, list[str]] = defaultdict(list)
    for source in sources:
        for node in source.tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(source.name)
    return places


def test_a_public_class_name_has_one_meaning() -> None:
    shared = {
        name: places for name, places in _public_classes(python(*_CODE)).items() if len(places) > 1
    }
    assert {name: shared[name] for name in shared.keys() - SHARED_CLASS_NAMES.keys()} == {}
    assert SHARED_CLASS_NAMES.keys() <= shared.keys(), "take names off the list that are not shared"


def _is_module(dotted: str) -> bool:
    path = CHECKOUT / dotted.replace(".", "/")
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def test_an_import_alias_names_one_module() -> None:
    modules: dict[str, set[str]] = defaultdict(set)
    for source in python(*_CODE, "tests/"):
        for node in ast.walk(source.tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("app"):
                for name in node.names:
                    dotted = f"{node.module}.{name.name}"
                    if name.asname and _is_module(dotted):
                        modules[name.asname].add(dotted)
    assert {alias: named for alias, named in modules.items() if len(named) > 1} == {}


@pytest.mark.parametrize("expression", UNUSED_EXPRESSIONS)
def test_listed_expression_is_not_used(expression: str) -> None:
    pattern = re.compile(rf"\b({expression})\b", re.IGNORECASE)
    places = [
        f"{name}:{number}: {line.strip()}"
        for name in files()
        if name.endswith(_TEXTS) and not _EXEMPT.fullmatch(name)
        if name != Path(__file__).relative_to(CHECKOUT).as_posix()
        for number, line in enumerate((CHECKOUT / name).read_text("utf-8").splitlines(), 1)
        if pattern.search(line)
    ]
    assert places == [], f"write instead: {UNUSED_EXPRESSIONS[expression]}"


def test_listed_expressions_are_found_in_any_case() -> None:
    pattern = re.compile(rf"\b({'|'.join(UNUSED_EXPRESSIONS)})\b", re.IGNORECASE)
    assert pattern.search("Whoever asks")
    assert pattern.search("what the house owes")
    assert not pattern.search("a house account of the bank")
