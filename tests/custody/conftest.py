"""Tests of custody speak to the custodians that the sandbox plays."""

from collections.abc import Iterator

import pytest
from flask import Flask

from tests.custodians import Desk, opened
from tests.provider_sandbox import Sandbox


@pytest.fixture
def desk(open_app: Flask, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A desk with all custodians."""
    with opened(open_app, sandbox, monkeypatch) as desk:
        yield desk
