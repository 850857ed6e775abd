"""Paxos: its settings, and what it provides."""

from functools import partial
from typing import Annotated

from pydantic import Field, SecretStr

from app.config.providers import (
    Mode,
    ProviderSettings,
    fits_mode,
    required_when_live,
    required_with,
    secret_or_sandbox,
)
from app.integrations.paxos.adapter import NAME, PaxosCustodian
from app.integrations.paxos.client import SCOPES, PaxosClient
from app.integrations.paxos.feed import SCOPES as FEED_SCOPES
from app.integrations.paxos.feed import PaxosFeed
from app.integrations.paxos.webhook import PaxosWebhookVerifier
from app.integrations.provider import Adapters, Connection, Provider

# Every round of prices waits for the feed.
_FEED_TIMEOUT_SECONDS = 5


class PaxosSettings(ProviderSettings):
    """Where Paxos is, our client there, and the profile that holds our assets."""

    mode: Mode = Field("sandbox", alias="PAXOS_MODE")
    base_url: Annotated[str, fits_mode(live_host="api.paxos.com")] = Field(
        "", alias="PAXOS_BASE_URL"
    )
    oauth_url: Annotated[str, fits_mode(live_host="oauth.paxos.com"), required_with("base_url")] = (
        Field("", alias="PAXOS_OAUTH_URL")
    )
    client_id: Annotated[str, required_when_live()] = Field("", alias="PAXOS_CLIENT_ID")
    client_secret: Annotated[SecretStr, required_when_live()] = Field(
        SecretStr(""), alias="PAXOS_CLIENT_SECRET"
    )
    #: The profile that holds our assets at Paxos.
    profile_id: Annotated[str, required_when_live()] = Field("", alias="PAXOS_PROFILE_ID")


def _connect(connection: Connection[PaxosSettings], adapters: Adapters) -> None:
    settings = connection.settings
    if url := connection.url(settings.base_url, "/v2"):
        connect_client = partial(
            PaxosClient,
            url,
            connection.url(settings.oauth_url, "/oauth2/token"),
            client_id=settings.client_id or "pbcex",
            client_secret=secret_or_sandbox(settings.client_secret, "paxos"),
        )
        client = connect_client(timeout_seconds=connection.timeout_seconds, scopes=SCOPES)
        account_id = settings.profile_id or "pbcex"
        custodian = PaxosCustodian(client, connection.caller, account_id=account_id)
        adapters.custodians[connection.id] = custodian
        # A token of its own: custody works without the scope of quotes, and the other way round.
        adapters.price_feeds[connection.id] = lambda: PaxosFeed(
            connect_client(timeout_seconds=_FEED_TIMEOUT_SECONDS, scopes=FEED_SCOPES)
        )
        adapters.webhooks[connection.id] = PaxosWebhookVerifier(
            custodian, connection.webhook_lookups
        )


PROVIDER = Provider(NAME, "Paxos", PaxosSettings, _connect)
