"""bin/drill writes the evidence of a drill, and nothing else."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tooling import drill

DOCUMENT = """# Safety

<!-- evidence: races -->
old races
<!-- end -->

Between.

<!-- evidence: model -->
<!-- end -->

Behind.
"""


@pytest.fixture
def document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    document = tmp_path / "SAFETY.md"
    document.write_text(DOCUMENT)
    monkeypatch.setattr(drill, "SAFETY", document)
    return document


def test_evidence_replaces_one_section_only(document: Path) -> None:
    drill.write_evidence("races", ["heading", "", r"- new \1 line"])
    expected = DOCUMENT.replace("old races", "heading\n\n- new \\1 line")
    assert document.read_text() == expected
    drill.write_evidence("races", ["heading", "", r"- new \1 line"])
    assert document.read_text() == expected
    drill.write_evidence("model", ["model"])
    assert document.read_text() == expected.replace("model -->\n", "model -->\nmodel\n")


def report(when: str, outcome: str, *lines: str) -> pytest.TestReport:
    return pytest.TestReport(
        nodeid="test",
        location=("test", 0, "test"),
        keywords={},
        outcome=outcome,
        longrepr=None,
        when=when,
        user_properties=[("evidence", line) for line in lines],
    )


def test_recorded_evidence_is_collected_once() -> None:
    evidence = drill.DrillEvidence()
    for when in ("setup", "call", "teardown"):
        evidence.pytest_runtest_logreport(report(when, "passed", "200 rounds"))
    assert (evidence.lines, evidence.passed) == (["200 rounds"], 1)
    assert not evidence.has_control
    evidence.pytest_runtest_logreport(report("call", "passed", "Control: caught"))
    assert evidence.has_control
    evidence.pytest_runtest_logreport(report("setup", "skipped"))
    assert evidence.skipped == ["test"]


def test_every_drill_has_a_section_and_tests() -> None:
    sections = drill.list_drills()
    marked = {
        name
        for path in (drill.CHECKOUT / "tests").rglob("test_*.py")
        for name in re.findall(r'mark\.drill\(name="(\w+)"\)', path.read_text(encoding="utf-8"))
        if path.name != Path(__file__).name
    }
    assert sorted(sections) == sorted(marked)


@pytest.mark.parametrize(
    ("arguments", "status", "output"),
    [(["--list"], 0, "races\n"), (["sharks"], 2, "unknown drill sharks")],
)
def test_list_and_unknown_drill_are_answered(
    arguments: list[str], *, status: int, output: str
) -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "tooling.drill", *arguments],
        cwd=drill.CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == status
    assert output in answer.stdout + answer.stderr
