"""The key ring in a file: JSON with mode 0600, replaced whole, read again when it changed.

    {"version": 1, "index_key": base64, "active": id,
     "keys": [{"id": id, "created_at": time, "activated_at": time | null, "retired_at": time | null,
               "secret": base64 | null}, …]}

Several processes and machines share it: where it is copied to others, `generate` comes first, the
copy next, and then `rotate` makes the new key seal, which every machine can open by then.
"""

import base64
import contextlib
import hmac
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from secrets import token_bytes
from threading import Lock
from typing import Any, Self

from app.keys.errors import KeyInUse, KeyLost, KeyRingUnavailable
from app.keys.ports import RingKey
from app.kit import clock, crypto

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

VERSION = 1
_MODE = 0o600
_OTHERS = 0o077


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key with its secret; a retired one has none."""

    id: str
    created_at: datetime
    activated_at: datetime | None = None
    retired_at: datetime | None = None
    secret: bytes | None = field(default=None, repr=False)

    @classmethod
    def generate(cls) -> Self:
        """A new random key that does not wrap yet."""
        key_id = token_bytes(crypto.KEY_ID_BYTES).hex()
        return cls(key_id, clock.now(), secret=token_bytes(crypto.KEY_BYTES))


@dataclass(frozen=True, slots=True)
class RingContents:
    """What the file says. `index_key` is for MACs and stays the same for the ring's life."""

    active: str
    index_key: bytes = field(repr=False)
    keys: tuple[StoredKey, ...]

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """The contents behind the JSON. Raises `ValueError` for what is no key ring."""
        try:
            read = json.loads(text)
            if read["version"] != VERSION:
                raise ValueError(f"version {read['version']} is not known")
            keys = tuple(_read_key(key) for key in read["keys"])
            contents = cls(read["active"], _bytes(read["index_key"]), keys)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not a key ring: {error!r}") from None
        if contents.active not in {key.id for key in keys if key.secret is not None}:
            raise ValueError("the active key has no secret")
        return contents

    def to_json(self) -> str:
        """The JSON."""
        keys = [{name: _plain(value) for name, value in asdict(key).items()} for key in self.keys]
        known = {"version": VERSION, "index_key": _text(self.index_key), "active": self.active}
        return json.dumps({**known, "keys": keys}, indent=2)

    def find(self, key_id: str) -> StoredKey:
        """The key of that id, retired or not. Raises `KeyLost`."""
        for key in self.keys:
            if key.id == key_id:
                return key
        raise KeyLost(key_id)

    def with_key(self, changed: StoredKey) -> Self:
        """The same with this key in place of the one of its id."""
        keys = tuple(changed if key.id == changed.id else key for key in self.keys)
        return replace(self, keys=keys)


