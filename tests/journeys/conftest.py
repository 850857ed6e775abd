"""The world of a journey: an application on a database of its own, and its providers."""

import pytest
from flask import Flask

from app.custody import opening_balances
from tests import sanctions
from tests.journeys.world import World
from tests.mailbox import Mailbox
from tests.people import set_prices
from tests.provider_sandbox import Sandbox


@pytest.fixture
def world(lone_app: Flask, sandbox: Sandbox, mailbox: Mailbox) -> World:
    # The providers start with empty books.
    sandbox.store.clear()
    world = World(lone_app, sandbox)
    sanctions.import_sample_list(world.database)
    opening_balances.open_books(world.database)
    set_prices(world.database, AU="4000", AG="50", PT="1600", PD="1500", CU="0.4", PAXG="4000")
    return world
