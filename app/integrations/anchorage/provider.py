"""Anchorage: its settings, and what it provides."""

from typing import Annotated

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import AfterValidator, Field, SecretStr

from app.config.providers import (
    Mode,
    ProviderSettings,
    check_ed25519_key,
    fits_mode,
    required_when_live,
    sandbox_secret,
    secret_or_sandbox,
)
from app.integrations.anchorage.adapter import NAME, AnchorageCustodian
from app.integrations.anchorage.client import AnchorageClient
from app.integrations.anchorage.webhook import AnchorageWebhookVerifier
from app.integrations.provider import Adapters, Connection, Provider


class AnchorageSettings(ProviderSettings):
    """Where Anchorage is, our keys there, and the vault that holds our assets."""

    mode: Mode = Field("sandbox", alias="ANCHORAGE_MODE")
    base_url: Annotated[str, fits_mode(live_host="api.anchorage.com")] = Field(
        "", alias="ANCHORAGE_BASE_URL"
    )
    access_key: Annotated[SecretStr, required_when_live()] = Field(
        SecretStr(""), alias="ANCHORAGE_ACCESS_KEY"
    )
    #: The seed of the Ed25519 key that signs our requests.
    signing_key: Annotated[SecretStr, AfterValidator(check_ed25519_key), required_when_live()] = (
        Field(SecretStr(""), alias="ANCHORAGE_SIGNING_KEY")
    )
    #: The public key that proves that a wallet address is ours; Anchorage hands it over separately.
    address_key: Annotated[SecretStr, AfterValidator(check_ed25519_key), required_when_live()] = (
        Field(SecretStr(""), alias="ANCHORAGE_ADDRESS_KEY")
    )
    vault_id: Annotated[str, required_when_live()] = Field("", alias="ANCHORAGE_VAULT_ID")


def _connect(connection: Connection[AnchorageSettings], adapters: Adapters) -> None:
    settings = connection.settings
    if url := connection.url(settings.base_url, "/v2"):
        client = AnchorageClient(
            url,
            access_key=secret_or_sandbox(settings.access_key, "anchorage"),
            signing_key=secret_or_sandbox(settings.signing_key, "anchorage requests"),
            timeout_seconds=connection.timeout_seconds,
        )
        custodian = AnchorageCustodian(
            client,
            connection.caller,
            account_id=settings.vault_id or "pbcex",
            address_key=settings.address_key.get_secret_value() or _sandbox_address_key(),
        )
        adapters.custodians[connection.id] = custodian
        adapters.webhooks[connection.id] = AnchorageWebhookVerifier(
            custodian, connection.webhook_lookups
        )


def _sandbox_address_key() -> str:
    seed = bytes.fromhex(sandbox_secret("anchorage addresses"))
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw().hex()


PROVIDER = Provider(NAME, "Anchorage", AnchorageSettings, _connect)
