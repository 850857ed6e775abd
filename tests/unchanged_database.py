"""That a refusal changed nothing: every row of every table is the one that it was before.

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
# A change of a row is another row to PostgreSQL, at another place and of another transaction: even
# when it was written again with the same values. So the rows themselves need not be read.
_DIGEST = """
SELECT '{table}', format('%s %s', count(*), sum(hashtextextended(ctid || ' ' || xmin, 0)))
FROM "{table}"
"""


def table_digests(database: Database) -> dict[str, str]:
    """A digest of the rows of each table."""
    with database.reading() as session:
        tables = [name for (name,) in session.rows(_TABLES)]
        digests = " UNION ALL ".join(_DIGEST.format(table=table) for table in tables)
        return dict(session.rows(digests))


@contextmanager
def database_unchanged(database: Database, *, apart_from: Collection[str] = ()) -> Iterator[None]:
    """After the block, every table holds exactly what it held before."""
    before = table_digests(database)
    yield
    after = table_digests(database)
    changed = {table for table in after if after[table] != before.get(table)}
    assert changed <= set(apart_from)
