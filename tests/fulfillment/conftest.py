"""A dispatch room, a sanctions list against which recipients are screened, and a carrier."""

from collections.abc import Iterator

import pytest

from app.catalog.rules import USD
from app.fulfillment.carriers.ports import LabelSellers, ParcelTrackers
from app.fulfillment.carriers.rules import Carrier
from app.fulfillment.strategies.rules import FulfillmentRules
from app.kit.money import Amount
from app.kit.ports import provide, resolve
from tests import sanctions
from tests.fixed_settings import fixed_settings
from tests.fulfillment.dispatch import Dispatch
from tests.people import People
from tests.scripted_carriers import ScriptedCarrier
from tests.shop.stall import Stall


@pytest.fixture
def dispatch(people: People) -> Dispatch:
    sanctions.import_sample_list(people.database)
    return Dispatch.open(Stall.open(people))


@pytest.fixture
def carrier() -> Iterator[ScriptedCarrier]:
    sellers, trackers = resolve(LabelSellers), resolve(ParcelTrackers)
    scripted = ScriptedCarrier(batch_max=100)
    provide(LabelSellers, LabelSellers({Carrier.FEDEX: scripted}))
    provide(ParcelTrackers, ParcelTrackers({Carrier.FEDEX: scripted}))
    yield scripted
    provide(LabelSellers, sellers)
    provide(ParcelTrackers, trackers)


@pytest.fixture
def ten_thousand_a_parcel() -> Iterator[None]:
    cap = Amount.parse(USD, "10000")
    with fixed_settings(FulfillmentRules(jm_parcel_max=cap, brinks_parcel_max=cap)):
        yield
