"""An application with a sanctions list, and a customer to verify."""

import pytest
from flask import Flask

from app.kit.db import Database
from tests import sanctions
from tests.kyc.applicant import Applicant


@pytest.fixture
def app_with_list(open_app: Flask) -> Flask:
    """The application that these tests share: a sanctions list is imported, and no rate limits
    apply.
    """
    database: Database = open_app.extensions["database"]
    sanctions.import_sample_list(database)
    return open_app


@pytest.fixture
def database(app_with_list: Flask) -> Database:
    """The database of the application."""
    database: Database = app_with_list.extensions["database"]
    return database


@pytest.fixture
def ada(app_with_list: Flask) -> Applicant:
    """A customer who has submitted nothing yet."""
    return Applicant.with_confirmed_email(app_with_list)
