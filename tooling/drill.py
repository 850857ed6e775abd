"""Runs drills at full size and puts their evidence into docs/SAFETY.md.

A drill is the tests marked with its name (tests/drill.py), and a section of that document: what is
promised, under which faults, and what is not, is written there by hand. Between the markers
`<!-- evidence: NAME -->` and `<!-- end -->` stands what the last run that passed showed.
"""

import argparse
import os
import platform
import re
import secrets
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from textwrap import fill

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
SAFETY = CHECKOUT / "docs" / "SAFETY.md"
_SECTION = re.compile(r"(<!-- evidence: (\w+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)
_TEST_TIMEOUT_SECONDS = 7200
_SEED_MAX = 2**32
_WIDTH = 100


class DrillEvidence:
    """A pytest plugin that collects the evidence of a drill's tests, and whether all passed."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.passed = 0
        self.skipped: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped:
            self.skipped.append(report.nodeid)
        elif report.when == "call" and report.passed:
            self.passed += 1
            self.lines += [str(line) for name, line in report.user_properties if name == "evidence"]

    @property
    def has_control(self) -> bool:
        """Whether the negative control was caught."""
        return any(line.startswith("Control:") for line in self.lines)


def main() -> int:
    """Run the drills and return how many failed; no evidence is written for those."""
    names = list_drills()
    parser = argparse.ArgumentParser(prog="bin/drill", description="Run long drills at full size.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(names)}")
    parser.add_argument("--seed", type=int, help="repeat the random choices of an earlier run")
    parser.add_argument("--list", action="store_true", help="name the drills")
    options = parser.parse_args()
    if options.list:
        print("\n".join(names))
        return 0
    unknown = sorted(set(options.names) - set(names))
    if unknown:
        parser.error(f"unknown drill {', '.join(unknown)}. The drills are {', '.join(names)}")
    seed = secrets.randbelow(_SEED_MAX) if options.seed is None else options.seed
    # Each in a process of its own, because sizes are fixed when the tests are imported.
    if len(options.names) == 1:
        return int(not run_drill(options.names[0], seed))
    command = [sys.executable, "-m", "tooling.drill", "--seed", str(seed)]
    return sum(
        subprocess.run([*command, name], cwd=CHECKOUT, check=False).returncode != 0
        for name in options.names or names
    )


def list_drills() -> list[str]:
    """Return the names of all drills: those with a section in docs/SAFETY.md."""
    return [match[2] for match in _SECTION.finditer(SAFETY.read_text(encoding="utf-8"))]


def run_drill(name: str, seed: int) -> bool:
    """Run one drill and, if it passes, write its evidence; return whether it passed."""
    print(f"drill {name}, seed {seed}", flush=True)
    os.environ |= {"PBCEX_DRILL": name, "PBCEX_DRILL_SEED": str(seed)}
    evidence, started = DrillEvidence(), time.monotonic()
    status = pytest.main(
        [
            *("-m", f"drill(name={name!r})"),
            *("-n0", "-v", "-s", "-p", "no:cacheprovider"),
            *("-o", f"timeout={_TEST_TIMEOUT_SECONDS}"),
            f"--hypothesis-seed={seed}",
            "tests",
        ],
        plugins=[evidence],
    )
    took = time.monotonic() - started
    if status != pytest.ExitCode.OK or evidence.skipped or not evidence.has_control:
        for reason in evidence.skipped:
            print(f"skipped, so the drill proves nothing: {reason}")
        if status == pytest.ExitCode.OK and not evidence.has_control:
            print("no negative control was caught, so the drill proves nothing")
        print(f"drill {name} FAILED, seed {seed}")
        return False
    heading = (
        f"`bin/drill {name} --seed {seed}` on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, "
        f"at {_revision()}: {evidence.passed} tests passed in {took:.0f} s "
        f"({platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()})."
    )
    lines = [
        fill(line, _WIDTH, initial_indent="- ", subsequent_indent="  ", break_on_hyphens=False)
        for line in evidence.lines
    ]
    write_evidence(name, [fill(heading, _WIDTH, break_on_hyphens=False), "", *lines])
    print(f"drill {name} passed; written to {SAFETY.relative_to(CHECKOUT)}")
    return True


def write_evidence(name: str, lines: list[str]) -> None:
    """Replace the evidence of one drill in docs/SAFETY.md, and nothing else."""
    text = SAFETY.read_text(encoding="utf-8")

    def replaced(match: re.Match[str]) -> str:
        if match[2] != name:
            return match[0]
        return "\n".join([match[1].rstrip(), *lines, match[4]])

    SAFETY.write_text(_SECTION.sub(replaced, text), encoding="utf-8")


def _revision() -> str:
    """Return the commit, and whether the checkout differs from it apart from drill evidence."""
    head = _git("rev-parse", "--short=10", "HEAD")
    changed = _git("status", "--porcelain", "--", ".", ":!docs/SAFETY.md")
    return f"commit {head}{' with changes' if changed else ''}" if head else "no known commit"


def _git(*arguments: str) -> str:
    completed = subprocess.run(
        ["git", *arguments], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    return completed.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
