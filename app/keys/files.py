"""Files of any size, kept for a while in parts, so that no process ever holds a whole one.

All parts of a file are encrypted under one key. The row that owns the file has its id and, sealed,
the key: without that row the parts cannot be read. A job deletes them when their time is over.
"""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from secrets import token_bytes
from typing import TYPE_CHECKING, Self
from uuid import UUID

import sqlalchemy as sa

from app.keys.models import FilePart
from app.kit import clock, crypto, ids
from app.kit.db import Database, Session
from app.kit.statements import AnySelect

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

PART_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class FileKey:
    """The id of a file, and the key of its parts."""

    id: UUID
    secret: bytes = field(repr=False)

    @classmethod
    def generate(cls) -> Self:
        """Return the key of a new file."""
        return cls(ids.new(), token_bytes(crypto.KEY_BYTES))


class PartWriter(io.RawIOBase):
    """A file that is written from its beginning to its end, and passes on full parts.

    `store` takes the number of the part, counted from one, and its content; closing passes on the
    last part. An empty file has one empty part.
    """

    def __init__(self, store: Callable[[int, bytes], None]) -> None:
        super().__init__()
        self._store = store
        self._rest = bytearray()
        self._parts = 0
        self.size = 0

    def writable(self) -> bool:
        """Return that it can be written."""
        return True

    def write(self, data: "ReadableBuffer") -> int:
        """Take all of `data` and return its length."""
        with memoryview(data) as view:
            self._rest += view
            length = view.nbytes
        self.size += length
        while len(self._rest) > PART_BYTES:
            self._pass_on(PART_BYTES)
        return length

    def finish(self) -> None:
        """Pass on the last part."""
        self._pass_on(len(self._rest))

    def _pass_on(self, length: int) -> None:
        self._parts += 1
        self._store(self._parts, bytes(self._rest[:length]))
        del self._rest[:length]


def add_part(
    session: Session, key: FileKey, number: int, content: bytes, *, expires_at: datetime
) -> None:
    """Store a part, encrypted, until it expires."""
    session.write(
        sa.insert(FilePart).values(
            file_id=key.id,
            number=number,
            content=crypto.encrypt(key.secret, content, _place(key.id, number)),
            expires_at=expires_at,
        )
    )
    # Nothing else that the transaction queues waits beside a megabyte.
    session.flush()


def open_file(session: Session, database: Database, key: FileKey, size: int) -> Iterator[bytes]:
    """Return the parts of a file. The first is read in this session, each later one when it is
    needed, in a session of its own.

    Raises `NotFound` if the file was deleted; so does the iterator, then in the middle of the file.
    """
    return _continue(_read_part(session, key, 1), database, key, size)


def _continue(part: bytes, database: Database, key: FileKey, size: int) -> Iterator[bytes]:
    number, rest = 1, size
    while True:
        yield part
        rest -= len(part)
        if rest <= 0:
            return
        number += 1
        with database.reading() as session:
            part = _read_part(session, key, number)


def _read_part(session: Session, key: FileKey, number: int) -> bytes:
    kept = FilePart.file_id == key.id, FilePart.number == number
    content = session.get(lambda content: content, sa.select(FilePart.content).where(*kept))
    return crypto.decrypt(key.secret, content, _place(key.id, number))


def delete_files(session: Session, file_ids: AnySelect) -> None:
    """Delete the files with the selected ids."""
    session.write(sa.delete(FilePart).where(FilePart.file_id.in_(file_ids)))


def delete_expired(session: Session) -> None:
    """Delete the parts whose time is over."""
    session.write(sa.delete(FilePart).where(FilePart.expires_at <= clock.now()))


def _place(file_id: UUID, number: int) -> bytes:
    """Bind a part to its place."""
    return f"{FilePart.__tablename__}:{file_id}:{number}".encode()
