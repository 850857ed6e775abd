"""A key ring and a database for one test, with postal addresses as the sealed values."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest
from flask import Flask

from app.identity.models import Address
from app.keys import service
from app.keys.ports import KeyRing
from app.keys.ring import FileKeyRing
from app.kit import clock, ids
from app.kit.db import Database
from app.kit.ports import provide, resolve
from tests.people import People
from tests.rows import change_rows

PLACE = {"table": "addresses", "column": "details_sealed"}


@pytest.fixture
def ring(lone_app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileKeyRing]:
    """The key ring of this test and of the programs that it starts."""
    before = resolve(KeyRing)
    ring = FileKeyRing(tmp_path / "keys.json", create=True)
    provide(KeyRing, ring)
    monkeypatch.setenv("PBCEX_KEY_RING", str(ring.path))
    yield ring
    provide(KeyRing, before)


@pytest.fixture
def alone(lone_app: Flask) -> Database:
    """A database in which every sealed value is from this test."""
    database: Database = lone_app.extensions["database"]
    return database


@dataclass
class SealedValues:
    """Sealed values in the database, and the expected plaintext of each."""

    database: Database
    plaintexts: dict[UUID, str]

    def add(self, count: int) -> list[UUID]:
        """Add `count` values, sealed by the active key; return their ids."""
        owner = People(self.database).customer().user_id
        now = clock.now()
        added = [ids.new() for _ in range(count)]
        with self.database.transaction() as session:
            for identifier in added:
                self.plaintexts[identifier] = f"secret of {identifier}"
                sealed = service.seal(self.plaintexts[identifier], **PLACE, key=identifier)
                session.send(
                    "INSERT INTO addresses VALUES (%s, %s, %s, false, %s, %s)",
                    (identifier, owner, sealed, now, now),
                )
        return added

    def stored(self) -> dict[UUID, bytes]:
        """Return the sealed values in the database by id."""
        with self.database.reading() as session:
            return dict(session.rows("SELECT id, details_sealed FROM addresses"))

    def put(self, identifier: UUID, sealed: bytes) -> None:
        """Replace a sealed value."""
        with self.database.transaction() as session:
            change_rows(session, Address, Address.id == identifier, details_sealed=sealed)

    def keys(self) -> set[str]:
        """Return the ids of the keys that the values need."""
        return {sealed[1:9].hex() for sealed in self.stored().values()}

    def all_open(self) -> bool:
        """Return whether every value opens to its plaintext."""
        return self.plaintexts == {
            identifier: service.open_sealed(sealed, **PLACE, key=identifier).decode()
            for identifier, sealed in self.stored().items()
        }


@pytest.fixture
def values(alone: Database, ring: FileKeyRing) -> SealedValues:
    """Sealed values, none at the start."""
    return SealedValues(alone, {})
