"""What the configured providers provide, and the separation of sandbox and live money."""

import ast
from decimal import Decimal

import pytest
from flask import Flask

from app.catalog.rules import USD, PaymentMethod
from app.config import Settings, UnsafeSettings
from app.config.providers import ProviderSettings
from app.custody.ports import Custodians
from app.fulfillment.carriers.rules import Carrier
from app.funding.ports import CardRail, PaymentRails, PayoutRails
from app.integrations import registry
from app.integrations.bank.provider import BankSettings
from app.integrations.mpesa.exchange_rate import MpesaRules
from app.integrations.mpesa.payouts import MpesaPayouts
from app.integrations.mpesa.provider import MpesaSettings
from app.integrations.provider import Adapters, Connection
from app.integrations.registry import PROVIDERS
from app.integrations.stripe.provider import StripeSettings
from app.kit.db import Database
from app.kit.money import Amount
from app.kit.ports import resolve
from app.providers.ports import WebhookVerifiers
from sandbox.app import PROVIDERS as SIMULATED
from tests.fixed_settings import fixed_settings
from tests.house.source import python
from tests.integrations import test_mpesa

STRIPE = {
    "STRIPE_MODE": "live",
    "STRIPE_API_BASE": "https://api.stripe.com",
    "STRIPE_SECRET_KEY": "sk_live_1",
    "STRIPE_WEBHOOK_SECRET": "whsec_of_a_test_account",
}
BANK = {
    "BANK_MODE": "live",
    "BANK_BASE_URL": "https://bank.example.com",
    "BANK_API_KEY": "key",
    "BANK_WEBHOOK_SECRET": "a secret that signs the bank's webhooks",
}
MPESA = {
    "MPESA_MODE": "live",
    "MPESA_BASE_URL": "https://api.safaricom.co.ke",
    "MPESA_CONSUMER_KEY": "key",
    "MPESA_CONSUMER_SECRET": "a consumer secret",
    "MPESA_PASSKEY": "passkey",
    "MPESA_SECURITY_CREDENTIAL": "sealed",
}


@pytest.fixture(autouse=True)
def clear_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove settings of this machine's own environment."""
    for section in (Settings, *registry.SECTIONS):
        for field in section.model_fields.values():
            monkeypatch.delenv(str(field.alias), raising=False)


def connect(database: Database, **settings: str) -> Adapters:
    sections = [section.load(**settings) for section in registry.SECTIONS]
    return registry.connect(Settings.load(**settings), sections, database)


def test_providers_have_different_ids_and_their_settings_begin_with_the_mode() -> None:
    assert len({provider.id for provider in PROVIDERS}) == len(PROVIDERS)
    for section in registry.SECTIONS:
        assert next(iter(section.model_fields)) == "mode", section


def test_every_folder_with_a_provider_is_in_the_registry() -> None:
    folders = {
        source.name.split("/")[2]
        for source in python("app/integrations/")
        if source.name.endswith("/provider.py") and source.name.count("/") > 2
    }
    assert folders == {section.__module__.split(".")[2] for section in registry.SECTIONS}


def test_sandbox_simulates_every_provider_by_its_id() -> None:
    assert set(SIMULATED) == {provider.id for provider in PROVIDERS}


def test_providers_do_not_import_each_other() -> None:
    folders = {section.__module__.split(".")[2] for section in registry.SECTIONS}
    imported = {
        f"{source.name}: {node.module}"
        for source in python(*(f"app/integrations/{folder}/" for folder in folders))
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("app.integrations.")
        if (node.module or "").split(".")[2] in folders - {source.name.split("/")[2]}
    }
    assert imported == set()


def test_sandbox_provides_every_adapter(database: Database) -> None:
    adapters = connect(database, PBCEX_SANDBOX_URL="http://127.0.0.1:9")
    assert set(adapters.payments) == {PaymentMethod.CARD, PaymentMethod.MOBILE_MONEY}
    assert set(adapters.incoming_transfers) == {PaymentMethod.BANK}
    assert set(adapters.payouts) == {PaymentMethod.BANK, PaymentMethod.MOBILE_MONEY}
    assert list(adapters.custodians) == ["paxos", "anchorage", "primetrust"]
    assert None not in {adapters.identity, adapters.email, adapters.sms}
    assert list(adapters.depots) == ["depository", "jmb", "brinks"]
    assert list(adapters.partners) == ["JM", "BRINKS"]
    assert list(adapters.labels) == [Carrier.FEDEX]
    assert list(adapters.tracking) == [Carrier.FEDEX, Carrier.UPS]
    polled = {"depository", "fedex", "fiztrade", "ups", "jmb", "brinks"}
    assert set(adapters.webhooks) == {provider.id for provider in PROVIDERS} - polled


