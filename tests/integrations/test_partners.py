"""Orders to partners over the protocols of JM Bullion and Brink's, against the sandbox."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.catalog.rules import USD
from app.config.providers import sandbox_secret
from app.fulfillment.carriers.rules import Carrier
from app.fulfillment.partners.ports import (
    CANCEL_WINDOW_CLOSED,
    OUT_OF_STOCK,
    PartnerLine,
    PartnerOrder,
    PartnerParcel,
    PartnerRequest,
)
from app.fulfillment.partners.rules import PartnerStatus
from app.integrations.brinks.adapter import Brinks
from app.integrations.brinks.client import BrinksClient
from app.integrations.http_calls import ATTEMPTS_MAX, ProviderCaller
from app.integrations.jmb.adapter import Jmb
from app.integrations.jmb.client import JmbClient
from app.kit import clock, ids
from app.kit.db import Database
from app.kit.money import Amount
from app.providers.errors import (
    ProviderOutcomeUnknown,
    ProviderRefused,
    ProviderUnavailable,
    ResponseUnreadable,
)
from app.providers.service import CallLog
from app.vault.depots.ports import DepotLine
from sandbox import clock as sandbox_clock
from sandbox.app import run_periodic_tasks
from sandbox.faults import FaultMode
from tests.integrations.test_stripe import UNCERTAIN_FAULTS
from tests.provider_sandbox import Sandbox
from tests.scripted_carriers import consignment

S = PartnerStatus
CREATE = {"jmb": "fulfilments.create", "brinks": "shipments.preadvise"}
CANCEL = {"jmb": "fulfilments.cancel", "brinks": "shipments.cancel"}


class PartnerSetup:
    """A partner's adapter, and a reference that no other test uses."""

    def __init__(
        self, database: Database, sandbox: Sandbox, name: str, secret: str | None = None
    ) -> None:
        self.name, self._sandbox = name, sandbox
        key, url = secret or sandbox_secret(name), f"{sandbox.url}/{name}"
        caller = ProviderCaller(name, CallLog(database))
        self.partner: Jmb | Brinks
        if name == "jmb":
            self.partner = Jmb(JmbClient(url, key, timeout_seconds=5), caller, account="JM")
        else:
            client = BrinksClient(url, user_id="pbcex", password=key, timeout_seconds=5)
            self.partner = Brinks(client, caller, account="BRINKS")
        self.reference = ids.encode("shp", ids.new())
        self.sku = f"AU-{ids.new().hex[-10:].upper()}"

    def request(self, units: int = 2) -> PartnerRequest:
        value = Amount.parse(USD, "4100.50")
        lines = [PartnerLine(self.sku, units)]
        return PartnerRequest(self.reference, consignment().recipient, lines, value)

    def fetch(self) -> PartnerOrder:
        order = self.partner.fetch(self.reference)
        assert order is not None
        return order

    def keep(self, quantity: int, *serials: str, **changes: Any) -> None:
        self._sandbox.call_control(
            self.name, "/inventory", sku=self.sku, quantity=quantity, serials=serials, **changes
        )

    def kept(self) -> DepotLine | None:
        lines = self.partner.statement(self.partner.account).lines
        return next((line for line in lines if line.sku == self.sku), None)

    def move(self, times: int = 1) -> None:
        for _ in range(times):
            run_periodic_tasks(self._sandbox.app)

    def orders(self) -> list[dict[str, Any]]:
        return self._sandbox.store.find(self.name, "order", reference=self.reference)


@pytest.fixture(params=["jmb", "brinks"])
def setup(database: Database, sandbox: Sandbox, request: pytest.FixtureRequest) -> PartnerSetup:
    return PartnerSetup(database, sandbox, request.param)


@pytest.fixture
def later(sandbox: Sandbox) -> Iterator[Any]:
    """Return a function that sets the partners' clock ahead."""
    yield lambda ahead: sandbox_clock.set_to(clock.now() + ahead)
    sandbox_clock.set_to(None)


