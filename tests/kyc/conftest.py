"""An application with a sanctions list, and a customer to verify."""

import pytest
from flask import Flask

from tests.kyc.applicant import Applicant


@pytest.fixture
def app_with_list(open_app: Flask, sanctions_list: None) -> Flask:
    """The application that these tests share: a sanctions list is imported, and no rate limits
    apply.
    """
    return open_app


@pytest.fixture
def ada(app_with_list: Flask) -> Applicant:
    """A customer who has submitted nothing yet."""
    return Applicant.with_confirmed_email(app_with_list)
