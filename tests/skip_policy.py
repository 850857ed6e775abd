"""With CI=true a skipped test is a failed one: what nobody ran proves nothing.

The exception is what no installation could mend on the machine at hand. Such a skip says so where
it stands, by a reason that begins with `PLATFORM`.
"""

import os
from collections.abc import Generator

import pytest

PLATFORM_REASON = "platform: "

Hook = Generator[None, pytest.TestReport, pytest.TestReport]
CollectHook = Generator[None, pytest.CollectReport, pytest.CollectReport]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Hook:
    """A test that skipped itself, or was marked so."""
    report = yield
    _refuse(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> CollectHook:
    """A file that skipped itself as a whole."""
    report = yield
    _refuse(report)
    return report


def _refuse(report: pytest.TestReport | pytest.CollectReport) -> None:
    if os.environ.get("CI") != "true" or not report.skipped or hasattr(report, "wasxfail"):
        return
    told = report.longrepr
    reason = str(told[2] if isinstance(told, tuple) else told).removeprefix("Skipped: ")
    if not reason.startswith(PLATFORM_REASON):
        report.outcome = "failed"
        report.longrepr = f"with CI=true nothing is skipped: {reason}"
