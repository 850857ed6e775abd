"""The bank: its settings, and what it provides."""

from typing import Annotated

from pydantic import Field, SecretStr

from app.catalog.rules import PaymentMethod
from app.config import SECRET_LENGTH_MIN
from app.config.providers import (
    Mode,
    ProviderSettings,
    fits_mode,
    has_full_parts,
    required_when_live,
    sandbox_secret,
    secret_or_sandbox,
    split_secrets,
)
from app.integrations.bank.adapter import BankRail
from app.integrations.bank.client import BankClient
from app.integrations.bank.webhook import BankWebhookVerifier
from app.integrations.provider import Adapters, Connection, Provider


class BankSettings(ProviderSettings):
    """Where the bank is, and our keys there."""

    mode: Mode = Field("sandbox", alias="BANK_MODE")
    base_url: Annotated[str, fits_mode()] = Field("", alias="BANK_BASE_URL")
    api_key: Annotated[SecretStr, required_when_live(with_url="base_url")] = Field(
        SecretStr(""), alias="BANK_API_KEY"
    )
    #: Two secrets, separated by a comma, while one replaces the other.
    webhook_secret: Annotated[
        SecretStr,
        required_when_live(with_url="base_url"),
        has_full_parts(length_min=SECRET_LENGTH_MIN),
    ] = Field(SecretStr(""), alias="BANK_WEBHOOK_SECRET")


def _connect(connection: Connection[BankSettings], adapters: Adapters) -> None:
    settings = connection.settings
    if url := connection.url(settings.base_url):
        client = BankClient(
            url,
            secret_or_sandbox(settings.api_key, "bank"),
            timeout_seconds=connection.timeout_seconds,
        )
        rail = BankRail(client, connection.caller)
        adapters.incoming_transfers[PaymentMethod.BANK] = rail
        adapters.payouts[PaymentMethod.BANK] = rail
        secrets = split_secrets(settings.webhook_secret, sandbox_secret("bank webhook"))
        adapters.webhooks[connection.id] = BankWebhookVerifier(secrets)


PROVIDER = Provider("bank", "Bank", BankSettings, _connect)
