"""A key ring and a database of the test's own, with addresses as what is sealed."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest
from flask import Flask

from app.keys import service
from app.keys.ports import KeyRing
from app.keys.ring import FileKeyRing
from app.kit import clock, ids
from app.kit.db import Database
from app.kit.ports import provide, resolve
from tests.people import People

PLACE = {"table": "addresses", "column": "details_sealed"}


@pytest.fixture
def ring(lone_app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileKeyRing]:
    """The ring of this test, for programs that it starts as well."""
    before = resolve(KeyRing)
    ring = FileKeyRing(tmp_path / "keys.json", create=True)
    provide(KeyRing, ring)
    monkeypatch.setenv("PBCEX_KEY_RING", str(ring.path))
    yield ring
    provide(KeyRing, before)


@pytest.fixture
def alone(lone_app: Flask) -> Database:
    """A database whose every sealed value this test sealed."""
    database: Database = lone_app.extensions["database"]
    return database


@dataclass
class Values:
    """Sealed values in the database, and what each should say."""

    database: Database
    said: dict[UUID, str]

    def add(self, count: int) -> list[UUID]:
        """So many more, sealed by the key that seals now."""
        owner = People(self.database).customer().user_id
        now = clock.now()
        made = [ids.new() for _ in range(count)]
        with self.database.transaction() as session:
            for identifier in made:
                self.said[identifier] = f"secret of {identifier}"
                sealed = service.seal(self.said[identifier], **PLACE, key=identifier)
                session.send(
                    "INSERT INTO addresses VALUES (%s, %s, %s, false, %s, %s)",
                    (identifier, owner, sealed, now, now),
                )
        return made

    def stored(self) -> dict[UUID, bytes]:
        """What stands in the database."""
        with self.database.reading() as session:
            return dict(session.rows("SELECT id, details_sealed FROM addresses"))

    def put(self, identifier: UUID, sealed: bytes) -> None:
        """Something else in its place."""
        with self.database.transaction() as session:
            session.send(
                "UPDATE addresses SET details_sealed = %s WHERE id = %s", (sealed, identifier)
            )

    def keys(self) -> set[str]:
        """The ids of the keys that are needed."""
        return {sealed[1:9].hex() for sealed in self.stored().values()}

    def all_open(self) -> bool:
        """Whether each says what it should."""
        return self.said == {
            identifier: service.open_sealed(sealed, **PLACE, key=identifier).decode()
            for identifier, sealed in self.stored().items()
        }


@pytest.fixture
def values(alone: Database, ring: FileKeyRing) -> Values:
    """None to begin with."""
    return Values(alone, {})
