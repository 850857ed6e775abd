"""A dispatch room, and a sanctions list against which recipients are screened."""

import pytest

from tests import sanctions
from tests.fulfillment.dispatch import Dispatch
from tests.people import People
from tests.shop.stall import Stall


@pytest.fixture
def dispatch(people: People) -> Dispatch:
    sanctions.import_sample_list(people.database)
    return Dispatch.open(Stall.open(people))
