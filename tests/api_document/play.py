"""The people and the means of the exchanges that the API document shows."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pyotp
import time_machine
from flask import Flask

from app.custody import opening_balances
from app.kit import clock
from app.kit import ports as kit_ports
from app.pricing.models import MarketPriceRow
from tests import sanctions
from tests.api_document.examples import Recorder, RecordingClient
from tests.journeys.world import World
from tests.mailbox import Mailbox
from tests.people import set_prices
from tests.provider_sandbox import Sandbox
from tests.rows import delete_rows

#: A Tuesday on which every market is open.
BEGIN = datetime(2026, 12, 1, 15, tzinfo=UTC)
BANK_ACCOUNT = {
    "accountHolder": "Ada Lovelace",
    "accountNumber": "000123456789",
    "routingNumber": "110000000",
}
CARD = {"method": "card", "asset": "USD", "amount": "500.00", "paymentMethod": "pm_card_visa"}
WITHDRAWAL: dict[str, Any] = {
    "method": "bank",
    "asset": "USD",
    "amount": "100.00",
    "destination": BANK_ACCOUNT,
}
CONVERSION = {"fromAsset": "USD", "toAsset": "XAU-s", "fromAmount": "100.00"}
MINT = {"asset": "PAXG", "amount": "0.25", "from": "funding", "to": "trading"}


class Play:
    """One application, its providers and a clock that moves only when a test sets it."""

    def __init__(
        self, app: Flask, sandbox: Sandbox, mailbox: Mailbox, traveller: time_machine.Traveller
    ) -> None:
        self.app, self.mailbox, self.traveller = app, mailbox, traveller
        self.world = World(app, sandbox)
        self.database = self.world.database
        self.recorder = Recorder()
        self._adapters = dict(kit_ports._ADAPTERS)

    def provide(self) -> None:
        """Provide the application's adapters again, after another one was created."""
        kit_ports._ADAPTERS.clear()
        kit_ports._ADAPTERS.update(self._adapters)

    def client(self, name: str, app: Flask | None = None) -> RecordingClient:
        """Return a client whose exchanges are examples."""
        return RecordingClient(app or self.app, self.recorder, name)

    def pass_time(self, **duration: float) -> None:
        """Let time pass, and price everything anew."""
        self.traveller.shift(timedelta(**duration))
        set_prices(self.database, AU="4000", AG="50", PT="1600", PD="1500", CU="0.4", PAXG="4000")

    @contextmanager
    def without_prices(self) -> Iterator[None]:
        """Let no price be known."""
        with self.database.transaction() as session:
            delete_rows(session, MarketPriceRow)
        yield
        self.pass_time(seconds=0)

    def code(self, secret: str) -> str:
        """Return the next code of an authenticator app: each works once."""
        self.pass_time(seconds=30)
        return pyotp.TOTP(secret).at(clock.now())


@contextmanager
def playing(app: Flask, sandbox: Sandbox, mailbox: Mailbox) -> Iterator[Play]:
    """Open a market with a sanctions list and funded custodians, at a fixed time."""
    with time_machine.travel(BEGIN, tick=False) as traveller:
        sandbox.store.clear()
        play = Play(app, sandbox, mailbox, traveller)
        sanctions.import_sample_list(play.database)
        opening_balances.open_books(play.database)
        play.pass_time(seconds=0)
        yield play
