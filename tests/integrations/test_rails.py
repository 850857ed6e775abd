"""Which rails there are, and that play money never meets real money."""

import pytest
from flask import Flask

from app.config import Settings, UnsafeSettings
from app.custody.ports import Custodians
from app.funding.ports import (
    CardRail,
    IncomingTransferRails,
    PaymentMethod,
    PaymentRails,
    PayoutRails,
)
from app.integrations.rails import build_daraja_account, provide_rails
from app.kit.db import Database
from app.kit.ports import resolve
from app.providers.ports import WebhookVerifiers
from tests.integrations import test_mpesa

STRIPE = {
    "STRIPE_MODE": "live",
    "STRIPE_API_BASE": "https://api.stripe.com",
    "STRIPE_SECRET_KEY": "sk_live_1",
    "STRIPE_WEBHOOK_SECRET": "whsec_1",
}
BANK = {
    "BANK_MODE": "live",
    "BANK_BASE_URL": "https://bank.example.com",
    "BANK_API_KEY": "key",
    "BANK_WEBHOOK_SECRET": "secret",
}
MPESA = {
    "MPESA_MODE": "live",
    "MPESA_BASE_URL": "https://api.safaricom.co.ke",
    "MPESA_CONSUMER_KEY": "key",
    "MPESA_CONSUMER_SECRET": "secret",
    "MPESA_PASSKEY": "passkey",
    "MPESA_SECURITY_CREDENTIAL": "sealed",
    "MPESA_KES_PER_USD": "129.5",
}


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this machine's own environment."""
    for field in Settings.model_fields.values():
        if field.alias and field.alias.startswith(("STRIPE", "BANK", "MPESA", "PBCEX_SANDBOX")):
            monkeypatch.delenv(field.alias, raising=False)


def provided(database: Database, **given: str) -> tuple[set[PaymentMethod], ...]:
    webhooks = WebhookVerifiers({})
    provide_rails(Settings.load(**given), database, webhooks)
    rails = [set(resolve(port)) for port in (PaymentRails, IncomingTransferRails, PayoutRails)]
    return (*rails, set(webhooks))


def test_a_sandbox_plays_them_all(database: Database) -> None:
    assert provided(database, PBCEX_SANDBOX_URL="http://127.0.0.1:9") == (
        {PaymentMethod.CARD, PaymentMethod.MOBILE_MONEY},
        {PaymentMethod.BANK},
        {PaymentMethod.BANK, PaymentMethod.MOBILE_MONEY},
        {"stripe", "bank", "daraja"},
    )


def test_a_provider_without_an_address_is_absent(database: Database) -> None:
    assert provided(database) == (set(), set(), set(), set())
    assert provided(database, **BANK) == (
        set(),
        {PaymentMethod.BANK},
        {PaymentMethod.BANK},
        {"bank"},
    )


def test_the_product_has_them(app: Flask) -> None:
    assert isinstance(resolve(PaymentRails)[PaymentMethod.CARD], CardRail)
    assert {rail.name for rail in resolve(PaymentRails).values()} <= set(resolve(WebhookVerifiers))
    payouts = {rail.name for rail in resolve(PayoutRails).values()}
    # Custody is no provider: its custodians are.
    assert payouts - {"custody"} <= set(resolve(WebhookVerifiers))
    assert set(resolve(Custodians)) <= set(resolve(WebhookVerifiers))


@pytest.mark.parametrize("whole", [STRIPE, BANK, MPESA])
def test_live_is_whole(whole: dict[str, str]) -> None:
    Settings.load(**whole)
    for name in whole:
        if name.endswith(("_MODE", "_SHORTCODE")):
            continue
        with pytest.raises(UnsafeSettings) as refused:
            Settings.load(**{**whole, name: "0" if name.endswith("_USD") else ""})
        assert list(refused.value.problems) == [name]


@pytest.mark.parametrize(
    ("whole", "changed"),
    [
        (STRIPE, {"STRIPE_API_BASE": "http://127.0.0.1:8420"}),
        (STRIPE, {"STRIPE_API_BASE": "https://localhost"}),
        (STRIPE, {"STRIPE_API_BASE": "http://api.stripe.com"}),
        (STRIPE, {"STRIPE_SECRET_KEY": "sk_test_1"}),
        (STRIPE, {"STRIPE_SECRET_KEY": "rk_test_1"}),
        (BANK, {"BANK_BASE_URL": "https://127.0.0.1"}),
        (MPESA, {"MPESA_BASE_URL": "http://127.0.0.1:1"}),
        (MPESA, {"MPESA_KES_PER_USD": "99"}),
        (MPESA, {"MPESA_KES_PER_USD": "NaN"}),
        ({}, {"STRIPE_SECRET_KEY": "sk_live_1"}),
        ({}, {"STRIPE_SECRET_KEY": "rk_live_1"}),
        ({}, {"MPESA_BASE_URL": "https://api.safaricom.co.ke"}),
        # The sandbox's own keys are for the sandbox.
        ({}, {"BANK_BASE_URL": "https://bank.example.com"}),
        ({}, {"STRIPE_API_BASE": "https://api.stripe.com"}),
    ],
)
def test_what_does_not_fit_the_mode_is_refused(
    whole: dict[str, str], changed: dict[str, str]
) -> None:
    with pytest.raises(UnsafeSettings) as refused:
        Settings.load(**{**whole, **changed})
    assert refused.value.problems


def test_sandbox_keys_of_a_real_provider(database: Database) -> None:
    given = {**STRIPE, "STRIPE_MODE": "sandbox", "STRIPE_SECRET_KEY": "rk_test_1"}
    settings = Settings.load(**given, PBCEX_SANDBOX_URL="http://127.0.0.1:9")
    assert settings.stripe_key == "rk_test_1"
    assert settings.provider_url(settings.stripe_api_base, "stripe") == "https://api.stripe.com"


def test_two_webhook_secrets() -> None:
    settings = Settings.load(STRIPE_WEBHOOK_SECRET="whsec_new, whsec_old")
    assert settings.stripe_webhook_secrets == ("whsec_new", "whsec_old")
    assert "whsec" not in repr(settings)


def test_without_keys_they_are_the_sandboxs() -> None:
    assert build_daraja_account(Settings.load()) == test_mpesa.account()
