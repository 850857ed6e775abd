"""The adapter against a Stripe that others wrote, where that is true to Stripe (ADR 19): what our
sandbox and our adapter agree on must not be their own invention."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.catalog.rules import USD
from app.funding.ports import PaymentState
from app.kit.db import Database
from app.kit.money import Amount
from app.providers.errors import ProviderRefused
from tests.integrations.test_stripe import KEY, TEN, Desk

_PROGRAM = Path(__file__).with_name("localstripe_process.py")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with subprocess.Popen(
        [sys.executable, _PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


@pytest.fixture
def desk(database: Database, url: str) -> Iterator[Desk]:
    desk = Desk(database, url, timeout=10)
    yield desk
    # It keeps connections, as the sandbox does not.
    desk.rail._client._transport._client.close()


def test_a_payment_is_authorised_then_taken(desk: Desk) -> None:
    opened = desk.rail.create(desk.ask())
    assert (opened.state, opened.amount, opened.reference) == (
        PaymentState.AUTHORISED, TEN, desk.reference,
    )  # fmt: skip
    taken = desk.rail.capture(opened.provider_ref, desk.reference)
    assert (taken.state, taken.amount, taken.cost) == (PaymentState.PAID, TEN, Amount(USD, 0))
    assert desk.rail.fetch(opened.provider_ref) == taken


def test_a_payment_is_given_up(desk: Desk) -> None:
    opened = desk.rail.create(desk.ask())
    given_up = desk.rail.release(opened.provider_ref, desk.reference)
    assert (given_up.state, given_up.code) == (PaymentState.FAILED, "canceled")


def test_a_card_is_declined(desk: Desk) -> None:
    with pytest.raises(ProviderRefused, match="card_declined"):
        desk.rail.create(desk.ask("pm_card_chargeCustomerFail"))


def test_a_bank_asks_the_customer(desk: Desk, url: str) -> None:
    card = {"number": "4000002500003155", "exp_month": "1", "exp_year": "2040", "cvc": "123"}
    made = httpx.post(
        f"{url}/v1/payment_methods",
        data={"type": "card", **{f"card[{name}]": value for name, value in card.items()}},
        headers={"Authorization": f"Bearer {KEY}"},
    )
    opened = desk.rail.create(desk.ask(made.json()["id"]))
    assert opened.state is PaymentState.PENDING
    assert opened.instructions["client_secret"].startswith(opened.provider_ref)