def test_provider_without_url_is_absent(database: Database) -> None:
    assert connect(database) == Adapters()
    adapters = connect(database, **BANK)
    assert set(adapters.incoming_transfers) == set(adapters.payouts) == {PaymentMethod.BANK}
    assert set(adapters.webhooks) == {"bank"}
    assert adapters.payments == {}


def test_every_rail_of_the_application_has_a_webhook_verifier(app: Flask) -> None:
    assert isinstance(resolve(PaymentRails)[PaymentMethod.CARD], CardRail)
    assert {rail.name for rail in resolve(PaymentRails).values()} <= set(resolve(WebhookVerifiers))
    payouts = {rail.name for rail in resolve(PayoutRails).values()}
    # Custody is not a provider itself: its custodians are.
    assert payouts - {"custody"} <= set(resolve(WebhookVerifiers))
    assert set(resolve(Custodians)) <= set(resolve(WebhookVerifiers))


@pytest.mark.parametrize(
    ("section", "live_settings"),
    [(StripeSettings, STRIPE), (BankSettings, BANK), (MpesaSettings, MPESA)],
)
def test_live_mode_requires_every_setting(
    section: type[ProviderSettings], live_settings: dict[str, str]
) -> None:
    section.load(**live_settings)
    for name in live_settings:
        if name.endswith(("_MODE", "_SHORTCODE")):
            continue
        with pytest.raises(UnsafeSettings) as refusal:
            section.load(**{**live_settings, name: "0" if name.endswith("_USD") else ""})
        assert list(refusal.value.problems) == [name]


@pytest.mark.parametrize(
    ("section", "base", "changed"),
    [
        (StripeSettings, STRIPE, {"STRIPE_API_BASE": "http://127.0.0.1:8420"}),
        (StripeSettings, STRIPE, {"STRIPE_API_BASE": "https://localhost"}),
        (StripeSettings, STRIPE, {"STRIPE_API_BASE": "http://api.stripe.com"}),
        (StripeSettings, STRIPE, {"STRIPE_SECRET_KEY": "sk_test_1"}),
        (StripeSettings, STRIPE, {"STRIPE_SECRET_KEY": "rk_test_1"}),
        (BankSettings, BANK, {"BANK_BASE_URL": "https://127.0.0.1"}),
        (MpesaSettings, MPESA, {"MPESA_BASE_URL": "http://127.0.0.1:1"}),
        (MpesaSettings, MPESA, {"MPESA_KES_PER_USD": "129.5"}),
        (StripeSettings, {}, {"STRIPE_SECRET_KEY": "sk_live_1"}),
        (StripeSettings, {}, {"STRIPE_SECRET_KEY": "rk_live_1"}),
        (MpesaSettings, {}, {"MPESA_BASE_URL": "https://api.safaricom.co.ke"}),
        # The default keys are for the sandbox only.
        (BankSettings, {}, {"BANK_BASE_URL": "https://bank.example.com"}),
        (StripeSettings, {}, {"STRIPE_API_BASE": "https://api.stripe.com"}),
    ],
)
def test_setting_that_contradicts_the_mode_is_refused(
    section: type[ProviderSettings], base: dict[str, str], changed: dict[str, str]
) -> None:
    with pytest.raises(UnsafeSettings) as refusal:
        section.load(**{**base, **changed})
    assert refusal.value.problems


def test_rate_of_m_pesa_is_the_setting_in_effect(database: Database) -> None:
    payouts = connect(database, PBCEX_SANDBOX_URL="http://127.0.0.1:9").payouts
    rail = payouts[PaymentMethod.MOBILE_MONEY]
    assert isinstance(rail, MpesaPayouts)
    assert rail._rate().shillings_to_pay_out(Amount.parse(USD, "1")) == 130
    with fixed_settings(MpesaRules(kes_per_usd=Decimal("141.5"))):
        assert rail._rate().shillings_to_pay_out(Amount.parse(USD, "2")) == 283


def test_sandbox_mode_accepts_test_keys_of_the_real_provider(database: Database) -> None:
    environment = {**STRIPE, "STRIPE_MODE": "sandbox", "STRIPE_SECRET_KEY": "rk_test_1"}
    settings = StripeSettings.load(**environment)
    assert settings.key == "rk_test_1"
    shared = Settings.load(PBCEX_SANDBOX_URL="http://127.0.0.1:9")
    connection = Connection("stripe", settings, shared, database)
    assert connection.url(settings.base_url) == "https://api.stripe.com"
    assert connection.url("", "/v1") == "http://127.0.0.1:9/stripe/v1"


def test_two_webhook_secrets_are_accepted() -> None:
    settings = StripeSettings.load(STRIPE_WEBHOOK_SECRET="whsec_new, whsec_old")
    assert settings.webhook_secrets == ("whsec_new", "whsec_old")
    assert "whsec" not in repr(settings)


def test_missing_keys_fall_back_to_the_sandbox() -> None:
    assert MpesaSettings.load().account == test_mpesa.daraja_account()
