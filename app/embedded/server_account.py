"""Choose the account of the servers: PostgreSQL refuses root, and initdb a uid without a name.

The binaries and the data may be below folders that other accounts cannot search, such as a clone in
root's 0700 temporary folder. No mode is changed for that: the servers keep one capability, or
appear under another uid in a user namespace (see `launch`). The least privilege comes first, and
each mode is tested before it is used.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.embedded.errors import CannotStart, NoUsableAccount

if sys.platform != "win32":
    import pwd

_LAUNCHER = Path(__file__).with_name("launch.py")
_NOBODY_ID = 65534
"""The uid and gid of the account `nobody` on most systems."""


@dataclass(frozen=True)
class ServerAccount:
    """The mode in which `launch` changes the account, and the owner of the servers' files."""

    mode: str
    uid: int = -1
    gid: int = -1

    @property
    def owner(self) -> tuple[int, int] | None:
        """The required owner of the data (uid, gid); None for the current account."""
        return None if self.mode in ("same", "namespace") else (self.uid, self.gid)


SAME_ACCOUNT = ServerAccount("same")

_MODES_FOR_ROOT = ("drop", "search", "namespace", "override")
"""The modes of `launch` for root, least privilege first."""


def choose_account(data: Path, *, required_paths: Sequence[Path]) -> ServerAccount:
    """Return the account for servers whose files are in `data` and that need `required_paths`.

    Raises NoUsableAccount if this machine offers none.
    """
    if sys.platform == "win32":
        return SAME_ACCOUNT
    if os.geteuid() != 0:
        _require_ownership(data)
        return (
            SAME_ACCOUNT if _has_passwd_entry(os.geteuid()) else _appear_as_nobody(required_paths)
        )
    refusals = []
    uid, gid = _server_owner(data)
    for mode in _MODES_FOR_ROOT:
        account = ServerAccount(mode, uid, gid)
        refusal = _why_unusable(account, required_paths)
        if refusal is None:
            return account
        refusals.append(f"  {mode}: {refusal}")
    raise NoUsableAccount(
        "PostgreSQL refuses to run as root, and no other account can be used on this machine.\n"
        + "\n".join(refusals)
        + f"\nStart as an ordinary user, or let uid {uid} search the folders above "
        + " and ".join(map(str, required_paths))
        + "."
    )


def _has_passwd_entry(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _appear_as_nobody(required_paths: Sequence[Path]) -> ServerAccount:
    account = ServerAccount("namespace", _NOBODY_ID, _NOBODY_ID)
    refusal = _why_unusable(account, required_paths)
    if refusal is None and _has_passwd_entry(_NOBODY_ID):
        return account
    uid = os.geteuid()
    raise NoUsableAccount(
        f"uid {uid} has no entry in /etc/passwd, and PostgreSQL refuses to create a database for "
        f"a user without a name. Running as `nobody` failed too: "
        f"{refusal or f'uid {_NOBODY_ID} has no entry either'}.\n"
        f"Add a line such as 'pbcex:x:{uid}:{os.getegid()}::/:/bin/sh' to /etc/passwd, "
        "start as another user, or set DATABASE_URL and DATABASE_OWNER_URL."
    )


def _require_ownership(data: Path) -> None:
    if data.exists() and data.stat().st_uid != os.geteuid():
        raise CannotStart(
            f"{data} belongs to uid {data.stat().st_uid}, but this process runs as uid "
            f"{os.geteuid()}. Start as that user or as root, or set PBCEX_DATA_DIR to a folder of "
            "your own."
        )


def _server_owner(data: Path) -> tuple[int, int]:
    """Return the owner of existing data, else the account `nobody`."""
    if data.exists() and data.stat().st_uid != 0:
        return data.stat().st_uid, data.stat().st_gid
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        return _NOBODY_ID, _NOBODY_ID
    return nobody.pw_uid, nobody.pw_gid


def _why_unusable(account: ServerAccount, required_paths: Sequence[Path]) -> str | None:
    """Return why this account cannot use the paths; None if it can."""
    words = (account.mode, account.uid, account.gid, os.getpid(), 0, "--reach", *required_paths)
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(_LAUNCHER), *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return None
    lines = done.stderr.strip().splitlines()
    return lines[-1] if lines else f"exit {done.returncode}"
