"""Plaid: its settings, and what it provides."""

from typing import Annotated

from pydantic import Field, SecretStr

from app.config.providers import (
    Mode,
    ProviderSettings,
    fits_mode,
    required_when_live,
    secret_or_sandbox,
)
from app.integrations.plaid.adapter import PlaidIdentityProvider
from app.integrations.plaid.client import PlaidAccount, PlaidClient
from app.integrations.plaid.webhook import PlaidWebhookVerifier
from app.integrations.provider import Adapters, Connection, Provider

_ENVIRONMENTS = {"live": "production", "sandbox": "sandbox"}


class PlaidSettings(ProviderSettings):
    """Where Plaid is, our client there, and what it verifies."""

    mode: Mode = Field("sandbox", alias="PLAID_MODE")
    base_url: Annotated[str, fits_mode(live_host="production.plaid.com")] = Field(
        "", alias="PLAID_BASE_URL"
    )
    client_id: str = Field("pbcex", alias="PLAID_CLIENT_ID")
    secret: Annotated[SecretStr, required_when_live()] = Field(SecretStr(""), alias="PLAID_SECRET")
    #: The identity verification template at Plaid.
    template_id: str = Field("idvtmp_pbcex", alias="PLAID_TEMPLATE_ID")


def _connect(connection: Connection[PlaidSettings], adapters: Adapters) -> None:
    settings = connection.settings
    if url := connection.url(settings.base_url):
        account = PlaidAccount(
            url,
            settings.client_id,
            secret_or_sandbox(settings.secret, "plaid"),
            settings.template_id,
            _ENVIRONMENTS[settings.mode],
            connection.timeout_seconds,
        )
        client = PlaidClient(account, connection.caller)
        adapters.identity = PlaidIdentityProvider(client)
        adapters.webhooks[connection.id] = PlaidWebhookVerifier(client, connection.webhook_lookups)


PROVIDER = Provider("plaid", "Plaid", PlaidSettings, _connect)
