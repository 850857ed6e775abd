"""The bootstrap with which every command in bin/ begins."""

import shutil
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout without requirements, so that pip needs no network."""
    folder = tmp_path / "checkout"
    for name in ("bin/_venv", "tooling/make_venv.py"):
        (folder / name).parent.mkdir(parents=True)
        shutil.copy(CHECKOUT / name, folder / name)
    for name in ("requirements.txt", "requirements-dev.txt"):
        (folder / name).write_text("# nothing\n")
    return folder


def bootstrap(folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            "/bin/bash",
            "-euo",
            "pipefail",
            "-c",
            f"source {folder}/bin/_venv; pwd; .venv/bin/python -V",
        ],
        cwd="/",
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/nonexistent", **environ},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.timeout(300)  # creates two environments with pip, which reads and writes a lot
def test_environment_is_created_once_and_again_after_a_change(checkout):
    python = str(Path(CHECKOUT / ".venv/bin/python").resolve())
    first = bootstrap(checkout, PYTHON=python)
    assert first.returncode == 0, first.stderr
    assert "Creating .venv" in first.stderr
    assert first.stdout.startswith(f"{checkout}\nPython 3.")

    assert bootstrap(checkout).stderr == ""

    (checkout / "requirements.txt").write_text("# still nothing\n")
    changed = bootstrap(checkout, PYTHON=python)
    assert changed.returncode == 0
    assert "Installing" in changed.stderr
    assert "Creating" not in changed.stderr

    (checkout / "requirements-dev.txt").write_text("no-such-package @ file:///none\n")
    failed = bootstrap(checkout, PYTHON=python)
    assert failed.returncode == 1
    assert "No such file or directory: '/none'" in failed.stderr
    assert not (checkout / ".venv" / ".complete").exists()

    (checkout / "requirements-dev.txt").write_text("")
    moved = checkout.rename(checkout.with_name("moved"))
    after_move = bootstrap(moved, PYTHON=python)
    assert after_move.returncode == 0
    assert "Creating .venv" in after_move.stderr
    assert str(moved) in (moved / ".venv/bin/pip").read_text().splitlines()[0]


def test_unsupported_python_is_refused_with_the_reason(checkout, tmp_path):
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("dirname", "cat", "cmp"):
        (programs / name).symlink_to(shutil.which(name) or name)
    refused = bootstrap(checkout, PATH=str(programs))
    assert refused.returncode != 0
    assert "PBCEx needs Python 3.11, 3.12 or 3.13" in refused.stderr
    assert not (checkout / ".venv").exists()
