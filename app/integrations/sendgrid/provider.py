"""SendGrid: its settings, and what it provides."""

import base64
from typing import Annotated

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import AfterValidator, Field, SecretStr

from app.config.providers import (
    Mode,
    ProviderSettings,
    fits_mode,
    required_when_live,
    sandbox_secret,
    secret_or_sandbox,
)
from app.integrations.provider import Adapters, Connection, Provider
from app.integrations.sendgrid.adapter import SendGridEmailSender
from app.integrations.sendgrid.webhook import SendGridWebhookVerifier


def _check_public_key(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    try:
        if text:
            SendGridWebhookVerifier(text)
    except ValueError:
        raise ValueError("must be the key that SendGrid shows, in base64") from None
    return value


class SendGridSettings(ProviderSettings):
    """Where SendGrid is, and our keys there."""

    mode: Mode = Field("sandbox", alias="SENDGRID_MODE")
    base_url: Annotated[str, fits_mode(live_host="api.sendgrid.com")] = Field(
        "", alias="SENDGRID_BASE_URL"
    )
    api_key: Annotated[SecretStr, required_when_live()] = Field(
        SecretStr(""), alias="SENDGRID_API_KEY"
    )
    #: The public key that SendGrid shows for its event webhook: base64, without the PEM frame.
    webhook_key: Annotated[SecretStr, AfterValidator(_check_public_key), required_when_live()] = (
        Field(SecretStr(""), alias="SENDGRID_WEBHOOK_PUBLIC_KEY")
    )


def _connect(connection: Connection[SendGridSettings], adapters: Adapters) -> None:
    settings = connection.settings
    if url := connection.url(settings.base_url):
        adapters.email = SendGridEmailSender(
            url,
            secret_or_sandbox(settings.api_key, "sendgrid key"),
            connection.shared.mail_from,
            connection.caller,
            timeout_seconds=connection.timeout_seconds,
        )
        key = settings.webhook_key.get_secret_value() or _sandbox_public_key()
        adapters.webhooks[connection.id] = SendGridWebhookVerifier(key)


def _sandbox_public_key() -> str:
    """Return the public key of the sandbox's events, encoded as SendGrid shows it."""
    secret = int(sandbox_secret("sendgrid webhook"), 16)
    public = ec.derive_private_key(secret >> 1, ec.SECP256R1()).public_key()
    return base64.b64encode(
        public.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    ).decode()


PROVIDER = Provider("sendgrid", "SendGrid", SendGridSettings, _connect)