def test_order_is_processed_and_shipped_by_itself(setup: PartnerSetup) -> None:
    setup.keep(3, "B2", "A1", "C3")
    order = setup.partner.submit(setup.request())
    assert (order.status, order.reference) == (S.RECEIVED, setup.reference)
    assert abs(clock.now() - order.submitted_at) < timedelta(minutes=1)
    setup.move()
    assert setup.fetch().status is S.PROCESSING
    setup.move()
    shipped = setup.fetch()
    assert (shipped.status, shipped.partner_ref) == (S.SHIPPED, order.partner_ref)
    [parcel] = shipped.parcels
    assert parcel.carrier is (Carrier.UPS if setup.name == "jmb" else Carrier.FEDEX)
    assert parcel.serials == ((setup.sku, "B2"), (setup.sku, "A1"))
    assert setup.kept() == DepotLine(setup.sku, 1, ("C3",))


def test_bars_that_were_asked_for_are_sent(setup: PartnerSetup) -> None:
    setup.keep(3, "B2", "A1", "C3")
    lines = [PartnerLine(setup.sku, 1, ("C3",))]
    setup.partner.submit(replace(setup.request(), lines=lines))
    setup.move(2)
    [parcel] = setup.fetch().parcels
    assert parcel.serials == ((setup.sku, "C3"),)
    assert setup.kept() == DepotLine(setup.sku, 2, ("A1", "B2"))


def test_parcel_of_a_partner_is_known_to_its_carrier(setup: PartnerSetup, sandbox: Sandbox) -> None:
    order = setup.partner.submit(replace(setup.request(), carrier=Carrier.FEDEX))
    assert order.parcels == ()
    setup.move(2)
    [parcel] = setup.fetch().parcels
    assert parcel == PartnerParcel(Carrier.FEDEX, parcel.tracking_number)
    known = sandbox.store.get("fedex", "parcel", parcel.tracking_number)
    assert known is not None
    assert (known["reference"], known["city"]) == (setup.reference, "DALLAS")


@pytest.mark.parametrize("mode", [*UNCERTAIN_FAULTS, FaultMode.LIMITED])
def test_order_is_made_once_whatever_fails(
    setup: PartnerSetup, sandbox: Sandbox, mode: FaultMode
) -> None:
    sandbox.schedule_fault(setup.name, CREATE[setup.name], mode)
    order = setup.partner.submit(setup.request())
    assert setup.partner.submit(setup.request()) == order
    assert [stored["id"] for stored in setup.orders()] == [order.partner_ref]


def test_partner_that_does_not_answer_is_unknown(setup: PartnerSetup, sandbox: Sandbox) -> None:
    sandbox.schedule_fault(
        setup.name, CREATE[setup.name], FaultMode.ERROR_BEFORE, times=ATTEMPTS_MAX
    )
    with pytest.raises(ProviderOutcomeUnknown):
        setup.partner.submit(setup.request())
    assert setup.partner.fetch(setup.reference) is None


def test_too_few_units_are_refused_and_counted_with_open_orders(setup: PartnerSetup) -> None:
    setup.keep(3)
    setup.partner.submit(setup.request(2))
    setup.reference = ids.encode("shp", ids.new())
    with pytest.raises(ProviderRefused) as refusal:
        setup.partner.submit(setup.request(2))
    assert refusal.value.code == OUT_OF_STOCK
    assert setup.partner.fetch(setup.reference) is None


def test_order_is_cancelled_once_also_after_a_lost_answer(
    setup: PartnerSetup, sandbox: Sandbox
) -> None:
    setup.partner.submit(setup.request())
    sandbox.schedule_fault(setup.name, CANCEL[setup.name], FaultMode.HANG_UP_AFTER)
    for _ in range(2):
        assert setup.partner.cancel(setup.reference).status is S.CANCELLED
    setup.move(3)
    assert setup.fetch().status is S.CANCELLED


def test_unknown_order_is_not_cancelled(setup: PartnerSetup) -> None:
    with pytest.raises(ProviderRefused):
        setup.partner.cancel(setup.reference)


