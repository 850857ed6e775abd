"""Prices for the tests of the API's routes."""

import pytest

from app.kit.db import Database
from tests.people import set_prices

#: Mids whose bid and ask are round: 40 bps around 4000 are 3992 and 4008.
MIDS = {"AU": "4000", "AG": "50", "PT": "1600", "PD": "1500", "CU": "0.4", "PAXG": "4000"}


@pytest.fixture
def prices(database: Database) -> None:
    """Set the price of every metal."""
    set_prices(database, **MIDS)
