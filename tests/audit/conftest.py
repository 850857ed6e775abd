"""Fixtures: an audit trail with its own database and its own folder of anchors."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from flask import Flask
from sqlalchemy.engine import make_url

from app.access import DEFAULT_PERMISSIONS, Actor, Role
from app.audit import service as audit
from app.audit.actions import AuditAction
from app.audit.verification import VerificationReport, verify
from app.config import Settings
from app.kit import ids
from app.kit.db import SNAPSHOT, Database, Session
from app.kit.pipeline import Pipeline
from tests.running_transactions import wait_for_running_transactions
from tests.superuser import require_superuser


@dataclass(frozen=True)
class Trail:
    """An application whose audit trail has only the records of the test."""

    app: Flask
    database: Database
    folder: Path

    def record(self, count: int = 1, *, reason: str | None = "a reason") -> list[UUID]:
        """Record acts of a new administrator, each in its own transaction. Return their ids."""
        role = Role.ADMIN
        actor = Actor(ids.new(), ids.new(), "ada@example.com", role, DEFAULT_PERMISSIONS[role])
        recorded = []
        for number in range(count):
            with self.database.transaction() as session:
                recorded.append(
                    audit.record(
                        session,
                        actor=actor,
                        action=AuditAction.PERSON_SUSPENDED,
                        subject=ids.encode("usr", ids.new()),
                        before={"status": "active", "number": number},
                        after={"status": "suspended", "number": number},
                        reason=reason,
                        on_behalf_of=actor.user_id if number % 2 else None,
                    )
                )
        return recorded

    def seal(self) -> None:
        """Seal as the scheduled job does, after earlier transactions of other tests have ended."""
        wait_for_running_transactions(self.database)
        with self.database.transaction() as session:
            audit.seal(session)

    def anchor(self) -> None:
        """Anchor as the scheduled job does."""
        with self.database.transaction() as session:
            audit.anchor(session)

    def report(self) -> VerificationReport:
        """Return the report of the verification."""
        with self.database.transaction(SNAPSHOT) as session:
            return verify(session)

    def count(self, table: str) -> int:
        """Return the number of rows of the table."""
        with self.database.reading() as session:
            return int(session.rows(f"SELECT count(*) FROM {table}")[0][0])

    @contextmanager
    def superuser(self) -> Iterator[psycopg.Connection]:
        """Connect as the server's administrator, with triggers and foreign keys off."""
        url = require_superuser()
        address = make_url(url).set(
            drivername="postgresql", database=self.database.engine.url.database
        )
        text = address.render_as_string(hide_password=False)
        with psycopg.connect(text, autocommit=True, prepare_threshold=None) as connection:
            connection.execute("SET session_replication_role = replica")
            yield connection


def session_on(connection: psycopg.Connection) -> Session:
    """Return a session on the connection, to verify inside its transactions."""
    pipeline = Pipeline(connection)
    return Session(lambda: pipeline)


@pytest.fixture
def trail(lone_app: Flask) -> Trail:
    """An empty trail."""
    settings: Settings = lone_app.extensions["settings"]
    return Trail(lone_app, lone_app.extensions["database"], settings.data_dir / "audit")
