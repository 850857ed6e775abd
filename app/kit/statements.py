"""SQLAlchemy statements as the text and parameters that a `Session` sends.

Statements with filters, sorts and conditions are built from the tables' models, so a column is
written once. They travel in the session's own pipeline and transaction: SQLAlchemy only compiles.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Any, Generic, TypeVar
from uuid import UUID

import sqlalchemy as sa
from psycopg.sql import Literal
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute
from sqlalchemy.sql.cache_key import CacheKey
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import ReturningDelete, ReturningInsert, ReturningUpdate

from app.kit.pipeline import PLACEHOLDER, Row, Statement

#: An instant, or a parameter that gets one later.
SqlInstant = datetime | sa.ColumnElement[datetime]
EnumT = TypeVar("EnumT", bound=StrEnum)
_Column = sa.ColumnElement[Any] | InstrumentedAttribute[Any]
#: Makes a value of a column's type from what was read; None leaves it as it is.
_Converter = Callable[[Any], Any] | None

#: A SELECT of any columns.
AnySelect = sa.Select[*tuple[Any, ...]]
#: An INSERT, UPDATE or DELETE that returns columns.
AnyReturning = (
    ReturningInsert[*tuple[Any, ...]]
    | ReturningUpdate[*tuple[Any, ...]]
    | ReturningDelete[*tuple[Any, ...]]
)

_LIKE_SPECIAL = re.compile(r"[\\%_]")
_TRIGRAM = 3
_DIALECT = sa.make_url("postgresql+psycopg://").get_dialect()()


class StoredEnum(sa.TypeDecorator[EnumT], Generic[EnumT]):
    """A text column whose values are members of an enumeration."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, members: type[EnumT]) -> None:
        super().__init__()
        self.members = members

    def process_result_value(self, value: Any | None, _dialect: sa.Dialect) -> EnumT | None:
        """Return the member. Raises `ValueError` for a value that the enumeration lacks."""
        return None if value is None else self.members(value)


@dataclass(frozen=True, slots=True)
class CompiledSelect:
    """A compiled statement, and how its rows are read."""

    text: str
    constants: Mapping[str, Any]
    #: The names of its `sa.bindparam`s.
    parameters: frozenset[str]
    names: tuple[str, ...]
    converters: tuple[_Converter, ...]

    def with_values(self, values: Mapping[str, Any]) -> Statement:
        """Return the statement with a value for each of its parameters."""
        if values.keys() != self.parameters:
            raise TypeError(f"The parameters are {sorted(self.parameters)}.")
        return self.text, {**self.constants, **values}

    @property
    def statement(self) -> Statement:
        """The statement, which has no parameters."""
        return self.with_values({})

    def read(self, row: Row) -> dict[str, Any]:
        """Return the values of a row by the names of the selected columns."""
        return {
            name: value if convert is None else convert(value)
            for name, value, convert in zip(self.names, row, self.converters, strict=True)
        }


def any_of(name: str, item_type: type[sa.types.TypeEngine[Any]]) -> sa.ColumnElement[Any]:
    """Return any item of a list that a statement gets as a parameter of this name.

    PostgreSQL plans the statement once for lists of every length, in place of each time.
    """
    items = sa.bindparam(name, type_=sa.ARRAY(item_type))
    unnested = sa.select(sa.func.unnest(items)).scalar_subquery()
    return sa.any_(sa.func.array(unnested, type_=sa.ARRAY(item_type)))


def among(key: _Column, found: AnySelect) -> sa.ColumnElement[bool]:
    """Match keys that the statement selects.

    PostgreSQL finds them first, by the indexes of the conditions, in place of going through the
    order of a page until enough of its rows match.
    """
    keys = sa.func.array(found.correlate(None).scalar_subquery(), type_=sa.ARRAY(key.type))
    return key == sa.any_(keys)


def contains(column: _Column, text: str) -> sa.ColumnElement[bool]:
    """Match texts that contain this one; fewer than three characters have to begin a word.

    A trigram index of the column serves it.
    """
    part = _LIKE_SPECIAL.sub(r"\\\g<0>", text)
    if len(text) >= _TRIGRAM:
        return column.like(f"%{part}%")
    return sa.or_(column.like(f"{part}%"), column.like(f"% {part}%"))


def json_value(fields: Mapping[str, object]) -> sa.ColumnElement[Any]:
    """Return an object as a value of a column of JSON, to be written."""
    return sa.cast(json.dumps(fields, ensure_ascii=False), JSONB)


def insert_rows(*tables: tuple[type[DeclarativeBase], Sequence[Mapping[str, Any]]]) -> Statement:
    """Return one statement that adds rows to tables, all rows of a table with the same columns."""
    filled = [(table.__tablename__, rows) for table, rows in tables if rows]
    parts = tuple(_AddedRows(name, tuple(next(iter(rows))), len(rows)) for name, rows in filled)
    values = [
        row[column]
        for part, (_, rows) in zip(parts, filled, strict=True)
        for row in rows
        for column in part.columns
    ]
    return _insert_text(parts), [_without_type(value) for value in values]


