"""FizTrade: its settings, and what it provides."""

from typing import Annotated

from pydantic import Field, SecretStr

from app.config.providers import (
    Mode,
    ProviderSettings,
    fits_mode,
    required_when_live,
    secret_or_sandbox,
)
from app.integrations.fiztrade.adapter import NAME, FizTrade
from app.integrations.fiztrade.client import FizTradeClient
from app.integrations.provider import Adapters, Connection, Provider


class FizTradeSettings(ProviderSettings):
    """Where FizTrade is, our token there, and who trades."""

    mode: Mode = Field("sandbox", alias="FIZTRADE_MODE")
    base_url: Annotated[str, fits_mode()] = Field("", alias="FIZTRADE_BASE_URL")
    token: Annotated[SecretStr, required_when_live(with_url="base_url")] = Field(
        SecretStr(""), alias="FIZTRADE_TOKEN"
    )
    #: The email address of the trader that our account names.
    trader: Annotated[str, required_when_live(with_url="base_url")] = Field(
        "", alias="FIZTRADE_TRADER"
    )


def _connect(connection: Connection[FizTradeSettings], adapters: Adapters) -> None:
    settings = connection.settings
    if url := connection.url(settings.base_url):
        client = FizTradeClient(
            url,
            secret_or_sandbox(settings.token, NAME),
            timeout_seconds=connection.timeout_seconds,
        )
        adapters.wholesalers[connection.id] = FizTrade(
            client, connection.caller, trader=settings.trader
        )


PROVIDER = Provider(NAME, "Dillon Gage FizTrade", FizTradeSettings, _connect)
