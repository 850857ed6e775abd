"""How the source is written: banned calls and their replacement, sizes, tables of other rooms."""

import ast
import io
import re
import tokenize
from pathlib import Path

import pytest

from app.kit.db import Base
from tests.house.source import CHECKOUT, PRODUCT, Source, files, python

FUNCTION_LINES_MAX = 60
FILE_LINES_MAX = 400

#: A call, where it is allowed, and what to write instead.
BANNED_CALLS = (
    (r"(.*\.)?(datetime|date)\.(now|utcnow|today)", ("app/kit/clock.py",), "clock.now()"),
    (r"(.*\.)?time_travel", ("app/sample/",), "the clock as it is: only the sample dates its acts"),
    (r".*\.commit", ("app/kit/db.py", "migrations/env.py"), "the edge's one transaction()"),
    (r"float", (), "Decimal, Fraction or integer minor units"),
    (r"print", ("app/embedded/__main__.py", "app/cli/"), "a log line (structlog), or click.echo"),
    (r"(.*\.)?Decimal\.from_float", (), "Decimal of a text"),
    (r"(urlopen|urllib\.request\..*|socket\.create_connection)", ("app/embedded/",), "a port"),
    (r"(eval|exec|os\.system)", ("app/embedded/launch.py",), "plain code"),
)


def _places(source: Source, pattern: str) -> list[str]:
    lines = [line for call, line in source.calls if re.fullmatch(pattern, call)]
    return [f"{source.name}:{line}" for line in lines]


@pytest.mark.parametrize(("pattern", "allowed", "instead"), BANNED_CALLS)
def test_banned_call_is_not_used(pattern: str, allowed: tuple[str, ...], instead: str) -> None:
    places = [
        place
        for source in python(*PRODUCT)
        if not source.name.startswith(allowed or ("(nowhere)",))
        for place in _places(source, pattern)
    ]
    assert places == [], f"write {instead} in place of {pattern}"


def test_bans_match_the_banned_calls() -> None:
    text = "x = datetime.datetime.now()\nsession.commit()\nprint(float('1'))\n"
    source = Source("app/x.py", text)
    places = {pattern: _places(source, pattern) for pattern, _, _ in BANNED_CALLS}
    assert sum(map(len, places.values())) == 4


def test_commit_appears_only_in_kit_db() -> None:
    text = (CHECKOUT / "app/kit/db.py").read_text()
    assert text.count('"COMMIT"') == 1
    everywhere = [s.name for s in python("app/") if re.search(r"[\"']COMMIT\b", s.text)]
    assert everywhere == ["app/kit/db.py"]


#: Names of rows. `kit.pipeline.Row` allows no index either, so the type check finds the others.
_ROW = re.compile(r"(\w+_)?(row|record)|.*(\.rows?\(.*\)|\.fetchone\(\)|\w*rows\[0\])", re.DOTALL)


def _values_by_position(source: Source) -> list[str]:
    return [
        f"{source.name}:{node.lineno}"
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Subscript)
        if isinstance(node.slice, ast.Constant | ast.Slice | ast.UnaryOp)
        if not isinstance(getattr(node.slice, "value", None), str)
        if _ROW.fullmatch(ast.unparse(node.value))
    ]


def test_no_value_of_a_row_is_read_by_its_position() -> None:
    sources = python("app/", "bench/", "sandbox/", "tooling/")
    places = [place for source in sources for place in _values_by_position(source)]
    assert places == [], "unpack the row into names, or call `Session.value`"


def test_no_comment_defers_work() -> None:
    mark = re.compile(r"\b(TO[D]O|FIX[M]E|X{3})\b")
    places = [
        f"{source.name}:{token.start[0]}"
        for source in python("app/", "migrations/", "tests/", "tooling/", "bench/", "w")
        if mark.search(source.text)
        for token in tokenize.generate_tokens(io.StringIO(source.text).readline)
        if token.type == tokenize.COMMENT and mark.search(token.string)
    ]
    assert places == [], "do it, or file an issue that says why it can wait"


def test_no_broad_except_swallows_an_exception() -> None:
    places = [
        f"{source.name}:{node.lineno}"
        for source in python(*PRODUCT)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in {"Exception", "BaseException"})
        and all(isinstance(line, ast.Pass | ast.Continue) for line in node.body)
    ]
    assert places == [], "catch the expected type, or let the exception propagate"


def test_functions_have_fewer_than_60_lines() -> None:
    long = [
        f"{source.name}:{node.lineno} {node.name} has {node.end_lineno - node.lineno + 1} lines"
        for source in python("app/", "wsgi.py", "internal.py", "worker.py", "tooling/")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno >= FUNCTION_LINES_MAX
    ]
    assert long == [], "branch in the parent, compute in pure leaves"


def test_files_have_at_most_400_lines() -> None:
    long = {
        name: lines
        for name in files()
        if name.endswith((".py", ".html", ".js", ".css")) and name.startswith("app/")
        if (lines := len((CHECKOUT / name).read_text(encoding="utf-8").splitlines()))
        > FILE_LINES_MAX
    }
    assert long == {}, "split by noun"


def test_every_package_has_a_docstring() -> None:
    packages = {Path(source.name).parent for source in python("app/")}
    silent = [
        str(package)
        for package in sorted(packages)
        if not (CHECKOUT / package / "__init__.py").is_file()
        or len(ast.get_docstring(ast.parse((CHECKOUT / package / "__init__.py").read_text())) or "")
        < 20
    ]
    assert silent == [], "write in __init__.py what the package owns and its invariants"


def test_every_module_has_a_docstring() -> None:
    silent = [source.name for source in python(*PRODUCT) if not ast.get_docstring(source.tree)]
    assert silent == []


# A table is read and written by its room only: others ask the room. Reporting and reconciliation
# read across.
_SQL_TABLE = re.compile(r"\b(?:FROM|JOIN|INTO|UPDATE|TABLE)\s+([a-z_]+)\b")
_MAY_READ_ACROSS = ("app/reconciliation/", "app/reporting/")


def _owner_of_tables() -> dict[str, str]:
    return {
        mapper.local_table.name: mapper.class_.__module__.split(".")[1]
        for mapper in Base.registry.mappers
    }


def test_sql_names_tables_of_its_own_room_only() -> None:
    owner_of = _owner_of_tables()
    # PL/pgSQL is in migrations, which this rule does not cover.
    strangers = [
        f"{source.name}:{node.lineno} uses {table} of {owner_of[table]}"
        for source in python("app/")
        if not source.name.startswith(_MAY_READ_ACROSS)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        for table in _SQL_TABLE.findall(node.value)
        if table in owner_of and source.name.split("/")[1] != owner_of[table]
    ]
    assert strangers == [], "use the room's queries or service"