@dataclass(frozen=True, slots=True)
class _AddedRows:
    """How many rows a statement adds to a table, with which columns."""

    table: str
    columns: tuple[str, ...]
    count: int

    @property
    def text(self) -> str:
        row = f"({', '.join(['%s'] * len(self.columns))})"
        return (
            f"INSERT INTO {self.table} ({', '.join(self.columns)})"  # noqa: S608 - names of models
            f" VALUES {', '.join([row] * self.count)}"
        )


@lru_cache(maxsize=1000)
def _insert_text(added: tuple[_AddedRows, ...]) -> str:
    *first, last = (each.text for each in added)
    parts = ", ".join(f"part_{number} AS ({insert})" for number, insert in enumerate(first))
    return f"WITH {parts} {last}" if parts else last


def _without_type(value: Any) -> Any:
    """Return a value as text that the database reads as its column's type: otherwise a statement
    would be prepared for each size of a number, and again for each value that is missing."""
    return str(value) if isinstance(value, int | UUID | Decimal | datetime) else value


def compile_statement(statement: sa.ClauseElement) -> Statement:
    """Return the text of a statement with its parameters."""
    cache_key = _find_cache_key(statement)
    if cache_key is None:
        compiled = _compile(statement)
        return compiled.string, compiled.params
    return _fill(_compile_shape(_Shape(cache_key.key, statement, cache_key)), cache_key)


def compile_select(select: AnySelect | AnyReturning) -> CompiledSelect:
    """Return a statement whose rows are read by the names of its columns.

    Building a statement may take longer than sending it. What is sent often is compiled once, as a
    constant of its module, with a `sa.bindparam` for each value.
    """
    cache_key = _find_cache_key(select)
    if cache_key is None:
        compiled = _compile(select)
        required = frozenset(name for name, bind in compiled.binds.items() if bind.required)
        text, values = compiled.string, compiled.params
        if required:
            text, values = _write_constants(compiled, required), {}
        return CompiledSelect(text, values, required, *_columns(select))
    shape = _Shape(cache_key.key, select, cache_key)
    text, values = _fill(_compile_shape(shape), cache_key)
    return CompiledSelect(text, values, frozenset(), *_columns_of_shape(shape))


@dataclass(frozen=True)
class _Shape:
    """A statement apart from the values of its parameters, by which it is found again."""

    key: tuple[Any, ...]
    statement: Any = field(compare=False)
    cache_key: CacheKey = field(compare=False)


def _find_cache_key(statement: sa.ClauseElement) -> CacheKey | None:
    """Return SQLAlchemy's own key of the statement's shape, or None: its values come later, or it
    has no key."""
    # From examples/dogpile_caching: there is no other name for it.
    cache_key = statement._generate_cache_key()  # noqa: SLF001 - as the recipe of SQLAlchemy
    if cache_key is None or cache_key.params:
        return None
    return None if any(bind.required for bind in cache_key.bindparams) else cache_key


# Compiling takes several times as long as building the statement and filling it in.
@lru_cache(maxsize=1000)
def _compile_shape(shape: _Shape) -> SQLCompiler:
    compiled = shape.statement.compile(dialect=_DIALECT, cache_key=shape.cache_key)
    assert isinstance(compiled, SQLCompiler)
    return compiled


@lru_cache(maxsize=1000)
def _columns_of_shape(shape: _Shape) -> tuple[tuple[str, ...], tuple[_Converter, ...]]:
    return _columns(shape.statement)


def _fill(compiled: SQLCompiler, cache_key: CacheKey) -> tuple[str, Mapping[str, Any]]:
    """Return the text of a compiled shape with the values of the statement that has this key."""
    values = compiled.construct_params(extracted_parameters=cache_key.bindparams)
    if not compiled.post_compile_params and not compiled.literal_execute_params:
        return compiled.string, values
    # The text depends on the values: `IN` lists each of them.
    expanded = compiled.construct_expanded_state(values)
    return expanded.statement, expanded.parameters


def _compile(statement: sa.ClauseElement) -> SQLCompiler:
    compiled = statement.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
    assert isinstance(compiled, SQLCompiler)
    return compiled


def _write_constants(compiled: SQLCompiler, required: frozenset[str]) -> str:
    """Return the text with the values that it has already: PostgreSQL makes one plan for all values
    to come, and chooses a better one if it knows these, such as the status of an index."""

    def write(match: re.Match[str]) -> str:
        is_given = match[2] is not None and match[2] not in required
        return (
            Literal(compiled.params[match[2]]).as_string().replace("%", "%%")
            if is_given
            else match[0]
        )

    return PLACEHOLDER.sub(write, compiled.string)


def _columns(
    select: AnySelect | AnyReturning,
) -> tuple[tuple[str, ...], tuple[_Converter, ...]]:
    """Return the names of the columns, and what converts their values."""
    columns = select.exported_columns
    return (
        tuple(str(column.key) for column in columns),
        tuple(_converter(column.type) for column in columns),
    )


def _converter(column_type: sa.types.TypeEngine[Any]) -> _Converter:
    if isinstance(column_type, StoredEnum):
        return lambda value: column_type.process_result_value(value, _DIALECT)
    if isinstance(column_type, sa.ARRAY) and (convert := _converter(column_type.item_type)):
        return lambda values: None if values is None else tuple(map(convert, values))
    return None
