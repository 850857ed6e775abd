"""Paxos: its settings, and what it provides."""

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
from app.integrations.paxos.client import PaxosClient
from app.integrations.paxos.webhook import PaxosWebhookVerifier
from app.integrations.provider import Adapters, Connection, Provider


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
        client = PaxosClient(
            url,
            connection.url(settings.oauth_url, "/oauth2/token"),
            client_id=settings.client_id or "pbcex",
            client_secret=secret_or_sandbox(settings.client_secret, "paxos"),
            timeout_seconds=connection.timeout_seconds,
        )
        account_id = settings.profile_id or "pbcex"
        custodian = PaxosCustodian(client, connection.caller, account_id=account_id)
        adapters.custodians[connection.id] = custodian
        adapters.webhooks[connection.id] = PaxosWebhookVerifier(
            custodian, connection.webhook_lookups
        )


PROVIDER = Provider(NAME, "Paxos", PaxosSettings, _connect)
