"""Configured payment rails: each one that has a URL."""

from pydantic import SecretStr

from app.config import Settings
from app.config.providers import sandbox_secret
from app.funding.ports import IncomingTransferRails, PaymentMethod, PaymentRails, PayoutRails
from app.integrations.bank.adapter import BankRail
from app.integrations.bank.client import BankClient
from app.integrations.bank.webhook import BankWebhookVerifier
from app.integrations.http_calls import ProviderCaller
from app.integrations.mpesa.call_history import CallHistory
from app.integrations.mpesa.callbacks import NAME as DARAJA
from app.integrations.mpesa.callbacks import DarajaCallbacks
from app.integrations.mpesa.client import DarajaAccount, DarajaClient
from app.integrations.mpesa.exchange_rate import ExchangeRate
from app.integrations.mpesa.payments import MpesaPayments
from app.integrations.mpesa.payouts import MpesaPayouts
from app.integrations.stripe.adapter import StripeRail
from app.integrations.stripe.client import StripeClient
from app.integrations.stripe.webhook import StripeWebhookVerifier
from app.kit.db import Database
from app.kit.ports import provide
from app.providers.ports import WebhookVerifiers
from app.providers.service import CallLog


def provide_rails(settings: Settings, database: Database, webhooks: WebhookVerifiers) -> None:
    """Provide the rails of every provider that has a URL and add their verifiers to `webhooks`.

    A method without a rail is absent.
    """
    payments, arrivals, payouts = PaymentRails({}), IncomingTransferRails({}), PayoutRails({})
    calls, timeout_seconds = CallLog(database), settings.provider_timeout_seconds
    if url := settings.provider_url(settings.stripe_api_base, "stripe"):
        stripe = StripeClient(url, settings.stripe_key, timeout_seconds=timeout_seconds)
        payments[PaymentMethod.CARD] = StripeRail(stripe, ProviderCaller("stripe", calls))
        webhooks["stripe"] = StripeWebhookVerifier(settings.stripe_webhook_secrets)
    if url := settings.provider_url(settings.bank_base_url, "bank"):
        client = BankClient(url, settings.bank_key, timeout_seconds=timeout_seconds)
        bank = BankRail(client, ProviderCaller("bank", calls))
        arrivals[PaymentMethod.BANK] = payouts[PaymentMethod.BANK] = bank
        webhooks["bank"] = BankWebhookVerifier(settings.bank_webhook_secrets)
    if url := settings.provider_url(settings.mpesa_base_url, DARAJA):
        account = build_daraja_account(settings)
        daraja = DarajaClient(url, account, timeout_seconds=timeout_seconds)
        callbacks = DarajaCallbacks(settings.base_url, account.consumer_secret)
        shared = (
            ProviderCaller(DARAJA, calls),
            ExchangeRate(settings.mpesa_kes_per_usd),
            callbacks,
            CallHistory(database),
        )
        payments[PaymentMethod.MOBILE_MONEY] = MpesaPayments(daraja, *shared)
        payouts[PaymentMethod.MOBILE_MONEY] = MpesaPayouts(daraja, *shared)
        webhooks[DARAJA] = callbacks
    provide(PaymentRails, payments)
    provide(IncomingTransferRails, arrivals)
    provide(PayoutRails, payouts)


def build_daraja_account(settings: Settings) -> DarajaAccount:
    """Return our account at Daraja; missing settings fall back to the sandbox's values."""
    return DarajaAccount(
        consumer_key=_secret(settings.mpesa_consumer_key, "daraja consumer"),
        consumer_secret=_secret(settings.mpesa_consumer_secret, "daraja consumer secret"),
        shortcode=settings.mpesa_shortcode,
        passkey=_secret(settings.mpesa_passkey, "daraja passkey"),
        initiator=settings.mpesa_initiator,
        credential=_secret(settings.mpesa_security_credential, "daraja credential"),
    )


def _secret(configured: SecretStr, name: str) -> str:
    return configured.get_secret_value() or sandbox_secret(name)
