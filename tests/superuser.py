"""The administrator of the test server, who can break what the database guards."""

import os

import pytest


def require_superuser() -> str:
    """Return the URL of the server's administrator. Skip the test on a server of others, whose
    administrator is not known; with CI=true that fails it."""
    url = os.environ["PBCEX_TEST_SUPERUSER_URL"]
    if not url:
        pytest.skip("needs a superuser, so it runs on embedded servers only")
    return url
