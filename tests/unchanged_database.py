"""Assert that a refusal changed nothing: every row of every table is the same as before.

Three tables are exempt. The audit trail records and counts denials, and rate limits are counted in
the database while Redis does not answer (one slow answer on a busy machine is enough).
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from app.kit.db import SNAPSHOT, Database

_TABLES = """
SELECT relname FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
AND relname NOT IN ('audit_records', 'denial_counts', 'throttle_counts')
ORDER BY relname
"""
# PostgreSQL writes a changed row at another place and with another transaction id, even if the
# values are the same. So the values need not be read.
_DIGEST = """
SELECT '{table}', format('%s %s', count(*), sum(hashtextextended(ctid || ' ' || xmin, 0)))
FROM "{table}"
"""


def table_digests(database: Database) -> dict[str, str]:
    """Return a digest of the rows of each table."""
    with database.transaction(SNAPSHOT) as session:
        # Starting parallel workers takes ten times as long as reading the small tables.
        session.send("SET LOCAL max_parallel_workers_per_gather = 0")
        tables = [name for (name,) in session.rows(_TABLES)]
        digests = " UNION ALL ".join(_DIGEST.format(table=table) for table in tables)
        return dict(session.rows(digests))


@contextmanager
def database_unchanged(database: Database, *, apart_from: Collection[str] = ()) -> Iterator[None]:
    """Assert that the block changes no row of any table except those in `apart_from`."""
    before = table_digests(database)
    yield
    after = table_digests(database)
    changed = {table for table in after if after[table] != before.get(table)}
    assert changed <= set(apart_from)
