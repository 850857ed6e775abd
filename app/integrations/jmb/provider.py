"""JM Bullion: its settings, and what it provides."""

from typing import Annotated

from pydantic import Field, SecretStr

from app.config.providers import (
    Mode,
    ProviderSettings,
    fits_mode,
    required_when_live,
    secret_or_sandbox,
)
from app.flags.rules import FulfilmentStrategy
from app.integrations.jmb.adapter import NAME, Jmb
from app.integrations.jmb.client import JmbClient
from app.integrations.provider import Adapters, Connection, Provider


class JmbSettings(ProviderSettings):
    """Where JM Bullion is, our key there, and our location that is its depot."""

    mode: Mode = Field("sandbox", alias="JMB_MODE")
    base_url: Annotated[str, fits_mode()] = Field("", alias="JMB_BASE_URL")
    api_key: Annotated[SecretStr, required_when_live(with_url="base_url")] = Field(
        SecretStr(""), alias="JMB_API_KEY"
    )
    #: The code of the location where it keeps our goods.
    location: str = Field("JM-DALLAS", alias="JMB_LOCATION", min_length=1)


def _connect(connection: Connection[JmbSettings], adapters: Adapters) -> None:
    settings = connection.settings
    if url := connection.url(settings.base_url):
        client = JmbClient(
            url,
            secret_or_sandbox(settings.api_key, NAME),
            timeout_seconds=connection.timeout_seconds,
        )
        jmb = Jmb(client, connection.caller, account=settings.location)
        adapters.partners[FulfilmentStrategy.JM] = adapters.depots[connection.id] = jmb


PROVIDER = Provider(NAME, "JM Bullion", JmbSettings, _connect)