def test_brinks_cancels_nothing_once_it_processes(database: Database, sandbox: Sandbox) -> None:
    setup = PartnerSetup(database, sandbox, "brinks")
    setup.partner.submit(setup.request())
    setup.move()
    with pytest.raises(ProviderRefused) as refusal:
        setup.partner.cancel(setup.reference)
    assert refusal.value.code == CANCEL_WINDOW_CLOSED


def test_jm_bullion_cancels_within_a_day_unless_it_has_shipped(
    database: Database, sandbox: Sandbox, later: Any
) -> None:
    setup = PartnerSetup(database, sandbox, "jmb")
    setup.partner.submit(setup.request())
    setup.move()
    later(timedelta(hours=25))
    with pytest.raises(ProviderRefused) as refusal:
        setup.partner.cancel(setup.reference)
    assert refusal.value.code == CANCEL_WINDOW_CLOSED
    later(timedelta(hours=23))
    assert setup.partner.cancel(setup.reference).status is S.CANCELLED
    setup.reference = ids.encode("shp", ids.new())
    setup.partner.submit(setup.request())
    setup.move(2)
    with pytest.raises(ProviderRefused, match=CANCEL_WINDOW_CLOSED):
        setup.partner.cancel(setup.reference)


def test_rejected_order_says_why(setup: PartnerSetup, sandbox: Sandbox) -> None:
    setup.partner.submit(setup.request())
    sandbox.call_control(setup.name, "/reject", reference=setup.reference, reason="No courier")
    order = setup.fetch()
    assert (order.status, order.reason) == (S.REJECTED, "No courier")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status": "lost"}, "status that we do not know"),
        ({"status": "shipped"}, "names no parcel"),
        ({"submitted_at": "yesterday"}, "RFC 3339"),
    ],
)
def test_order_that_cannot_be_read_is_unknown(
    database: Database, changes: dict[str, Any], reason: str
) -> None:
    order = {
        "id": "1", "reference": "shp_1", "status": "received", "parcels": [],
        "submitted_at": "2031-03-03T12:00:00Z", **changes,
    }  # fmt: skip

    class Scripted:
        def get(self, _path: str, _params: object = None) -> dict[str, Any]:
            return {"items": [order]}

        def post(self, _path: str, _payload: object) -> dict[str, Any]:
            return order

    jmb = Jmb(Scripted(), ProviderCaller("jmb", CallLog(database)), account="JM")
    with pytest.raises(ResponseUnreadable, match=reason):
        jmb.fetch("shp_1")
    order |= {"reference": "shp_2"}
    with pytest.raises(ResponseUnreadable, match="not the one"):
        jmb.fetch("shp_1")


def test_statement_is_of_the_time_at_which_the_partner_counted(setup: PartnerSetup) -> None:
    setup.keep(2, "A1", "B2", as_of="2031-03-03T12:00:00+00:00")
    statement = setup.partner.statement(setup.partner.account)
    assert statement.as_of.isoformat() == "2031-03-03T12:00:00+00:00"
    assert setup.kept() == DepotLine(setup.sku, 2, ("A1", "B2"))
    setup.keep(1)
    assert setup.kept() == DepotLine(setup.sku, 1)


def test_line_of_a_statement_that_cannot_be_read_is_set_aside(
    setup: PartnerSetup, sandbox: Sandbox
) -> None:
    sandbox.add_odd_row(setup.name, "inventory.get", {"sku": "X", "quantity": "2"})
    [odd] = setup.partner.statement(setup.partner.account).lines.set_aside
    assert "not a whole number" in str(odd.cause)


def test_wrong_key_does_nothing(database: Database, sandbox: Sandbox, setup: PartnerSetup) -> None:
    other = PartnerSetup(database, sandbox, setup.name, "another secret")
    with pytest.raises(ProviderUnavailable, match="rejected our"):
        other.partner.submit(other.request())
    assert other.orders() == []