class FileKeyRing:
    """The ring in one file. With `create`, a missing one is made when it is first needed."""

    def __init__(self, path: Path, *, create: bool) -> None:
        self.path = path
        self._create = create
        self._lock = Lock()
        self._cached_version: tuple[int, int, int] | None = None
        self._cached_contents: RingContents | None = None

    def list_keys(self) -> list[RingKey]:
        """All keys, oldest first, the retired ones included."""
        known = self.read_contents()
        return [_public(key, known.active) for key in known.keys]

    def active_id(self) -> str:
        """The key that wraps."""
        return self.read_contents().active

    def wrap(self, data_key: bytes, authenticated: bytes) -> tuple[str, bytes]:
        """The active key's id, and `data_key` wrapped by it."""
        known = self.read_contents()
        secret = _secret(known, known.active)
        bound = bytes.fromhex(known.active) + authenticated
        return known.active, crypto.encrypt(secret, data_key, bound)

    def unwrap(self, key_id: str, wrapped: bytes, authenticated: bytes) -> bytes:
        """The data key. Raises `KeyLost`, or `DecryptionFailed` for what this key never wrapped
        so."""
        secret = _secret(self.read_contents(), key_id)
        return crypto.decrypt(secret, wrapped, bytes.fromhex(key_id) + authenticated)

    def mac(self, message: bytes) -> bytes:
        """HMAC-SHA256 under the ring's own key for it."""
        return hmac.digest(self.read_contents().index_key, message, "sha256")

    def generate(self) -> RingKey:
        """Add a key that does not wrap yet; the first one of a ring does at once."""
        with self._locked_for_writing() as store:
            key = StoredKey.generate()
            if not self.path.exists():
                made = _new_contents(key)
                store(made)
                return _public(made.keys[0], made.active)
            known = self._read()
            store(replace(known, keys=(*known.keys, key)))
            return _public(key, known.active)

    def activate(self, key_id: str) -> None:
        """From now on this key wraps. Raises `KeyLost`, for a retired one too."""
        with self._locked_for_writing() as store:
            known = self._read()
            _secret(known, key_id)
            changed = replace(known.find(key_id), activated_at=clock.now())
            store(replace(known.with_key(changed), active=key_id))

    def retire(self, key_id: str) -> None:
        """Forget the key's secret, not that there was one. Raises `KeyLost`, or `KeyInUse` for
        the active one."""
        with self._locked_for_writing() as store:
            known = self._read()
            _secret(known, key_id)
            if key_id == known.active:
                raise KeyInUse(f"The key {key_id} seals: rotate first")
            gone = replace(known.find(key_id), retired_at=clock.now(), secret=None)
            store(known.with_key(gone))

    def read_contents(self) -> RingContents:
        """What the file says now. Raises `KeyRingUnavailable`."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            if not self._create:
                raise KeyRingUnavailable(
                    f"There is no key ring at {self.path}: import a backup, or begin with "
                    "`flask keys generate`"
                ) from None
            self._create_file()
            found = self.path.stat()
        except OSError as error:
            raise KeyRingUnavailable(f"The key ring cannot be read: {error}") from error
        seen = (found.st_ino, found.st_mtime_ns, found.st_size)
        with self._lock:
            if self._cached_contents is None or seen != self._cached_version:
                self._cached_contents, self._cached_version = self._read(), seen
            return self._cached_contents

    def update_contents(
        self, change: Callable[[RingContents | None], RingContents]
    ) -> RingContents:
        """Store what `change` makes of what the file says; of None when there is no file."""
        with self._locked_for_writing() as store:
            changed = change(self._read() if self.path.exists() else None)
            store(changed)
            return changed

    def _create_file(self) -> None:
        with self._locked_for_writing() as store:
            if not self.path.exists():
                store(_new_contents(StoredKey.generate()))

    def _read(self) -> RingContents:
        try:
            with self.path.open("rb") as file:
                if os.name == "posix" and os.fstat(file.fileno()).st_mode & _OTHERS:
                    raise KeyRingUnavailable(
                        f"Others may read {self.path}: chmod 600, and rotate if somebody did"
                    )
                return RingContents.from_json(file.read())
        except (OSError, ValueError) as error:
            raise KeyRingUnavailable(f"{self.path} cannot be used: {error}") from error

    @contextlib.contextmanager
    def _locked_for_writing(self) -> Iterator[Callable[[RingContents], None]]:
        """Hold the ring against other writers; hands out what stores it. Readers see the old file
        or the new one, whole."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, _MODE)
        except OSError as error:
            raise KeyRingUnavailable(f"The key ring cannot be changed: {error}") from error
        try:
            _lock_file(lock)
            yield self._store
        finally:
            os.close(lock)

    def _store(self, contents: RingContents) -> None:
        write_private_file(self.path, contents.to_json())


def _lock_file(descriptor: int) -> None:
    if sys.platform == "win32":
        msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)
    else:
        fcntl.flock(descriptor, fcntl.LOCK_EX)


def write_private_file(path: Path, text: str) -> None:
    """Replace a file by `text`, with mode 0600, durably: it is the old one or the new one, whole.

    Raises `KeyRingUnavailable`.
    """
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        if sys.platform != "win32":
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
    except OSError as error:
        raise KeyRingUnavailable(f"{path} cannot be written: {error}") from error


def ring_fingerprint(index_key: bytes) -> str:
    """Says which ring it is, and nothing about its keys."""
    return sha256(b"pbcex key ring" + index_key).hexdigest()[:16]


def _new_contents(key: StoredKey) -> RingContents:
    first = replace(key, activated_at=key.created_at)
    return RingContents(first.id, token_bytes(crypto.KEY_BYTES), (first,))


def _secret(contents: RingContents, key_id: str) -> bytes:
    secret = contents.find(key_id).secret
    if secret is None:
        raise KeyLost(key_id)
    return secret


def _public(key: StoredKey, active: str) -> RingKey:
    return RingKey(key.id, key.created_at, key.activated_at, key.retired_at, key.id == active)


def _read_key(read: dict[str, Any]) -> StoredKey:
    key_id, secret = read["id"], read["secret"]
    if len(bytes.fromhex(key_id)) != crypto.KEY_ID_BYTES:
        raise ValueError("a key's id has 16 hexadecimal digits")
    key = StoredKey(
        key_id,
        datetime.fromisoformat(read["created_at"]),
        _read_instant(read["activated_at"]),
        _read_instant(read["retired_at"]),
        None if secret is None else _bytes(secret),
    )
    if (key.secret is None) != (key.retired_at is not None):
        raise ValueError("a key has its secret until it is retired")
    return key


def _read_instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _bytes(text: str) -> bytes:
    raw = base64.b64decode(text, validate=True)
    if len(raw) != crypto.KEY_BYTES:
        raise ValueError(f"a secret has {crypto.KEY_BYTES} bytes")
    return raw


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return _text(value)
    return value.isoformat() if isinstance(value, datetime) else value
