"""The custodians of the provider sandbox."""

from collections.abc import Iterator

import pytest
from flask import Flask

from tests.provider_sandbox import Sandbox
from tests.sandbox_custodians import CustodyHarness, open_custody_harness


@pytest.fixture
def harness(
    open_app: Flask, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> Iterator[CustodyHarness]:
    """A harness with all custodians."""
    with open_custody_harness(open_app, sandbox, monkeypatch) as harness:
        yield harness
