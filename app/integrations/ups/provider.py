"""UPS: its settings, and what it provides."""

from typing import Annotated

from pydantic import Field, SecretStr

from app.config.providers import (
    Mode,
    ProviderSettings,
    fits_mode,
    required_when_live,
    secret_or_sandbox,
)
from app.fulfillment.carriers.rules import Carrier
from app.integrations.provider import Adapters, Connection, Provider
from app.integrations.ups.adapter import NAME, Ups
from app.integrations.ups.client import UpsClient


class UpsSettings(ProviderSettings):
    """Where UPS is, and our application there."""

    mode: Mode = Field("sandbox", alias="UPS_MODE")
    base_url: Annotated[str, fits_mode(live_host="onlinetools.ups.com")] = Field(
        "", alias="UPS_BASE_URL"
    )
    client_id: Annotated[str, required_when_live(with_url="base_url")] = Field(
        "", alias="UPS_CLIENT_ID"
    )
    client_secret: Annotated[SecretStr, required_when_live(with_url="base_url")] = Field(
        SecretStr(""), alias="UPS_CLIENT_SECRET"
    )


def _connect(connection: Connection[UpsSettings], adapters: Adapters) -> None:
    settings = connection.settings
    if url := connection.url(settings.base_url):
        client = UpsClient(
            url,
            client_id=settings.client_id or "pbcex",
            client_secret=secret_or_sandbox(settings.client_secret, NAME),
            timeout_seconds=connection.timeout_seconds,
        )
        adapters.tracking[Carrier.UPS] = Ups(client, connection.caller)


PROVIDER = Provider(NAME, "UPS", UpsSettings, _connect)
