"""Rows that a test changes or reads past the rooms' verbs, by the models of their tables."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute

from app.kit.db import Base, Session
from app.kit.statements import compile_statement

Condition = sa.ColumnElement[bool]


def count_rows(session: Session, table: type[Base], *conditions: Condition) -> int:
    """Return how many rows of the table meet the conditions."""
    statement = sa.select(sa.func.count()).select_from(table).where(*conditions)
    return int(session.value(*compile_statement(statement)))


def read_values(
    session: Session, column: InstrumentedAttribute[Any], *conditions: Condition
) -> list[Any]:
    """Return the column's values, as stored, in the rows that meet the conditions, by their key."""
    statement = sa.select(column).where(*conditions)
    rows = session.rows(*compile_statement(statement.order_by(*column.table.primary_key)))
    return [value for (value,) in rows]


def change_rows(
    session: Session, table: type[Base], *conditions: Condition, **values: object
) -> None:
    """Set columns in the rows that meet the conditions."""
    session.write(sa.update(table).where(*conditions).values(**values))


def delete_rows(session: Session, table: type[Base], *conditions: Condition) -> None:
    """Delete the rows that meet the conditions."""
    session.write(sa.delete(table).where(*conditions))
