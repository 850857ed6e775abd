"""FedEx: its settings, and what it provides."""

from datetime import timedelta
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
from app.integrations.fedex.adapter import NAME, Fedex
from app.integrations.fedex.client import FedexClient
from app.integrations.provider import Adapters, Connection, Provider

#: How long FedEx may take until a search finds a new label. Our sandbox takes no time.
_SEARCH_LAG = timedelta(minutes=15)


class FedexSettings(ProviderSettings):
    """Where FedEx is, our project there, and the account that pays."""

    mode: Mode = Field("sandbox", alias="FEDEX_MODE")
    base_url: Annotated[str, fits_mode(live_host="apis.fedex.com")] = Field(
        "", alias="FEDEX_BASE_URL"
    )
    client_id: Annotated[str, required_when_live(with_url="base_url")] = Field(
        "", alias="FEDEX_CLIENT_ID"
    )
    client_secret: Annotated[SecretStr, required_when_live(with_url="base_url")] = Field(
        SecretStr(""), alias="FEDEX_CLIENT_SECRET"
    )
    #: The number of the account that pays for labels.
    account: Annotated[str, required_when_live(with_url="base_url")] = Field(
        "", alias="FEDEX_ACCOUNT"
    )


def _connect(connection: Connection[FedexSettings], adapters: Adapters) -> None:
    settings = connection.settings
    if url := connection.url(settings.base_url):
        client = FedexClient(
            url,
            client_id=settings.client_id or "pbcex",
            client_secret=secret_or_sandbox(settings.client_secret, NAME),
            timeout_seconds=connection.timeout_seconds,
        )
        fedex = Fedex(
            client,
            connection.caller,
            account=settings.account or "740561073",
            search_lag=_SEARCH_LAG if settings.base_url else timedelta(0),
        )
        adapters.labels[Carrier.FEDEX] = adapters.tracking[Carrier.FEDEX] = fedex


PROVIDER = Provider(NAME, "FedEx", FedexSettings, _connect)
