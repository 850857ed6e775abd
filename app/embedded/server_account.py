"""Under which account the servers run: PostgreSQL refuses root, and its initdb a nameless uid.

The binaries and the data may stand below folders that no other account may pass through, such as
a clone in root's 0700 temporary folder. No mode is changed for that: the servers keep one
capability, or appear under another uid in a user namespace (see `launch`). What is least comes
first, and each way is tried before it is used.
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
"""The uid and gid that systems give to nobody."""


@dataclass(frozen=True)
class ServerAccount:
    """How `launch` changes account, and whose the servers' files are."""

    mode: str
    uid: int = -1
    gid: int = -1

    @property
    def owner(self) -> tuple[int, int] | None:
        """Who must own the data (uid, gid); None when that is simply us."""
        return None if self.mode in ("same", "namespace") else (self.uid, self.gid)


SAME_ACCOUNT = ServerAccount("same")

_MODES_FOR_ROOT = ("drop", "search", "namespace", "override")
"""What `launch` can do for root, the least privilege first."""


def choose_account(data: Path, *, required_paths: Sequence[Path]) -> ServerAccount:
    """The account for servers that keep their files in `data` and need the paths in `reach`.

    Raises NoUsableAccount when this machine offers none.
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
        "PostgreSQL refuses to run as root, and no other account can be used here.\n"
        + "\n".join(refusals)
        + f"\nStart as an ordinary user, or let uid {uid} pass through the folders above "
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
        f"uid {uid} has no entry in /etc/passwd, and PostgreSQL refuses to make a database for "
        f"a user without a name. Appearing as nobody failed too: "
        f"{refusal or f'uid {_NOBODY_ID} has no entry either'}.\n"
        f"Add a line such as 'pbcex:x:{uid}:{os.getegid()}::/:/bin/sh' to /etc/passwd, "
        "start as another user, or set DATABASE_URL and DATABASE_OWNER_URL."
    )


def _require_ownership(data: Path) -> None:
    if data.exists() and data.stat().st_uid != os.geteuid():
        raise CannotStart(
            f"{data} belongs to uid {data.stat().st_uid}, and this is uid {os.geteuid()}: "
            "start as that user or as root, or set PBCEX_DATA_DIR to a folder of your own."
        )


def _server_owner(data: Path) -> tuple[int, int]:
    """Who owns the data already, or else nobody."""
    if data.exists() and data.stat().st_uid != 0:
        return data.stat().st_uid, data.stat().st_gid
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        return _NOBODY_ID, _NOBODY_ID
    return nobody.pw_uid, nobody.pw_gid


def _why_unusable(account: ServerAccount, required_paths: Sequence[Path]) -> str | None:
    """Why this account can't use the paths here, or None when it can."""
    words = (account.mode, account.uid, account.gid, os.getpid(), 0, "--reach", *required_paths)
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(_LAUNCHER), *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return None
    said = done.stderr.strip().splitlines()
    return said[-1] if said else f"exit {done.returncode}"
