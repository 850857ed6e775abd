"""The depository: its settings, and what it provides."""

from typing import Annotated

from pydantic import Field, SecretStr

from app.config.providers import (
    Mode,
    ProviderSettings,
    fits_mode,
    required_when_live,
    secret_or_sandbox,
)
from app.integrations.depository.adapter import NAME, Depository
from app.integrations.depository.client import DepositoryClient
from app.integrations.provider import Adapters, Connection, Provider


class DepositorySettings(ProviderSettings):
    """Where the depository is, and our key there."""

    mode: Mode = Field("sandbox", alias="DEPOSITORY_MODE")
    base_url: Annotated[str, fits_mode()] = Field("", alias="DEPOSITORY_BASE_URL")
    api_key: Annotated[SecretStr, required_when_live(with_url="base_url")] = Field(
        SecretStr(""), alias="DEPOSITORY_API_KEY"
    )


def _connect(connection: Connection[DepositorySettings], adapters: Adapters) -> None:
    settings = connection.settings
    if url := connection.url(settings.base_url):
        client = DepositoryClient(
            url,
            secret_or_sandbox(settings.api_key, NAME),
            timeout_seconds=connection.timeout_seconds,
        )
        adapters.depots[connection.id] = Depository(client, connection.caller)


PROVIDER = Provider(NAME, "Depository", DepositorySettings, _connect)
