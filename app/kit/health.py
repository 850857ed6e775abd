"""The condition of a process, and the checks of its database."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from app.kit.db import Database
from app.kit.errors import Unavailable


class Condition(StrEnum):
    """Listed from good to bad, so that the worst of several is the last."""

    OK = "ok"
    """In order."""
    DEGRADED = "degraded"
    """It serves, with something missing."""
    FAILING = "failing"
    """It cannot serve."""


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """The result of one check."""

    name: str
    status: Condition
    detail: str


def worst_condition(checks: Collection[HealthCheck]) -> Condition:
    """Return the worst condition of the checks, `OK` if there are none."""
    return max((check.status for check in checks), key=list(Condition).index, default=Condition.OK)


# An acknowledged trade must survive a server crash; with any of these off it may not.
_DURABLE = {
    "fsync": {"on"},
    "full_page_writes": {"on"},
    "synchronous_commit": {"on", "remote_apply"},
}
_SETTINGS = """
SELECT current_setting('fsync'), current_setting('full_page_writes'),
    current_setting('synchronous_commit')
"""
# False before the first migration, and before the one that grants the application's role the table.
_HAS_VERSIONS = """
SELECT coalesce(has_table_privilege(to_regclass('public.alembic_version'), 'SELECT'), false)
"""
_VERSIONS = "SELECT version_num FROM alembic_version"


def check_database(database: Database, heads: Collection[str]) -> list[HealthCheck]:
    """Check that PostgreSQL responds, that commits are durable, and that migrations are at
    `heads`."""
    try:
        with database.reading() as session:
            [settings], [(has_versions,)] = session.fetch((_SETTINGS, ()), (_HAS_VERSIONS, ()))
            versions = session.rows(_VERSIONS) if has_versions else []
    except Unavailable as down:
        return [HealthCheck("postgresql", Condition.FAILING, down.detail)]
    risky = [
        name
        for (name, durable), value in zip(_DURABLE.items(), settings, strict=True)
        if value not in durable
    ]
    applied = {version for (version,) in versions}
    return [
        HealthCheck("postgresql", Condition.OK, "answers"),
        _health_check("durability", not risky, "on", f"switched off: {', '.join(risky)}"),
        _health_check(
            "migrations",
            applied == set(heads),
            "at head",
            f"at {', '.join(sorted(applied)) or 'none'}, expected {', '.join(sorted(heads))}",
        ),
    ]


def _health_check(name: str, good: bool, yes: str, no: str) -> HealthCheck:  # noqa: FBT001 - one shape for all
    return HealthCheck(name, Condition.OK if good else Condition.FAILING, yes if good else no)
