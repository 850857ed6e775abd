"""Change the account, tie this process to its parent, and become the given program.

Run as a script by a bare interpreter, never imported by the application:

    python -I -S launch.py MODE UID GID PARENT_PID SIGNAL PROGRAM [ARGUMENT ...]
    python -I -S launch.py MODE UID GID PARENT_PID SIGNAL --reach PATH ...

The process id does not change, so the program stays a direct child of the process that started this
script. On Linux it receives SIGNAL when that parent dies. `--reach` runs nothing: it exits with 0
if the account can use every PATH, to test a mode before it is used.

Modes:
    same       keep the account
    drop       UID and GID, without any capability
    search     the same, keeping only the capability to read and search any folder
    override   the same, keeping only the capability to ignore file modes
    namespace  appear as UID and GID in a user namespace; files still belong to the caller's account
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_SECUREBITS = 28
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_SECBIT_NO_SETUID_FIXUP = 4
_CAPABILITY_VERSION_3 = 0x20080522
_CLONE_NEWUSER = 0x10000000
_CAPABILITIES = {"override": 1, "search": 2}
"""Mode -> the one capability it keeps (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH)."""


def main(arguments: list[str]) -> None:
    """Change account, tie this process to its parent, and become the program."""
    mode, uid, gid, parent = arguments[0], *map(int, arguments[1:4])
    death_signal, program = int(arguments[4]), arguments[5:]
    _change_account(mode, uid, gid)
    if program[0] == "--reach":
        _reach(program[1:])
        return
    if sys.platform == "linux":
        # A change of account clears this setting, so it comes last; exec preserves it.
        _call("prctl", _PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit("the parent process has ended")
    # Python ignores SIGPIPE, and ignored signals survive exec: programs expect the default.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.execv(program[0], program)


def _change_account(mode: str, uid: int, gid: int) -> None:
    if mode == "same":
        return
    if mode == "namespace":
        _enter_namespace(uid, gid)
        return
    if mode in _CAPABILITIES:
        # Without this bit access(2) ignores the capability, and PostgreSQL calls it before exec.
        _call("prctl", _PR_SET_SECUREBITS, _SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    if mode in _CAPABILITIES:
        _keep_only(_CAPABILITIES[mode])


def _keep_only(capability: int) -> None:
    """Drop every capability but one, and keep that one across exec."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    bit = 1 << capability
    data = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)
    _call("capset", ctypes.byref(header), ctypes.byref(data))
    _call("prctl", _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability, 0, 0)


def _enter_namespace(uid: int, gid: int) -> None:
    outer_uid, outer_gid = os.geteuid(), os.getegid()
    _call("unshare", _CLONE_NEWUSER)
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {outer_uid} 1"),
        ("gid_map", f"{gid} {outer_gid} 1"),
    ):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)


def _reach(paths: list[str]) -> None:
    for path in paths:
        needed = os.X_OK if os.path.isdir(path) else os.R_OK | os.X_OK
        if not os.access(path, needed):
            sys.exit(f"cannot reach {path}")


def _call(name: str, *arguments: object) -> None:
    """Call a C function. Raises OSError with its errno if it fails."""
    library = ctypes.CDLL(None, use_errno=True)
    converted = [ctypes.c_ulong(a) if isinstance(a, int) else a for a in arguments]
    if getattr(library, name)(*converted) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{name}: {os.strerror(error)}")


if __name__ == "__main__":
    main(sys.argv[1:])
