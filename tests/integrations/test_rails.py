"""Configured rails, and the separation of sandbox and live money."""

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
def clear_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove settings of this machine's own environment."""
    for field in Settings.model_fields.values():
        if field.alias and field.alias.startswith(("STRIPE", "BANK", "MPESA", "PBCEX_SANDBOX")):
            monkeypatch.delenv(field.alias, raising=False)


def provided_names(database: Database, **settings: str) -> tuple[set[PaymentMethod], ...]:
    webhooks = WebhookVerifiers({})
    provide_rails(Settings.load(**settings), database, webhooks)
    rails = [set(resolve(port)) for port in (PaymentRails, IncomingTransferRails, PayoutRails)]
    return (*rails, set(webhooks))


def test_sandbox_provides_every_rail(database: Database) -> None:
    assert provided_names(database, PBCEX_SANDBOX_URL="http://127.0.0.1:9") == (
        {PaymentMethod.CARD, PaymentMethod.MOBILE_MONEY},
        {PaymentMethod.BANK},
        {PaymentMethod.BANK, PaymentMethod.MOBILE_MONEY},
        {"stripe", "bank", "daraja"},
    )


def test_provider_without_url_is_absent(database: Database) -> None:
    assert provided_names(database) == (set(), set(), set(), set())
    assert provided_names(database, **BANK) == (
        set(),
        {PaymentMethod.BANK},
        {PaymentMethod.BANK},
        {"bank"},
    )


def test_every_rail_of_the_application_has_a_webhook_verifier(app: Flask) -> None:
    assert isinstance(resolve(PaymentRails)[PaymentMethod.CARD], CardRail)
    assert {rail.name for rail in resolve(PaymentRails).values()} <= set(resolve(WebhookVerifiers))
    payouts = {rail.name for rail in resolve(PayoutRails).values()}
    # Custody is not a provider itself: its custodians are.
    assert payouts - {"custody"} <= set(resolve(WebhookVerifiers))
    assert set(resolve(Custodians)) <= set(resolve(WebhookVerifiers))


@pytest.mark.parametrize("live_settings", [STRIPE, BANK, MPESA])
def test_live_mode_requires_every_setting(live_settings: dict[str, str]) -> None:
    Settings.load(**live_settings)
    for name in live_settings:
        if name.endswith(("_MODE", "_SHORTCODE")):
            continue
        with pytest.raises(UnsafeSettings) as refusal:
            Settings.load(**{**live_settings, name: "0" if name.endswith("_USD") else ""})
        assert list(refusal.value.problems) == [name]


@pytest.mark.parametrize(
    ("base", "changed"),
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
        # The default keys are for the sandbox only.
        ({}, {"BANK_BASE_URL": "https://bank.example.com"}),
        ({}, {"STRIPE_API_BASE": "https://api.stripe.com"}),
    ],
)
def test_setting_that_contradicts_the_mode_is_refused(
    base: dict[str, str], changed: dict[str, str]
) -> None:
    with pytest.raises(UnsafeSettings) as refusal:
        Settings.load(**{**base, **changed})
    assert refusal.value.problems


def test_sandbox_mode_accepts_test_keys_of_the_real_provider(database: Database) -> None:
    environment = {**STRIPE, "STRIPE_MODE": "sandbox", "STRIPE_SECRET_KEY": "rk_test_1"}
    settings = Settings.load(**environment, PBCEX_SANDBOX_URL="http://127.0.0.1:9")
    assert settings.stripe_key == "rk_test_1"
    assert settings.provider_url(settings.stripe_api_base, "stripe") == "https://api.stripe.com"


def test_two_webhook_secrets_are_accepted() -> None:
    settings = Settings.load(STRIPE_WEBHOOK_SECRET="whsec_new, whsec_old")
    assert settings.stripe_webhook_secrets == ("whsec_new", "whsec_old")
    assert "whsec" not in repr(settings)


def test_missing_keys_fall_back_to_the_sandbox() -> None:
    assert build_daraja_account(Settings.load()) == test_mpesa.daraja_account()
