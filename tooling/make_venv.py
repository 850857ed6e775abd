"""Make .venv in the checkout hold what the requirement files pin; run by bin/_venv.

Needs nothing but Python itself. Two at a time wait for each other. What is cut short is taken up
again by the next run, because the mark of completeness is written last.
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
    """Exit status: 0 when .venv is complete."""
    with REQUIREMENTS[-1].open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print_progress("Waiting for another command that is making .venv")
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
    """A fresh environment, unless the one that is there was built here with this Python."""
    built_for = f"{CHECKOUT}\n{sys.version}\n"
    python = VENV / "bin" / "python"
    if python.exists() and BUILT_FOR.exists() and BUILT_FOR.read_text() == built_for:
        return
    print_progress(f"Making .venv with Python {sys.version.split()[0]}")
    shutil.rmtree(VENV, ignore_errors=True)
    venv.EnvBuilder(with_pip=True, symlinks=True).create(VENV)
    BUILT_FOR.write_text(built_for)


def install_requirements() -> int:
    """Let pip install the requirements, remarking on its progress; its exit status."""
    print_progress("Installing the pinned requirements (about a minute the first time)")
    command = [str(VENV / "bin" / "python"), "-I", "-m", "pip", "install", "--no-input"]
    command += ["--disable-pip-version-check", "--progress-bar=off"]
    # Python compiles what is used on its first use, which is much less than everything.
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
                print_progress(f"  … {time.monotonic() - began:.0f} s: {latest_pip_step()}")
    finally:
        pip.terminate()
        pip.wait()
    if pip.returncode != 0:
        lines = LOG.read_text(errors="replace").splitlines()
        print_progress("pip could not install the requirements:\n" + "\n".join(lines[-15:]))
    return pip.returncode


def latest_pip_step() -> str:
    """What pip is at, from the last line it wrote that says so."""
    for line in reversed(LOG.read_text(errors="replace").splitlines()):
        word = line.strip().split(" ")[0]
        if word in ("Collecting", "Downloading", "Building", "Installing", "Using"):
            return line.strip()[:70]
    return "starting"


def print_progress(text: str) -> None:
    """One line for the person who waits."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
