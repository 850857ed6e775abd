"""The rails of funding, as configured: each that has an address."""

from app.config import Settings
from app.funding.ports import ArrivalRails, Method, PaymentRails, PayoutRails
from app.integrations.bank.adapter import BankRail
from app.integrations.bank.client import BankClient
from app.integrations.bank.webhook import BankWebhook
from app.integrations.calling import Caller
from app.integrations.stripe.adapter import StripeRail
from app.integrations.stripe.client import StripeClient
from app.integrations.stripe.webhook import StripeWebhook
from app.kit.ports import provide
from app.providers.ports import Webhooks
from app.providers.service import Calls


def provide_rails(settings: Settings, calls: Calls, webhooks: Webhooks) -> None:
    """Provide the rails of every provider that has an address, and add to `webhooks` who knows
    their signatures. A method without a rail is absent."""
    payments, arrivals, payouts = PaymentRails({}), ArrivalRails({}), PayoutRails({})
    seconds = settings.provider_timeout_seconds
    if url := settings.provider_url(settings.stripe_api_base, "stripe"):
        stripe = StripeClient(url, settings.stripe_key, timeout_seconds=seconds)
        payments[Method.CARD] = StripeRail(stripe, Caller("stripe", calls))
        webhooks["stripe"] = StripeWebhook(settings.stripe_webhook_secrets)
    if url := settings.provider_url(settings.bank_base_url, "bank"):
        client = BankClient(url, settings.bank_key, timeout_seconds=seconds)
        bank = BankRail(client, Caller("bank", calls))
        arrivals[Method.BANK] = payouts[Method.BANK] = bank
        webhooks["bank"] = BankWebhook(settings.bank_webhook_secrets)
    provide(PaymentRails, payments)
    provide(ArrivalRails, arrivals)
    provide(PayoutRails, payouts)
