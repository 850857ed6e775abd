"""A house with a sanctions list, and people who verify themselves there."""

import pytest
from flask import Flask

from app.kit.db import Database
from tests import sanctions
from tests.kyc.applicant import Applicant


@pytest.fixture
def house(open_app: Flask) -> Flask:
    """The application that these tests share: there is a list, and nobody is limited."""
    database: Database = open_app.extensions["database"]
    sanctions.import_sample_list(database)
    return open_app


@pytest.fixture
def database(house: Flask) -> Database:
    """Its database."""
    found: Database = house.extensions["database"]
    return found


@pytest.fixture
def ada(house: Flask) -> Applicant:
    """Somebody who has submitted nothing yet."""
    return Applicant.with_confirmed_email(house)
