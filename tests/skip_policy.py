"""With CI=true a skipped test fails, because a test that did not run proves nothing.

The exception is a test that this machine cannot run whatever is installed. The reason of such a
skip begins with `PLATFORM_REASON`.
"""

import os
from collections.abc import Generator

import pytest

PLATFORM_REASON = "platform: "

Hook = Generator[None, pytest.TestReport, pytest.TestReport]
CollectHook = Generator[None, pytest.CollectReport, pytest.CollectReport]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Hook:
    """Fail a test that skipped itself or is marked to be skipped."""
    report = yield
    _refuse(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> CollectHook:
    """Fail a file that skipped itself as a whole."""
    report = yield
    _refuse(report)
    return report


def _refuse(report: pytest.TestReport | pytest.CollectReport) -> None:
    if os.environ.get("CI") != "true" or not report.skipped or hasattr(report, "wasxfail"):
        return
    skip = report.longrepr
    reason = str(skip[2] if isinstance(skip, tuple) else skip).removeprefix("Skipped: ")
    if not reason.startswith(PLATFORM_REASON):
        report.outcome = "failed"
        report.longrepr = f"with CI=true a skipped test fails: {reason}"
