"""Which columns are sealed. A column is declared so by its type, and is found by it."""

from dataclasses import dataclass
from functools import lru_cache

import sqlalchemy as sa

from app.kit.db import Base


class Sealed(sa.types.TypeDecorator[bytes]):
    """A column of sealed values: `bytea` that `keys.service` wrote. Rotation finds it by this."""

    impl = sa.LargeBinary
    cache_ok = True


@dataclass(frozen=True, slots=True, order=True)
class SealedColumn:
    """A sealed column, with the primary key that its values are bound to."""

    table: str
    column: str
    key: str
    key_type: str


def sealed_columns() -> list[SealedColumn]:
    """Every sealed column of the tables that are loaded, in one fixed order."""
    return sorted(
        sealed_column(table.name, column.name)
        for table in Base.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, Sealed)
    )


@lru_cache(maxsize=100)
def sealed_column(table: str, column: str) -> SealedColumn:
    """The sealed column of that name.

    Raises `LookupError` for any other, and where the primary key is not one column: nothing may be
    sealed where rotation would not find it.
    """
    found = Base.metadata.tables.get(table)
    if found is None or column not in found.columns:
        raise LookupError(f"there is no column {table}.{column}")
    is_sealed = isinstance(found.columns[column].type, Sealed)
    keys = list(found.primary_key.columns)
    if not is_sealed or len(keys) != 1:
        raise LookupError(f"{table}.{column} is not Sealed in a table with a key of one column")
    key_type = "uuid" if isinstance(keys[0].type, sa.Uuid) else "text"
    return SealedColumn(table, column, keys[0].name, key_type.lower())
