"""The data folder: its lock, its secrets, and the state of the servers that run from it.

Everything in it has mode 0600 or 0700. The folder itself has 0711 if root created it, so that the
servers' account can search it but not list it.
"""

import contextlib
import json
import os
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from app.embedded.errors import AlreadyRunning, CannotStart
from app.embedded.stop_request import pause

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

CHECKOUT = Path(__file__).resolve().parents[2]

_LOCK_PATIENCE_SECONDS = 1.0


@dataclass(frozen=True)
class ServerUrls:
    """The URLs of the servers. `superuser_url` is empty unless PostgreSQL is embedded,
    `sandbox_url` if no sandbox runs."""

    database_url: str
    database_owner_url: str
    redis_url: str
    superuser_url: str = ""
    sandbox_url: str = ""


@dataclass(frozen=True)
class FolderSecrets:
    """The secrets of a data folder, generated once and kept in its `secrets.json`."""

    secret_key: str
    superuser_password: str
    owner_password: str
    app_password: str
    redis_password: str


def default_data_dir(environ: Mapping[str, str] | None = None) -> Path:
    """Return `PBCEX_DATA_DIR`, else `.pbcex` in the checkout."""
    named = (os.environ if environ is None else environ).get("PBCEX_DATA_DIR")
    return Path(named).expanduser().absolute() if named else CHECKOUT / ".pbcex"


def is_production(environ: Mapping[str, str]) -> bool:
    """Return whether `PBCEX_ENV` is production, or staging, which is like it."""
    return environ.get("PBCEX_ENV") in {"production", "staging"}


def find_running_servers(data_dir: Path | str) -> ServerUrls | None:
    """Return the URLs of the servers that run from this folder; None if their process ended."""
    state = DataFolder(data_dir).running_state()
    if state is None:
        return None
    return ServerUrls(**{name: str(state[name]) for name in ServerUrls.__dataclass_fields__})


def local_secret_key(data_dir: Path | str) -> str:
    """Return the signing key of this folder's sample exchange, created on the first call."""
    return DataFolder(data_dir).secrets().secret_key


class DataFolder:
    """One data folder and the files in it."""

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root).absolute()
        self.postgres = self.root / "postgres"
        self.logs = self.root / "log"
        self._lock_path = self.root / "lock"
        self._state_path = self.root / "servers.json"
        self._secrets_path = self.root / "secrets.json"

    def log_path(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def create(self) -> None:
        """Create the folder if it is missing. An existing folder keeps its mode and owner."""
        try:
            self.root.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError):
                self.root.mkdir()
                self.root.chmod(0o711 if _is_root() else 0o700)
            with contextlib.suppress(FileExistsError):
                self.logs.mkdir(mode=0o700)
        except OSError as error:
            raise CannotStart(
                f"Cannot create the data folder {self.root}: {error}. {_ownership_hint(self.root)}"
            ) from error

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Lock the folder for this process; the operating system unlocks it when the process ends.

        Raises AlreadyRunning if another process holds the lock.
        """
        self.create()
        try:
            descriptor = os.open(self._lock_path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise CannotStart(
                f"Cannot open {self._lock_path}: {error}. {_ownership_hint(self.root)}"
            ) from error
        try:
            self._wait_for_lock(descriptor)
            os.ftruncate(descriptor, 0)
            os.lseek(descriptor, 0, os.SEEK_SET)
            os.write(descriptor, f"{os.getpid()}\n".encode())
            yield
        finally:
            os.close(descriptor)

    def _wait_for_lock(self, descriptor: int) -> None:
        # `running_state` takes the lock for an instant, so one failure means nothing.
        deadline = time.monotonic() + _LOCK_PATIENCE_SECONDS
        while not _try_lock(descriptor):
            if time.monotonic() > deadline:
                raise AlreadyRunning(self._describe_holder())
            pause(0.05)

    def _describe_holder(self) -> str:
        state = self._read_state() or {}
        pid, port = state.get("pid"), state.get("web_port")
        if pid is None:
            with contextlib.suppress(OSError):
                pid = self._lock_path.read_text().strip()
        where = f", http://localhost:{port}" if port else ""
        return (
            f"PBCEx already runs from {self.root} (process {pid or 'unknown'}{where}). "
            "Stop that process first, or set PBCEX_DATA_DIR to another folder."
        )

    def running_state(self) -> Mapping[str, object] | None:
        """Return `servers.json` if the process that wrote it still runs, else None."""
        try:
            descriptor = os.open(self._lock_path, os.O_RDWR)
        except OSError:
            return None
        try:
            # Shared, so that two readers never mistake each other for the holder.
            return None if _try_lock(descriptor, shared=True) else self._read_state()
        finally:
            os.close(descriptor)

    def take_leftover_state(self) -> Mapping[str, object] | None:
        """Return and remove what a killed process left in `servers.json`. Requires the lock."""
        state = self._read_state()
        self.clear_state()
        return state

    def write_state(self, urls: ServerUrls, *, web_port: int | None) -> None:
        """Write the URLs of the servers for other commands."""
        state = {**asdict(urls), "pid": os.getpid(), "web_port": web_port}
        self._write_aside(state).replace(self._state_path)

    def clear_state(self) -> None:
        self._state_path.unlink(missing_ok=True)

    def _read_state(self) -> Mapping[str, object] | None:
        try:
            state: dict[str, object] = json.loads(self._state_path.read_text())
        except (OSError, ValueError):
            return None
        return state

    def secrets(self) -> FolderSecrets:
        """Return the folder's secrets, generated once; concurrent callers get the same ones."""
        self.create()
        if not self._secrets_path.exists():
            fresh = FolderSecrets(
                secrets.token_urlsafe(48), *(secrets.token_hex(24) for _ in range(4))
            )
            aside = self._write_aside(asdict(fresh))
            try:
                # A link never replaces a file: the first of two callers wins.
                with contextlib.suppress(FileExistsError):
                    os.link(aside, self._secrets_path)
            finally:
                aside.unlink()
        try:
            return FolderSecrets(**json.loads(self._secrets_path.read_text()))
        except (OSError, ValueError, TypeError) as error:
            raise CannotStart(
                f"Cannot read {self._secrets_path}: {error}. {_ownership_hint(self.root)}"
            ) from error

    def _write_aside(self, content: Mapping[str, object]) -> Path:
        """Write a complete temporary file with mode 0600 and return its path."""
        descriptor, name = tempfile.mkstemp(dir=self.root, prefix=".new-")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(content, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        return Path(name)


def _try_lock(descriptor: int, *, shared: bool = False) -> bool:
    try:
        if sys.platform == "win32":
            # Beyond the text, because Windows forbids reading a locked region.
            os.lseek(descriptor, 1024, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _is_root() -> bool:
    return sys.platform != "win32" and os.geteuid() == 0


def _ownership_hint(path: Path) -> str:
    if sys.platform == "win32":
        return ""
    own = os.geteuid()
    try:
        owner = path.stat().st_uid
    except OSError:
        return ""
    if own in (owner, 0):
        return ""
    return (
        f"{path} belongs to uid {owner}, but this process runs as uid {own}. Start as that user, "
        "or set PBCEX_DATA_DIR to a folder of your own."
    )
