"""Create or update .venv in the checkout from the requirement files; run by bin/_venv.

Needs only Python itself. Concurrent runs wait for each other. The next run continues an interrupted
one, because the mark of completeness is written last.
"""

import fcntl
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
VENV = CHECKOUT / ".venv"
COMPLETE = VENV / ".complete"
BUILT_FOR = VENV / ".built-for"
LOG = VENV / "pip.log"
REQUIREMENTS = (CHECKOUT / "requirements.txt", CHECKOUT / "requirements-dev.txt")
PROGRESS_SECONDS = 5.0


def main() -> int:
    """Make .venv complete; return the exit status."""
    with REQUIREMENTS[-1].open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print_progress("Waiting for another command that is creating .venv")
            fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = f"{CHECKOUT}\n" + "".join(file.read_text() for file in REQUIREMENTS)
        if COMPLETE.exists() and COMPLETE.read_text() == wanted:
            return 0
        COMPLETE.unlink(missing_ok=True)
        create_venv()
        status = install_requirements()
        if status == 0:
            COMPLETE.write_text(wanted)
    return status


def create_venv() -> None:
    """Create a fresh environment, unless the present one was created here with this Python."""
    built_for = f"{CHECKOUT}\n{sys.version}\n"
    python = VENV / "bin" / "python"
    if python.exists() and BUILT_FOR.exists() and BUILT_FOR.read_text() == built_for:
        return
    print_progress(f"Creating .venv with Python {sys.version.split()[0]}")
    shutil.rmtree(VENV, ignore_errors=True)
    venv.EnvBuilder(with_pip=True, symlinks=True).create(VENV)
    BUILT_FOR.write_text(built_for)


def install_requirements() -> int:
    """Install the requirements with pip, reporting its progress; return its exit status."""
    print_progress("Installing the pinned requirements (about a minute the first time)")
    command = [str(VENV / "bin" / "python"), "-I", "-m", "pip", "install", "--no-input"]
    command += ["--disable-pip-version-check", "--progress-bar=off"]
    # Python compiles modules on first use, which is much less than compiling all of them.
    command += ["--no-compile", "-r", str(REQUIREMENTS[-1])]
    began = time.monotonic()
    with LOG.open("wb") as log:
        pip = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        while pip.poll() is None:
            try:
                pip.wait(PROGRESS_SECONDS)
            except subprocess.TimeoutExpired:
                print_progress(f"  ... {time.monotonic() - began:.0f} s: {latest_pip_step()}")
    finally:
        pip.terminate()
        pip.wait()
    if pip.returncode != 0:
        lines = LOG.read_text(errors="replace").splitlines()
        print_progress("pip could not install the requirements:\n" + "\n".join(lines[-15:]))
    return pip.returncode


def latest_pip_step() -> str:
    """Return pip's current step, from the last line of its log that names one."""
    for line in reversed(LOG.read_text(errors="replace").splitlines()):
        word = line.strip().split(" ")[0]
        if word in ("Collecting", "Downloading", "Building", "Installing", "Using"):
            return line.strip()[:70]
    return "starting"


def print_progress(text: str) -> None:
    """Print one line to standard error."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
