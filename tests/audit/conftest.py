"""A trail on a database of its own, with anchors in a folder of its own."""

import os
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
from app.audit.verification import VerificationReport, verify
from app.config import Settings
from app.kit import ids
from app.kit.db import SNAPSHOT, Database, Session
from app.kit.pipeline import Pipeline
from tests.settled import settle


@dataclass(frozen=True)
class Trail:
    """An application with nothing in its trail but what the test records."""

    app: Flask
    database: Database
    folder: Path

    def record(self, count: int = 1, *, reason: str | None = "a reason") -> list[UUID]:
        """Acts of a new administrator, each in a transaction of its own."""
        role = Role.ADMIN
        actor = Actor(ids.new(), ids.new(), "ada@example.com", role, DEFAULT_PERMISSIONS[role])
        recorded = []
        for number in range(count):
            with self.database.transaction() as session:
                recorded.append(
                    audit.record(
                        session,
                        actor=actor,
                        action="person.suspended",
                        subject=ids.encode("usr", ids.new()),
                        before={"status": "active", "number": number},
                        after={"status": "suspended", "number": number},
                        reason=reason,
                        on_behalf_of=actor.user_id if number % 2 else None,
                    )
                )
        return recorded

    def seal(self) -> None:
        """As the timetable does, once other tests' transactions of before have ended."""
        settle(self.database)
        with self.database.transaction() as session:
            audit.seal(session)

    def anchor(self) -> None:
        """As the timetable does."""
        with self.database.transaction() as session:
            audit.anchor(session)

    def report(self) -> VerificationReport:
        """What verification says."""
        with self.database.transaction(SNAPSHOT) as session:
            return verify(session)

    def count(self, table: str) -> int:
        """How many rows."""
        with self.database.reading() as session:
            return int(session.rows(f"SELECT count(*) FROM {table}")[0][0])

    @contextmanager
    def superuser(self) -> Iterator[psycopg.Connection]:
        """The server's administrator, with triggers and foreign keys off."""
        url = os.environ["PBCEX_TEST_SUPERUSER_URL"]
        if not url:
            pytest.skip("needs a superuser, so it runs on embedded servers only")
        address = make_url(url).set(
            drivername="postgresql", database=self.database.engine.url.database
        )
        text = address.render_as_string(hide_password=False)
        with psycopg.connect(text, autocommit=True, prepare_threshold=None) as connection:
            connection.execute("SET session_replication_role = replica")
            yield connection


def session_on(connection: psycopg.Connection) -> Session:
    """For verifying inside this connection's own transactions."""
    pipeline = Pipeline(connection)
    return Session(lambda: pipeline)


@pytest.fixture
def trail(lone_app: Flask) -> Trail:
    """An empty trail."""
    settings: Settings = lone_app.extensions["settings"]
    return Trail(lone_app, lone_app.extensions["database"], settings.data_dir / "audit")
