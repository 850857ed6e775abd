"""With CI=true a skip is a failure, unless it names the platform."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.source import CHECKOUT

TESTS = """
import pytest

def test_by_itself():
    pytest.skip("no such program")

@pytest.mark.skipif(True, reason="not today")
def test_marked():
    pass

@pytest.mark.skipif(True, reason="platform: only on the moon")
def test_of_another_platform():
    pass
"""
WHOLE_FILE = 'import pytest\npytest.skip("no such module", allow_module_level=True)\n'


def _pytest_summary(folder: Path, file: str, ci: str) -> str:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "tests.skip_policy",
        "-c",
        "none.ini",
        "-q",
        file,
    ]
    environ = {**os.environ, "CI": ci, "PYTHONPATH": str(CHECKOUT)}
    environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    (folder / "none.ini").touch()
    run = subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, check=False
    )
    return run.stdout.splitlines()[-1].rpartition(" in ")[0]


@pytest.mark.parametrize(
    ("text", "locally", "in_ci"),
    [(TESTS, "3 skipped", "1 failed, 1 skipped, 1 error"), (WHOLE_FILE, "1 skipped", "1 error")],
)
def test_skip_fails_in_ci_unless_it_names_the_platform(
    tmp_path: Path, text: str, locally: str, in_ci: str
) -> None:
    (tmp_path / "test_it.py").write_text(text)
    assert _pytest_summary(tmp_path, "test_it.py", "false") == locally
    assert _pytest_summary(tmp_path, "test_it.py", "true") == in_ci
