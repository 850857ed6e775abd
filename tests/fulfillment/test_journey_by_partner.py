"""A bar that a partner keeps, by its and the carrier's own protocols, without a person."""

from contextlib import suppress

import pytest

from app.catalog.products.rules import ProductForm
from app.flags.rules import FulfilmentStrategy
from app.fulfillment.carriers.ports import ParcelTracker, ParcelTrackers
from app.fulfillment.carriers.rules import Carrier
from app.fulfillment.parcels import queries as parcels_queries
from app.fulfillment.partners import service as partners
from app.fulfillment.partners.ports import FulfilmentPartners
from app.fulfillment.shipments import queries as shipments_queries
from app.fulfillment.tracking import queries as tracking_queries
from app.fulfillment.tracking import service as tracking
from app.kit import ids
from app.kit.ports import provide
from app.providers.errors import ProviderOutcomeUnknown
from sandbox.app import run_periodic_tasks
from sandbox.faults import FaultMode
from tests.fulfillment.dispatch import Dispatch
from tests.integrations.test_fedex import FedexSetup
from tests.integrations.test_partners import CREATE, PartnerSetup
from tests.integrations.test_ups import UpsSetup
from tests.mailbox import run_pending_jobs
from tests.people import People
from tests.provider_sandbox import Sandbox
from tests.shop.sales_range import tier
from tests.vault.goods import Goods, open_location

_STRATEGIES = {"jmb": FulfilmentStrategy.JM, "brinks": FulfilmentStrategy.BRINKS}


def receive_bars(dispatch: Dispatch, people: People) -> Goods:
    """Put two bars in a depot."""
    stall = dispatch.stall
    sku = stall.range.add(tier("5"), form=ProductForm.BAR, gross="10", is_serialized=True)
    goods = Goods(stall.database, sku, open_location(people, stall.branch_id))
    for _ in range(2):
        serial = ids.new().hex[-8:].upper()
        goods.receive_bars(f"{serial}, Rand Refinery, 10, 999.9", cost="40500.00")
    return goods


@pytest.mark.parametrize("name", ["jmb", "brinks"])
@pytest.mark.parametrize("mode", [FaultMode.HANG_UP_AFTER, FaultMode.DOWN])
def test_bar_that_was_bought_is_delivered_once(
    dispatch: Dispatch, sandbox: Sandbox, people: People, name: str, mode: FaultMode
) -> None:
    database, goods = dispatch.database, receive_bars(dispatch, people)
    partner = PartnerSetup(database, sandbox, name).partner
    partner.account = goods.location.code
    provide(FulfilmentPartners, FulfilmentPartners({_STRATEGIES[name]: partner}))
    trackers: dict[Carrier, ParcelTracker] = {
        Carrier.FEDEX: FedexSetup(database, sandbox).fedex,
        Carrier.UPS: UpsSetup(database, sandbox).ups,
    }
    provide(ParcelTrackers, ParcelTrackers(trackers))
    order = dispatch.order(goods)
    shipment = dispatch.shipment(order)
    sandbox.schedule_fault(name, CREATE[name], mode, times=3)
    with suppress(ProviderOutcomeUnknown):
        partners.advance(database, shipment.id)
    for _ in range(3):
        partners.advance(database, shipment.id)
        run_periodic_tasks(sandbox.app)
    assert dispatch.shipment(order).status == "shipped"
    for _ in range(4):
        run_periodic_tasks(sandbox.app)
    with database.reading() as session:
        [parcel] = parcels_queries.list_parcels(session, shipment.id)
        track = tracking_queries.parcel_track(session, parcel.id)
        [line] = shipments_queries.list_lines(session, shipment.id)
    assert track is not None
    tracking.track_parcels(database, parcel.carrier, [track.tracking_number])
    run_pending_jobs(database, "fulfillment.parcel_moved")
    dispatch.settle()
    assert dispatch.now(order).status == "delivered"
    [stored] = sandbox.store.find(name, "order", reference=shipment.public_id)
    assert stored["serials"] == {goods.sku: [line.serial]}
    assert len(sandbox.store.find(str(parcel.carrier), "parcel", reference=shipment.public_id)) == 1
    dispatch.verify()
