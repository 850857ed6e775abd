"""Prime Trust: its settings, and what it provides."""

from typing import Annotated

from pydantic import Field, SecretStr

from app.config.providers import (
    Mode,
    ProviderSettings,
    fits_mode,
    required_when_live,
    secret_or_sandbox,
)
from app.integrations.primetrust.adapter import NAME, PrimeTrustCustodian
from app.integrations.primetrust.client import PrimeTrustClient
from app.integrations.primetrust.webhook import PrimeTrustWebhookVerifier
from app.integrations.provider import Adapters, Connection, Provider


class PrimeTrustSettings(ProviderSettings):
    """Where Prime Trust is, our user there, and the account that holds our assets."""

    mode: Mode = Field("sandbox", alias="PRIMETRUST_MODE")
    base_url: Annotated[str, fits_mode(live_host="api.primetrust.com")] = Field(
        "", alias="PRIMETRUST_BASE_URL"
    )
    user: Annotated[str, required_when_live()] = Field("", alias="PRIMETRUST_USER")
    password: Annotated[SecretStr, required_when_live()] = Field(
        SecretStr(""), alias="PRIMETRUST_PASSWORD"
    )
    account_id: Annotated[str, required_when_live()] = Field("", alias="PRIMETRUST_ACCOUNT_ID")


def _connect(connection: Connection[PrimeTrustSettings], adapters: Adapters) -> None:
    settings = connection.settings
    if url := connection.url(settings.base_url):
        client = PrimeTrustClient(
            url,
            user=settings.user or "pbcex",
            password=secret_or_sandbox(settings.password, "primetrust"),
            timeout_seconds=connection.timeout_seconds,
        )
        account_id = settings.account_id or "pbcex"
        custodian = PrimeTrustCustodian(client, connection.caller, account_id=account_id)
        adapters.custodians[connection.id] = custodian
        adapters.webhooks[connection.id] = PrimeTrustWebhookVerifier(
            custodian, connection.webhook_lookups
        )


PROVIDER = Provider(NAME, "Prime Trust", PrimeTrustSettings, _connect)
