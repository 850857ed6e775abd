"""Statements over the depository's protocol, against the sandbox."""

from datetime import timedelta
from typing import Any

import pytest

from app.config.providers import sandbox_secret
from app.integrations.depository.adapter import Depository
from app.integrations.depository.client import DepositoryClient
from app.integrations.http_calls import ATTEMPTS_MAX, ProviderCaller
from app.kit import clock, ids
from app.kit.db import Database
from app.providers.errors import ProviderOutcomeUnknown, ProviderRefused, ProviderUnavailable
from app.providers.service import CallLog
from app.vault.depots.ports import DepotLine
from sandbox.faults import FaultMode
from tests.integrations.test_stripe import UNCERTAIN_FAULTS
from tests.provider_sandbox import Sandbox

NAME = "depository"


class DepotSetup:
    """The depository's adapter, and an account there that no other test uses."""

    def __init__(
        self,
        database: Database,
        sandbox: Sandbox,
        key: str = sandbox_secret(NAME),
        timeout: float = 5,
    ) -> None:
        client = DepositoryClient(f"{sandbox.url}/{NAME}", key, timeout_seconds=timeout)
        self.keeper = Depository(client, ProviderCaller(NAME, CallLog(database)))
        self.account, self._sandbox = f"D{ids.new().hex[-12:].upper()}", sandbox

    def keep(self, sku: str, quantity: int, **changes: Any) -> None:
        """Let the account keep units of a product."""
        self._sandbox.call_control(
            NAME, "/inventory", account=self.account, sku=sku, quantity=quantity, **changes
        )

    def lines(self) -> list[DepotLine]:
        """Return the lines of the statement."""
        return list(self.keeper.statement(self.account).lines)


@pytest.fixture
def depot(database: Database, sandbox: Sandbox) -> DepotSetup:
    return DepotSetup(database, sandbox)


def test_statement_has_every_page(depot: DepotSetup, sandbox: Sandbox) -> None:
    depot.keep("AU-BAR-1OZ", 2, serials=["B 2", "A 1"])
    for number in range(100):
        sku = f"SKU-{number:03}"
        item = {"account": depot.account, "sku": sku, "quantity": number, "serials": []}
        sandbox.store.put(NAME, "item", f"{depot.account} {sku}", item)
    statement = depot.keeper.statement(depot.account)
    assert abs(clock.now() - statement.as_of) < timedelta(minutes=1)
    assert list(statement.lines) == [
        DepotLine("AU-BAR-1OZ", 2, ("A 1", "B 2")),
        *(DepotLine(f"SKU-{number:03}", number) for number in range(100)),
    ]


@pytest.mark.parametrize("mode", UNCERTAIN_FAULTS)
def test_one_fault_is_survived(depot: DepotSetup, sandbox: Sandbox, mode: FaultMode) -> None:
    depot.keep("AU-BAR-1OZ", 2)
    sandbox.schedule_fault(NAME, "inventory.get", mode)
    assert depot.lines() == [DepotLine("AU-BAR-1OZ", 2)]


def test_depository_that_does_not_respond_in_time_is_unknown(
    database: Database, sandbox: Sandbox
) -> None:
    depot = DepotSetup(database, sandbox, timeout=0.2)
    sandbox.schedule_fault(
        NAME, "inventory.get", FaultMode.TIMEOUT_BEFORE, times=ATTEMPTS_MAX, seconds=0.5
    )
    with pytest.raises(ProviderOutcomeUnknown):
        depot.lines()


def test_account_that_it_does_not_know_is_refused(depot: DepotSetup) -> None:
    with pytest.raises(ProviderRefused, match="account_not_found"):
        depot.lines()


def test_rejected_key_says_so(database: Database, sandbox: Sandbox) -> None:
    depot = DepotSetup(database, sandbox, "another key")
    with pytest.raises(ProviderUnavailable, match="rejected our key: unknown_key"):
        depot.lines()


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("AU-BAR-1OZ: 2", "not an object"),
        ({"quantity": 2, "serials": []}, "has no sku"),
        ({"sku": "AU-BAR-1OZ", "quantity": "2"}, "not a whole number"),
        ({"sku": "AU-BAR-1OZ", "quantity": True}, "not a whole number"),
        ({"sku": "AU-BAR-1OZ", "quantity": 1.5}, "not a whole number"),
        ({"sku": "AU-BAR-1OZ", "quantity": -1}, "not between"),
        ({"sku": "AU-BAR-1OZ", "quantity": 1_000_001}, "not between"),
        ({"sku": "AU-BAR-1OZ", "quantity": 1, "serials": "A 1"}, "not a list"),
        ({"sku": "AU-BAR-1OZ", "quantity": 2, "serials": ["A 1", "A 1"]}, "not as many serials"),
    ],
)
def test_row_that_cannot_be_read_is_set_aside(
    depot: DepotSetup, sandbox: Sandbox, row: object, reason: str
) -> None:
    depot.keep("AU-EAGLE-1OZ", 3)
    sandbox.add_odd_row(NAME, "inventory.get", row)
    lines = depot.keeper.statement(depot.account).lines
    assert list(lines) == [DepotLine("AU-EAGLE-1OZ", 3)]
    [odd] = lines.set_aside
    assert reason in str(odd.cause)
