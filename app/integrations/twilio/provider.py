"""Twilio: its settings, and what it provides."""

from typing import Annotated

from pydantic import Field, SecretStr

from app.config.providers import (
    PROVIDER_SECRET_LENGTH_MIN,
    Mode,
    ProviderSettings,
    fits_mode,
    required_when_live,
    sandbox_secret,
)
from app.integrations.provider import Adapters, Connection, Provider
from app.integrations.twilio.adapter import TwilioSmsSender
from app.integrations.twilio.client import TwilioAccount
from app.integrations.twilio.webhook import TwilioWebhookVerifier


class TwilioSettings(ProviderSettings):
    """Where Twilio is, our account there, and its sender."""

    mode: Mode = Field("sandbox", alias="TWILIO_MODE")
    base_url: Annotated[str, fits_mode(live_host="api.twilio.com")] = Field(
        "", alias="TWILIO_BASE_URL"
    )
    account_sid: Annotated[SecretStr, required_when_live()] = Field(
        SecretStr(""), alias="TWILIO_ACCOUNT_SID"
    )
    auth_token: Annotated[SecretStr, required_when_live(length_min=PROVIDER_SECRET_LENGTH_MIN)] = (
        Field(SecretStr(""), alias="TWILIO_AUTH_TOKEN")
    )
    #: The phone number or messaging service (MG…) that sends text messages.
    sender: Annotated[SecretStr, required_when_live()] = Field(SecretStr(""), alias="TWILIO_FROM")


def _connect(connection: Connection[TwilioSettings], adapters: Adapters) -> None:
    settings = connection.settings
    if url := connection.url(settings.base_url):
        account = TwilioAccount(
            url,
            settings.account_sid.get_secret_value() or f"AC{sandbox_secret('twilio account')[:32]}",
            settings.auth_token.get_secret_value() or sandbox_secret("twilio token")[:32],
            settings.sender.get_secret_value() or "+15005550006",
        )
        adapters.sms = TwilioSmsSender(
            account,
            connection.caller,
            callback_url=connection.webhook_url,
            timeout_seconds=connection.timeout_seconds,
        )
        adapters.webhooks[connection.id] = TwilioWebhookVerifier(
            account, callback_url=connection.webhook_url
        )


PROVIDER = Provider("twilio", "Twilio", TwilioSettings, _connect)
