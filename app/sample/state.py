"""Whether the sample can be loaded into a database, and a fresh start after a load that broke off.

The first and the last act of a load are in the audit trail. Between them the database is the
sample's own: the load begins again from an empty one. A database that had people before is left
alone.
"""

from enum import Enum, auto
from pathlib import Path

import click
import sqlalchemy as sa

from app.audit import queries as audit_queries
from app.audit.actions import AuditAction
from app.config import Settings
from app.embedded.sample_people import DOMAIN
from app.identity.accounts import queries as account_queries
from app.kit.db import Session

#: What a load adds to the data folder, besides the providers' store, which it clears itself.
_FILES = ("audit", "mail")
_CLEAR = (
    "DROP SCHEMA public CASCADE",
    "CREATE SCHEMA public",
    "GRANT USAGE ON SCHEMA public TO PUBLIC",
)


class SampleState(Enum):
    """What a database holds of the sample."""

    EMPTY = auto()
    """It has no people: the sample can be loaded."""
    BROKEN_OFF = auto()
    """A load began and did not end."""
    LOADED = auto()
    OTHER = auto()
    """People who were not added by a load."""


def find_state(session: Session) -> SampleState:
    """Return what the database holds. Raises `ClickException` where a load broke off and people
    came since: nothing may delete them."""
    if audit_queries.has_action(session, AuditAction.SAMPLE_LOADED):
        return SampleState.LOADED
    if not audit_queries.has_action(session, AuditAction.SAMPLE_BEGUN):
        has_people = account_queries.has_people(session)
        return SampleState.OTHER if has_people else SampleState.EMPTY
    if account_queries.has_people(session, outside_domain=DOMAIN):
        raise click.ClickException(
            "Loading the sample broke off, and people were added since. Use another database."
        )
    return SampleState.BROKEN_OFF


def clear(settings: Settings) -> None:
    """Empty the database and the data folder of what a broken-off load left there, as the owner.

    The migrations run next. Raises `ClickException` without the owner's URL.
    """
    if not settings.database_owner_url:
        raise click.ClickException(
            "Loading the sample broke off. Start bin/run again, or set DATABASE_OWNER_URL."
        )
    engine = sa.create_engine(settings.database_owner_url)
    with engine.begin() as owner:
        for statement in _CLEAR:
            owner.execute(sa.text(statement))
    engine.dispose()
    for name in _FILES:
        _delete_files(settings.data_dir / name)


def _delete_files(folder: Path) -> None:
    for file in folder.iterdir() if folder.is_dir() else ():
        file.unlink()
