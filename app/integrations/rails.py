"""The rails of funding, as configured: each that has an address."""

from app.config import Settings
from app.funding.ports import ArrivalRails, Method, PaymentRails, PayoutRails
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
    if url := settings.provider_url(settings.stripe_api_base, "stripe"):
        stripe = StripeClient(
            url, settings.stripe_key, timeout_seconds=settings.provider_timeout_seconds
        )
        payments[Method.CARD] = StripeRail(stripe, Caller("stripe", calls))
        webhooks["stripe"] = StripeWebhook(settings.stripe_webhook_secrets)
    provide(PaymentRails, payments)
    provide(ArrivalRails, arrivals)
    provide(PayoutRails, payouts)
