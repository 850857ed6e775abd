"""Files are kept in encrypted parts: read as they were written, and never whole in memory."""

import tracemalloc
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256

import pytest
import sqlalchemy as sa

from app.keys import files
from app.keys.files import PART_BYTES, FileKey, PartWriter
from app.keys.models import FilePart
from app.kit import clock
from app.kit.crypto import DecryptionFailed
from app.kit.db import Database
from app.kit.errors import NotFound
from tests.rows import count_rows, delete_rows, read_values

MIB = 2**20


def store_file(database: Database, pieces: Iterator[bytes]) -> tuple[FileKey, int]:
    """Store what is written piece by piece. Return the key and the size of the file."""
    key, expires_at = FileKey.generate(), clock.now() + timedelta(hours=1)

    def store(number: int, content: bytes) -> None:
        with database.transaction() as session:
            files.add_part(session, key, number, content, expires_at=expires_at)

    writer = PartWriter(store)
    for piece in pieces:
        assert writer.write(piece) == len(piece)
    writer.finish()
    return key, writer.size


def read_file(database: Database, key: FileKey, size: int) -> Iterator[bytes]:
    with database.reading() as session:
        return files.open_file(session, database, key, size)


@pytest.mark.parametrize(
    ("size", "parts"), [(0, 1), (1, 1), (PART_BYTES, 1), (PART_BYTES + 1, 2), (3 * PART_BYTES, 3)]
)
@pytest.mark.parametrize("piece_size", [700_001, 5_000_000])
def test_file_is_read_as_it_was_written(
    database: Database, size: int, parts: int, piece_size: int
) -> None:
    content = bytes(number % 251 for number in range(size))
    pieces = (content[at : at + piece_size] for at in range(0, size, piece_size))
    key, size_written = store_file(database, pieces)
    assert size_written == size
    assert b"".join(read_file(database, key, size)) == content
    with database.reading() as session:
        stored = read_values(session, FilePart.content, FilePart.file_id == key.id)
    assert len(stored) == parts
    assert all(content[:100] not in part for part in stored if size > 100)


def test_file_of_55_mib_is_written_and_read_with_a_few_mib_of_memory(database: Database) -> None:
    piece, written, read = bytes(range(256)) * 256, sha256(), sha256()

    def pieces() -> Iterator[bytes]:
        for _ in range(55 * MIB // len(piece)):
            written.update(piece)
            yield piece

    tracemalloc.start()
    try:
        key, size = store_file(database, pieces())
        for part in read_file(database, key, size):
            read.update(part)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size == 55 * MIB
    assert read.digest() == written.digest()
    assert peak < 8 * MIB


def test_part_in_another_place_or_of_another_file_is_refused(database: Database) -> None:
    key, size = store_file(database, iter([bytes(2 * PART_BYTES)]))
    other, _ = store_file(database, iter([b"another"]))
    with pytest.raises(DecryptionFailed):
        read_file(database, FileKey(other.id, key.secret), size)
    of_file = FilePart.file_id == key.id
    with database.transaction() as session:
        delete_rows(session, FilePart, of_file, FilePart.number == 1)
        columns = FilePart.file_id, sa.literal(1), FilePart.content, FilePart.expires_at
        second = sa.select(*columns).where(of_file, FilePart.number == 2)
        names = ["file_id", "number", "content", "expires_at"]
        session.write(sa.insert(FilePart).from_select(names, second))
    with pytest.raises(DecryptionFailed):
        read_file(database, key, size)


def test_file_that_is_deleted_while_it_is_read_ends_with_an_error(database: Database) -> None:
    key, size = store_file(database, iter([bytes(2 * PART_BYTES)]))
    parts = read_file(database, key, size)
    assert len(next(parts)) == PART_BYTES
    with database.transaction() as session:
        files.delete_files(session, sa.select(sa.literal(key.id)))
    with pytest.raises(NotFound):
        next(parts)
    with pytest.raises(NotFound):
        read_file(database, key, size)


def test_only_parts_whose_time_is_over_are_deleted(database: Database) -> None:
    kept, _ = store_file(database, iter([b"kept"]))
    over, now = FileKey.generate(), clock.now()
    with database.transaction() as session:
        files.add_part(session, over, 1, b"over", expires_at=now)
        files.delete_expired(session)
        assert count_rows(session, FilePart, FilePart.file_id == kept.id) == 1
        assert count_rows(session, FilePart, FilePart.file_id == over.id) == 0
