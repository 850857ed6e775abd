"""The key ring in a file: JSON with mode 0600, replaced as a whole, read again when it changes.

    {"version": 1, "index_key": base64, "active": id,
     "keys": [{"id": id, "created_at": time, "activated_at": time | null, "retired_at": time | null,
               "secret": base64 | null}, …]}

Several processes and machines share it. Where it is copied to other machines, first `generate` a
key, then copy the file, and then `rotate`: by then every machine can open what the new key seals.
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
    """A key with its secret; a retired key has none."""

    id: str
    created_at: datetime
    activated_at: datetime | None = None
    retired_at: datetime | None = None
    secret: bytes | None = field(default=None, repr=False)

    @classmethod
    def generate(cls) -> Self:
        """Return a new random key that is not active yet."""
        key_id = token_bytes(crypto.KEY_ID_BYTES).hex()
        return cls(key_id, clock.now(), secret=token_bytes(crypto.KEY_BYTES))


@dataclass(frozen=True, slots=True)
class RingContents:
    """The contents of the file. `index_key` is for MACs and never changes."""

    active: str
    index_key: bytes = field(repr=False)
    keys: tuple[StoredKey, ...]

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Parse the JSON of a key ring. Raises `ValueError` for anything else."""
        try:
            read = json.loads(text)
            if read["version"] != VERSION:
                raise ValueError(f"version {read['version']} is unknown")
            keys = tuple(_parse_key(key) for key in read["keys"])
            contents = cls(read["active"], _decode_secret(read["index_key"]), keys)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not a key ring: {error!r}") from None
        if contents.active not in {key.id for key in keys if key.secret is not None}:
            raise ValueError("the active key has no secret")
        return contents

    def to_json(self) -> str:
        """Return the JSON that `from_json` reads."""
        keys = [
            {name: _to_json_value(value) for name, value in asdict(key).items()}
            for key in self.keys
        ]
        head = {"version": VERSION, "index_key": _encode(self.index_key), "active": self.active}
        return json.dumps({**head, "keys": keys}, indent=2)

    def find(self, key_id: str) -> StoredKey:
        """Return the key with this id, retired or not. Raises `KeyLost`."""
        for key in self.keys:
            if key.id == key_id:
                return key
        raise KeyLost(key_id)

    def with_key(self, changed: StoredKey) -> Self:
        """Return the contents with this key in place of the one with the same id."""
        keys = tuple(changed if key.id == changed.id else key for key in self.keys)
        return replace(self, keys=keys)


