"""That a refusal changed nothing: every row of every table, before and after, byte for byte.

Except that the audit trail says that something was refused, and that requests are counted here
for the rate limits while Redis does not answer (one slow answer of it on a busy machine is enough).
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from app.kit.db import Database

_TABLES = """
SELECT relname FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
AND relname NOT IN ('audit_records', 'throttle_counts')
ORDER BY relname
"""
# A row that was written again with the same values has another xmin.
_DIGEST = """
SELECT md5(coalesce(string_agg(row, E'\\n' ORDER BY row), ''))
FROM (SELECT xmin::text || t::text AS row FROM "{table}" t) AS rows
"""


def state(database: Database) -> dict[str, str]:
    """A digest of the rows of each table."""
    with database.reading() as session:
        tables = [name for (name,) in session.rows(_TABLES)]
        found = session.fetch(*((_DIGEST.format(table=table), None) for table in tables))
    return {table: rows[0][0] for table, rows in zip(tables, found, strict=True)}


@contextmanager
def unchanged(database: Database, *, apart_from: Collection[str] = ()) -> Iterator[None]:
    """After the block, every table holds exactly what it held before."""
    before = state(database)
    yield
    after = state(database)
    changed = {table for table in after if after[table] != before.get(table)}
    assert changed <= set(apart_from)
