"""Partners send what is in their depots: once, as their answers say, and without our staff."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest

from app.catalog.rules import USD
from app.flags.rules import FulfilmentStrategy
from app.fulfillment.carriers.rules import Carrier
from app.fulfillment.parcels import queries as parcels_queries
from app.fulfillment.partners import service as partners
from app.fulfillment.partners import withdrawing
from app.fulfillment.partners.errors import PartnerNotAnswered
from app.fulfillment.partners.ports import (
    CANCEL_WINDOW_CLOSED,
    FulfilmentPartners,
    PartnerOrder,
    PartnerParcel,
    PartnerRequest,
)
from app.fulfillment.partners.rules import PartnerStatus
from app.fulfillment.shipments import service as shipments
from app.fulfillment.shipments.errors import AlreadyPicking, ShipmentEntrusted
from app.kit import clock, ids
from app.kit.money import Amount
from app.kit.ports import provide, resolve
from app.providers.errors import ProviderOutcomeUnknown, ProviderRefused
from app.shop.orders.queries import GoodsOrder
from tests.fulfillment.dispatch import Dispatch
from tests.scripted_rails import CallFault, ScriptedProvider

P = PartnerStatus


@dataclass
class ScriptedPartner(ScriptedProvider):
    """A partner in memory."""

    name: str = "jmb"
    account: str = ""
    orders: dict[str, PartnerOrder] = field(default_factory=dict)

    def submit(self, request: PartnerRequest) -> PartnerOrder:
        new = PartnerOrder(f"jm-{request.reference}", request.reference, P.RECEIVED, clock.now())
        return self.call("submit", lambda: self.orders.setdefault(request.reference, new))

    def fetch(self, reference: str) -> PartnerOrder | None:
        return self.call("fetch", lambda: self.orders.get(reference))

    def cancel(self, reference: str) -> PartnerOrder:
        def cancel() -> PartnerOrder:
            known = self.orders[reference]
            if known.status is not P.RECEIVED:
                raise ProviderRefused(CANCEL_WINDOW_CLOSED)
            self.orders[reference] = replace(known, status=P.CANCELLED)
            return self.orders[reference]

        return self.call("cancel", cancel)


class Depot:
    """An order whose goods are at a partner."""

    def __init__(self, dispatch: Dispatch, partner: ScriptedPartner) -> None:
        self.dispatch, self.partner = dispatch, partner
        self.coins = dispatch.stall.coins()
        partner.account = self.coins.location.code
        self.order: GoodsOrder = dispatch.order(self.coins, quantity=2)
        self.shipment = dispatch.shipment(self.order)

    def advance(self) -> str:
        """Ask the partner, let the order follow, and return the shipment's status."""
        partners.advance(self.dispatch.database, self.shipment.id)
        self.dispatch.settle()
        return str(self.dispatch.shipment(self.order).status)

    def take_over(self) -> None:
        with self.dispatch.database.transaction() as session:
            clerk = self.dispatch.clerk
            withdrawing.take_over(session, clerk, self.shipment.id, reason="it is out of stock")

    def answer(self, status: PartnerStatus, *parcels: PartnerParcel) -> None:
        reference = self.shipment.public_id
        known = self.partner.orders[reference]
        self.partner.orders[reference] = replace(known, status=status, parcels=parcels)


@pytest.fixture
def depot(dispatch: Dispatch) -> Iterator[Depot]:
    before, partner = resolve(FulfilmentPartners), ScriptedPartner()
    provide(FulfilmentPartners, FulfilmentPartners({FulfilmentStrategy.JM: partner}))
    yield Depot(dispatch, partner)
    provide(FulfilmentPartners, before)


def test_partner_sends_what_is_in_its_depot_and_the_shipment_follows(depot: Depot) -> None:
    assert (depot.shipment.strategy, depot.shipment.strategy_reason) == (
        "JM",
        "The goods are in its depot.",
    )
    with pytest.raises(ShipmentEntrusted):
        depot.dispatch.step(depot.shipment.id, "picking")
    assert depot.advance() == "picking"
    with pytest.raises(AlreadyPicking), depot.dispatch.database.transaction() as session:
        shipments.cancel(session, None, depot.order.id, evidence="too late")
    depot.answer(P.PROCESSING)
    assert depot.advance() == "picking"
    numbers = [str(ids.new().int)[-12:] for _ in range(2)]
    depot.answer(P.SHIPPED, *(PartnerParcel(Carrier.UPS, number) for number in numbers))
    assert depot.advance() == "shipped"
    assert depot.advance() == "shipped"
    assert depot.dispatch.units(depot.coins) == {"available": 8, "shipped": 2}
    with depot.dispatch.database.reading() as session:
        parcels = parcels_queries.list_parcels(session, depot.shipment.id)
    assert [str(each.value) for each in parcels] == ["4208.40", "4208.40"]
    assert sum((each.value for each in parcels), Amount(USD, 0)) == depot.shipment.value
    assert depot.dispatch.now(depot.order).status == "shipped"
    depot.dispatch.verify()


def test_order_whose_answer_was_lost_is_sent_to_the_partner_once(depot: Depot) -> None:
    depot.partner.faults.append(CallFault.UNANSWERED_DONE)
    with pytest.raises(ProviderOutcomeUnknown):
        depot.advance()
    assert depot.advance() == "picking"
    assert len(depot.partner.orders) == 1


def test_other_bars_and_rejections_are_cases_and_nothing_is_sent_twice(depot: Depot) -> None:
    depot.advance()
    serials = ((depot.coins.sku, "A999"),)
    depot.answer(P.SHIPPED, PartnerParcel(Carrier.UPS, "1Z999", serials))
    assert depot.advance() == "picking"
    assert depot.dispatch.case_titles(depot.shipment) == [
        "A partner did not send a shipment as it should"
    ]
    calls = len(depot.partner.calls)
    assert (depot.advance(), len(depot.partner.calls)) == ("picking", calls)


@pytest.mark.parametrize("fault", [None, CallFault.UNANSWERED_DONE])
def test_shipment_that_is_taken_over_is_cancelled_at_the_partner_and_sent_once(
    depot: Depot, fault: CallFault | None
) -> None:
    depot.advance()
    depot.take_over()
    if fault is not None:
        depot.partner.faults.extend([None, fault])
        with pytest.raises(ProviderOutcomeUnknown):
            depot.advance()
    assert depot.advance() == "requested"
    depot.dispatch.advance(depot.shipment.id, "delivered")
    assert depot.advance() == "delivered"
    assert [each.status for each in depot.partner.orders.values()] == [P.CANCELLED]
    assert depot.dispatch.now(depot.order).status == "delivered"
    depot.dispatch.verify()


def test_shipment_that_the_partner_does_not_withdraw_is_followed_and_a_case(depot: Depot) -> None:
    depot.advance()
    depot.answer(P.PROCESSING)
    depot.take_over()
    assert depot.advance() == "picking"
    assert depot.dispatch.case_titles(depot.shipment) == [
        "A partner did not withdraw a shipment: it goes on"
    ]
    depot.answer(P.SHIPPED, PartnerParcel(Carrier.UPS, str(ids.new().int)[-12:]))
    assert depot.advance() == "shipped"


def test_shipment_is_not_taken_over_before_the_partner_has_answered(depot: Depot) -> None:
    depot.partner.faults.append(CallFault.UNANSWERED_DONE)
    with pytest.raises(ProviderOutcomeUnknown):
        depot.advance()
    with pytest.raises(PartnerNotAnswered):
        depot.take_over()
