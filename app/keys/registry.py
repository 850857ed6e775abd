"""The sealed columns. A column is declared as sealed by its type, and found by it."""

from dataclasses import dataclass
from functools import lru_cache

import sqlalchemy as sa

from app.kit.db import Base


class Sealed(sa.types.TypeDecorator[bytes]):
    """The type of a column of sealed values: `bytea` that `keys.service` wrote."""

    impl = sa.LargeBinary
    cache_ok = True


@dataclass(frozen=True, slots=True, order=True)
class SealedColumn:
    """A sealed column, and the primary key that its values are bound to."""

    table: str
    column: str
    key: str
    key_type: str


def sealed_columns() -> list[SealedColumn]:
    """Return every sealed column of the loaded tables, in a fixed order."""
    return sorted(
        sealed_column(table.name, column.name)
        for table in Base.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, Sealed)
    )


@lru_cache(maxsize=100)
def sealed_column(table: str, column: str) -> SealedColumn:
    """Return the sealed column of that name.

    Raises `LookupError` for a column that is not sealed, and for a table whose primary key is not a
    single column: rotation would not find values sealed there.
    """
    loaded = Base.metadata.tables.get(table)
    if loaded is None or column not in loaded.columns:
        raise LookupError(f"there is no column {table}.{column}")
    is_sealed = isinstance(loaded.columns[column].type, Sealed)
    keys = list(loaded.primary_key.columns)
    if not is_sealed or len(keys) != 1:
        raise LookupError(f"{table}.{column} is not Sealed in a table with a key of one column")
    key_type = "uuid" if isinstance(keys[0].type, sa.Uuid) else "text"
    return SealedColumn(table, column, keys[0].name, key_type.lower())
