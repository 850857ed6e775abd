"""Books that tests post to directly."""

from collections.abc import Iterator

import pytest
from flask import Flask

from app.kit.db import SNAPSHOT
from app.ledger.verification import find_violations


@pytest.fixture
def lone_app(unguarded_app: Flask) -> Iterator[Flask]:
    """An application whose books contain only what the test adds. Accounts of goods are posted to
    without lots here, so the invariants of the ledger hold, and those of the vault do not."""
    yield unguarded_app
    with unguarded_app.extensions["database"].transaction(SNAPSHOT) as session:
        assert find_violations(session) == []
