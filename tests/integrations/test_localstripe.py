"""The adapter against an independent Stripe server where that is true to Stripe (ADR 19).

It shows that our sandbox and our adapter do not merely share the same mistakes.
"""

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
from tests.integrations.test_stripe import KEY, TEN, StripeSetup

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
def stripe(database: Database, url: str) -> Iterator[StripeSetup]:
    stripe = StripeSetup(database, url, timeout=10)
    yield stripe
    # It keeps connections open; the sandbox does not.
    stripe.rail._client._transport._client.close()


def test_payment_is_authorised_then_captured(stripe: StripeSetup) -> None:
    payment = stripe.rail.create(stripe.payment_request())
    assert (payment.state, payment.amount, payment.reference) == (
        PaymentState.AUTHORISED, TEN, stripe.reference,
    )  # fmt: skip
    captured = stripe.rail.capture(payment.provider_ref, stripe.reference)
    assert (captured.state, captured.amount, captured.cost) == (
        PaymentState.PAID,
        TEN,
        Amount(USD, 0),
    )
    assert stripe.rail.fetch(payment.provider_ref) == captured


def test_payment_is_released(stripe: StripeSetup) -> None:
    payment = stripe.rail.create(stripe.payment_request())
    released = stripe.rail.release(payment.provider_ref, stripe.reference)
    assert (released.state, released.code) == (PaymentState.FAILED, "canceled")


def test_declined_card_is_refused(stripe: StripeSetup) -> None:
    with pytest.raises(ProviderRefused, match="card_declined"):
        stripe.rail.create(stripe.payment_request("pm_card_chargeCustomerFail"))


def test_authentication_request_leaves_payment_pending(stripe: StripeSetup, url: str) -> None:
    card = {"number": "4000002500003155", "exp_month": "1", "exp_year": "2040", "cvc": "123"}
    payment_method = httpx.post(
        f"{url}/v1/payment_methods",
        data={"type": "card", **{f"card[{name}]": value for name, value in card.items()}},
        headers={"Authorization": f"Bearer {KEY}"},
    )
    payment = stripe.rail.create(stripe.payment_request(payment_method.json()["id"]))
    assert payment.state is PaymentState.PENDING
    assert payment.instructions["client_secret"].startswith(payment.provider_ref)