class FileKeyRing:
    """A key ring in one file. With `create`, a missing file is created on first use."""

    def __init__(self, path: Path, *, create: bool) -> None:
        self.path = path
        self._create = create
        self._lock = Lock()
        self._cached_version: tuple[int, int, int] | None = None
        self._cached_contents: RingContents | None = None

    def list_keys(self) -> list[RingKey]:
        """Return all keys, oldest first, including retired ones."""
        contents = self.read_contents()
        return [_to_ring_key(key, contents.active) for key in contents.keys]

    def active_id(self) -> str:
        """Return the id of the active key, which wraps."""
        return self.read_contents().active

    def wrap(self, data_key: bytes, authenticated: bytes) -> tuple[str, bytes]:
        """Return the active key's id, and `data_key` wrapped by it."""
        contents = self.read_contents()
        secret = _require_secret(contents, contents.active)
        bound = bytes.fromhex(contents.active) + authenticated
        return contents.active, crypto.encrypt(secret, data_key, bound)

    def unwrap(self, key_id: str, wrapped: bytes, authenticated: bytes) -> bytes:
        """Return the data key. Raises `KeyLost`, or `DecryptionFailed` if this key did not wrap
        it."""
        secret = _require_secret(self.read_contents(), key_id)
        return crypto.decrypt(secret, wrapped, bytes.fromhex(key_id) + authenticated)

    def mac(self, message: bytes) -> bytes:
        """Return the HMAC-SHA256 of `message` under the ring's index key."""
        return hmac.digest(self.read_contents().index_key, message, "sha256")

    def generate(self) -> RingKey:
        """Add a key that does not wrap yet; the first key of a ring is active at once."""
        with self._locked_for_writing() as store:
            key = StoredKey.generate()
            if not self.path.exists():
                created = _new_contents(key)
                store(created)
                return _to_ring_key(created.keys[0], created.active)
            contents = self._read()
            store(replace(contents, keys=(*contents.keys, key)))
            return _to_ring_key(key, contents.active)

    def activate(self, key_id: str) -> None:
        """Make this key the active one. Raises `KeyLost`, also for a retired key."""
        with self._locked_for_writing() as store:
            contents = self._read()
            _require_secret(contents, key_id)
            activated = replace(contents.find(key_id), activated_at=clock.now())
            store(replace(contents.with_key(activated), active=key_id))

    def retire(self, key_id: str) -> None:
        """Delete the key's secret and keep its record. Raises `KeyLost`, or `KeyInUse` for the
        active key."""
        with self._locked_for_writing() as store:
            contents = self._read()
            _require_secret(contents, key_id)
            if key_id == contents.active:
                raise KeyInUse(f"The key {key_id} is active. Rotate the key ring first.")
            retired = replace(contents.find(key_id), retired_at=clock.now(), secret=None)
            store(contents.with_key(retired))

    def read_contents(self) -> RingContents:
        """Return the current contents of the file. Raises `KeyRingUnavailable`."""
        try:
            stat = self.path.stat()
        except FileNotFoundError:
            if not self._create:
                raise KeyRingUnavailable(
                    f"There is no key ring at {self.path}. Import a backup, or create a new ring "
                    "with `flask keys generate`."
                ) from None
            self._create_file()
            stat = self.path.stat()
        except OSError as error:
            raise KeyRingUnavailable(f"The key ring cannot be read: {error}") from error
        version = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
        with self._lock:
            if self._cached_contents is None or version != self._cached_version:
                self._cached_contents, self._cached_version = self._read(), version
            return self._cached_contents

    def update_contents(
        self, change: Callable[[RingContents | None], RingContents]
    ) -> RingContents:
        """Store and return what `change` returns for the current contents (None without a file)."""
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
                        f"Other users can read {self.path}. Set its mode to 600, and rotate the "
                        "keys if anyone may have read it."
                    )
                return RingContents.from_json(file.read())
        except (OSError, ValueError) as error:
            raise KeyRingUnavailable(f"{self.path} cannot be used: {error}") from error

    @contextlib.contextmanager
    def _locked_for_writing(self) -> Iterator[Callable[[RingContents], None]]:
        """Lock out other writers, and yield the function that stores new contents.

        Readers see the complete old file or the complete new one.
        """
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
    """Replace a file by `text` with mode 0600, atomically and durably.

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
    """Return 16 hexadecimal digits that identify the ring and reveal nothing about its keys."""
    return sha256(b"pbcex key ring" + index_key).hexdigest()[:16]


def _new_contents(key: StoredKey) -> RingContents:
    first = replace(key, activated_at=key.created_at)
    return RingContents(first.id, token_bytes(crypto.KEY_BYTES), (first,))


def _require_secret(contents: RingContents, key_id: str) -> bytes:
    secret = contents.find(key_id).secret
    if secret is None:
        raise KeyLost(key_id)
    return secret


def _to_ring_key(key: StoredKey, active: str) -> RingKey:
    return RingKey(key.id, key.created_at, key.activated_at, key.retired_at, key.id == active)


def _parse_key(read: dict[str, Any]) -> StoredKey:
    key_id, secret = read["id"], read["secret"]
    if len(bytes.fromhex(key_id)) != crypto.KEY_ID_BYTES:
        raise ValueError("a key id must have 16 hexadecimal digits")
    key = StoredKey(
        key_id,
        datetime.fromisoformat(read["created_at"]),
        _parse_instant(read["activated_at"]),
        _parse_instant(read["retired_at"]),
        None if secret is None else _decode_secret(secret),
    )
    if (key.secret is None) != (key.retired_at is not None):
        raise ValueError("a key must have a secret until it is retired, and none afterwards")
    return key


def _parse_instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _decode_secret(text: str) -> bytes:
    raw = base64.b64decode(text, validate=True)
    if len(raw) != crypto.KEY_BYTES:
        raise ValueError(f"a secret must have {crypto.KEY_BYTES} bytes")
    return raw


def _encode(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _to_json_value(value: object) -> object:
    if isinstance(value, bytes):
        return _encode(value)
    return value.isoformat() if isinstance(value, datetime) else value
