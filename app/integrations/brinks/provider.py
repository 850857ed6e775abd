"""Brink's: its settings, and what it provides."""

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
from app.integrations.brinks.adapter import NAME, Brinks
from app.integrations.brinks.client import BrinksClient
from app.integrations.provider import Adapters, Connection, Provider


class BrinksSettings(ProviderSettings):
    """Where Brink's is, our user there, and our location that is its depot."""

    mode: Mode = Field("sandbox", alias="BRINKS_MODE")
    base_url: Annotated[str, fits_mode()] = Field("", alias="BRINKS_BASE_URL")
    user_id: Annotated[str, required_when_live(with_url="base_url")] = Field(
        "", alias="BRINKS_USER_ID"
    )
    password: Annotated[SecretStr, required_when_live(with_url="base_url")] = Field(
        SecretStr(""), alias="BRINKS_PASSWORD"
    )
    #: The code of the location where it keeps our goods.
    location: str = Field("BRINKS-MEMPHIS", alias="BRINKS_LOCATION", min_length=1)


def _connect(connection: Connection[BrinksSettings], adapters: Adapters) -> None:
    settings = connection.settings
    if url := connection.url(settings.base_url):
        client = BrinksClient(
            url,
            user_id=settings.user_id or "pbcex",
            password=secret_or_sandbox(settings.password, NAME),
            timeout_seconds=connection.timeout_seconds,
        )
        brinks = Brinks(client, connection.caller, account=settings.location)
        adapters.partners[FulfilmentStrategy.BRINKS] = adapters.depots[connection.id] = brinks


PROVIDER = Provider(NAME, "Brink's", BrinksSettings, _connect)
