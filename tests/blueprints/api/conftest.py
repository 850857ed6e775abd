"""What the tests of the API's routes share."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.kit.db import Database
from tests.api_client import ApiClient
from tests.people import set_prices

#: Mids whose bid and ask are round: 40 bps around 4000 are 3992 and 4008.
MIDS = {"AU": "4000", "AG": "50", "PT": "1600", "PD": "1500", "CU": "0.4", "PAXG": "4000"}


@pytest.fixture
def prices(database: Database) -> None:
    """Set the price of every metal."""
    set_prices(database, **MIDS)


@pytest.fixture
def customer(open_app: Flask) -> ApiClient:
    """A customer without money who signed in just now."""
    return ApiClient.create_customer(open_app)


@pytest.fixture
def client(app: Flask, ip_address: str) -> FlaskClient:
    """A client at an IP address that no other test uses, so that rate limits are not shared."""
    client = app.test_client()
    client.environ_base["REMOTE_ADDR"] = ip_address
    return client
