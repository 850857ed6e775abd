"""SQLAlchemy statements as the text and parameters that a `Session` sends.

Statements with filters, sorts and conditions are built from the tables' models, so a column is
written once. They travel in the session's own pipeline and transaction: SQLAlchemy only compiles.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import ReturningDelete, ReturningInsert, ReturningUpdate

from app.kit.pipeline import Row, Statement

EnumT = TypeVar("EnumT", bound=StrEnum)

#: A SELECT of any columns.
AnySelect = sa.Select[*tuple[Any, ...]]
#: An INSERT, UPDATE or DELETE that returns columns.
AnyReturning = (
    ReturningInsert[*tuple[Any, ...]]
    | ReturningUpdate[*tuple[Any, ...]]
    | ReturningDelete[*tuple[Any, ...]]
)

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
    converters: tuple[Callable[[Any], Any] | None, ...]

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


def json_value(fields: Mapping[str, object]) -> sa.ColumnElement[Any]:
    """Return an object as a value of a column of JSON, to be written."""
    return sa.cast(json.dumps(fields, ensure_ascii=False), JSONB)


def compile_statement(statement: sa.ClauseElement) -> Statement:
    """Return the text of a statement with its parameters."""
    compiled = _compile(statement)
    return compiled.string, compiled.params


def compile_select(select: AnySelect | AnyReturning) -> CompiledSelect:
    """Return a statement whose rows are read by the names of its columns.

    Compiling may take longer than sending. What is sent often is compiled once, as a constant of
    its module, with a `sa.bindparam` for each value.
    """
    compiled, columns = _compile(select), select.exported_columns
    return CompiledSelect(
        compiled.string,
        compiled.params,
        frozenset(name for name, bind in compiled.binds.items() if bind.required),
        tuple(str(column.key) for column in columns),
        tuple(_converter(column.type) for column in columns),
    )


def _compile(statement: sa.ClauseElement) -> SQLCompiler:
    compiled = statement.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
    assert isinstance(compiled, SQLCompiler)
    return compiled


def _converter(column_type: sa.types.TypeEngine[Any]) -> Callable[[Any], Any] | None:
    if isinstance(column_type, StoredEnum):
        return lambda value: column_type.process_result_value(value, _DIALECT)
    if isinstance(column_type, sa.ARRAY) and (convert := _converter(column_type.item_type)):
        return lambda values: None if values is None else tuple(map(convert, values))
    return None
