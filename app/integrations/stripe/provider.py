"""Stripe: its settings, and what it provides."""

from typing import Annotated

from pydantic import Field, SecretStr

from app.catalog.rules import PaymentMethod
from app.config.providers import (
    PROVIDER_SECRET_LENGTH_MIN,
    Mode,
    ProviderSettings,
    fits_mode,
    has_full_parts,
    key_fits_mode,
    required_when_live,
    sandbox_secret,
    split_secrets,
)
from app.integrations.provider import Adapters, Connection, Provider
from app.integrations.stripe.adapter import StripeRail
from app.integrations.stripe.client import StripeClient
from app.integrations.stripe.webhook import StripeWebhookVerifier


class StripeSettings(ProviderSettings):
    """Where Stripe is, and our keys there."""

    mode: Mode = Field("sandbox", alias="STRIPE_MODE")
    base_url: Annotated[str, fits_mode()] = Field("", alias="STRIPE_API_BASE")
    #: `sk_…` or `rk_…`. Empty: the sandbox's key.
    secret_key: Annotated[
        SecretStr,
        required_when_live(with_url="base_url"),
        key_fits_mode(live_prefixes=("sk_live_", "rk_live_")),
    ] = Field(SecretStr(""), alias="STRIPE_SECRET_KEY")
    #: `whsec_…`; two, separated by a comma, while one replaces the other.
    webhook_secret: Annotated[
        SecretStr,
        required_when_live(with_url="base_url"),
        has_full_parts(length_min=PROVIDER_SECRET_LENGTH_MIN),
    ] = Field(SecretStr(""), alias="STRIPE_WEBHOOK_SECRET")

    @property
    def key(self) -> str:
        """The key in use."""
        return self.secret_key.get_secret_value() or f"sk_test_{sandbox_secret('stripe')}"

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """The secrets that webhooks may be signed with."""
        return split_secrets(self.webhook_secret, f"whsec_{sandbox_secret('stripe webhook')}")


def _connect(connection: Connection[StripeSettings], adapters: Adapters) -> None:
    settings = connection.settings
    if url := connection.url(settings.base_url):
        client = StripeClient(url, settings.key, timeout_seconds=connection.timeout_seconds)
        adapters.payments[PaymentMethod.CARD] = StripeRail(client, connection.caller)
        adapters.webhooks[connection.id] = StripeWebhookVerifier(settings.webhook_secrets)


PROVIDER = Provider("stripe", "Stripe", StripeSettings, _connect)
