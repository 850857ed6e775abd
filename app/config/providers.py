"""Where the providers are, and with which keys. One section for each, in the order of the alphabet.

A provider is reached at `<P>_BASE_URL` in `<P>_MODE` `live` or `sandbox`. Without an address it is
the sandbox that `bin/run` starts, which knows the keys of `sandbox_secret`; where there is no
sandbox either, the provider is not used and what needs it is switched off.
"""

from hashlib import sha256
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.config import checks
from app.config.checks import LOOPBACK, Environment

Mode = Literal["sandbox", "live"]


def sandbox_secret(name: str) -> str:
    """The key of that name in the sandbox. No secret: everybody may know what it opens."""
    return sha256(f"pbcex sandbox {name}".encode()).hexdigest()


def _fits_mode(mode: str, *, live_host: str = "") -> AfterValidator:
    """Real money only goes to real addresses, and play money never does. `mode` is the field that
    says which; `live_host` the provider's own, where its sandbox has another."""

    def validate(value: str, info: ValidationInfo) -> str:
        host, is_live = urlsplit(value).hostname, info.data.get(mode) == "live"
        if is_live and (host in LOOPBACK or not value.startswith("https://")):
            raise ValueError("must be the provider's own https:// address in live mode")
        if not is_live and live_host and host == live_host:
            raise ValueError("is where real money moves: set the mode to live, or use the sandbox")
        return value.rstrip("/")

    return AfterValidator(validate)


def _needed_live(mode: str) -> AfterValidator:
    """Of a key that live mode cannot do without."""

    def validate(value: SecretStr, info: ValidationInfo) -> SecretStr:
        if info.data.get(mode) == "live" and not value.get_secret_value():
            raise ValueError("is required in live mode")
        return value

    return AfterValidator(validate)


def _key_fits_mode(mode: str, *, live_prefixes: tuple[str, ...]) -> AfterValidator:
    """Of a key that says itself whether it moves real money."""

    def validate(value: SecretStr, info: ValidationInfo) -> SecretStr:
        key, is_live = value.get_secret_value(), info.data.get(mode) == "live"
        if is_live and not key.startswith(live_prefixes):
            raise ValueError(f"must start with {' or '.join(live_prefixes)} in live mode")
        if not is_live and key.startswith(live_prefixes):
            raise ValueError("moves real money: set the mode to live, or use a test key")
        return value

    return AfterValidator(validate)


def _absent(value: str) -> None:
    if value:
        raise ValueError("there is no sandbox in production")


class ProviderSettings(BaseSettings):
    """What all providers share, and a section for each."""

    model_config = SettingsConfigDict(
        extra="ignore",
        populate_by_name=True,
        frozen=True,
        validate_default=True,
        hide_input_in_errors=True,
    )

    env: Environment = Field(Environment.SAMPLE, alias="PBCEX_ENV")

    #: The sandbox that plays the providers. Outside production, empty: the one that `bin/run` runs.
    sandbox_url: Annotated[str, checks.in_production(_absent)] = Field(
        "", alias="PBCEX_SANDBOX_URL"
    )
    #: From a call's start to its last byte.
    provider_timeout_seconds: int = Field(10, alias="PBCEX_PROVIDER_TIMEOUT_SECONDS", ge=1, le=30)

    bank_mode: Mode = Field("sandbox", alias="BANK_MODE")
    bank_base_url: Annotated[str, _fits_mode("bank_mode")] = Field("", alias="BANK_BASE_URL")
    bank_api_key: Annotated[SecretStr, _needed_live("bank_mode")] = Field(
        SecretStr(""), alias="BANK_API_KEY"
    )
    #: Two, with a comma between, while one replaces the other.
    bank_webhook_secret: Annotated[SecretStr, _needed_live("bank_mode")] = Field(
        SecretStr(""), alias="BANK_WEBHOOK_SECRET"
    )

    plaid_mode: Mode = Field("sandbox", alias="PLAID_MODE")
    plaid_base_url: Annotated[str, _fits_mode("plaid_mode", live_host="production.plaid.com")] = (
        Field("", alias="PLAID_BASE_URL")
    )
    plaid_client_id: str = Field("pbcex", alias="PLAID_CLIENT_ID")
    plaid_secret: Annotated[SecretStr, _needed_live("plaid_mode")] = Field(
        SecretStr(""), alias="PLAID_SECRET"
    )
    #: What Plaid checks of a person is kept there under this name.
    plaid_template_id: str = Field("idvtmp_pbcex", alias="PLAID_TEMPLATE_ID")

    #: By whom e-mail goes out.
    mailer: Literal["smtp", "sendgrid"] = Field("smtp", alias="PBCEX_MAILER")
    sendgrid_mode: Mode = Field("sandbox", alias="SENDGRID_MODE")
    sendgrid_base_url: Annotated[str, _fits_mode("sendgrid_mode", live_host="api.sendgrid.com")] = (
        Field("", alias="SENDGRID_BASE_URL")
    )
    sendgrid_api_key: Annotated[SecretStr, _needed_live("sendgrid_mode")] = Field(
        SecretStr(""), alias="SENDGRID_API_KEY"
    )
    #: The key that SendGrid's event webhook shows: base64, without its frame.
    sendgrid_webhook_key: Annotated[SecretStr, _needed_live("sendgrid_mode")] = Field(
        SecretStr(""), alias="SENDGRID_WEBHOOK_PUBLIC_KEY"
    )

    stripe_mode: Mode = Field("sandbox", alias="STRIPE_MODE")
    stripe_api_base: Annotated[str, _fits_mode("stripe_mode")] = Field("", alias="STRIPE_API_BASE")
    #: `sk_…` or `rk_…`. Empty: that of the sandbox.
    stripe_secret_key: Annotated[
        SecretStr, _key_fits_mode("stripe_mode", live_prefixes=("sk_live_", "rk_live_"))
    ] = Field(SecretStr(""), alias="STRIPE_SECRET_KEY")
    #: `whsec_…`; two, with a comma between, while one replaces the other.
    stripe_webhook_secret: Annotated[SecretStr, _needed_live("stripe_mode")] = Field(
        SecretStr(""), alias="STRIPE_WEBHOOK_SECRET"
    )

    twilio_mode: Mode = Field("sandbox", alias="TWILIO_MODE")
    twilio_base_url: Annotated[str, _fits_mode("twilio_mode", live_host="api.twilio.com")] = Field(
        "", alias="TWILIO_BASE_URL"
    )
    twilio_account_sid: Annotated[SecretStr, _needed_live("twilio_mode")] = Field(
        SecretStr(""), alias="TWILIO_ACCOUNT_SID"
    )
    twilio_auth_token: Annotated[SecretStr, _needed_live("twilio_mode")] = Field(
        SecretStr(""), alias="TWILIO_AUTH_TOKEN"
    )
    #: The number that text messages come from, or a messaging service (MG…).
    twilio_from: Annotated[SecretStr, _needed_live("twilio_mode")] = Field(
        SecretStr(""), alias="TWILIO_FROM"
    )

    def provider_url(self, base_url: str, name: str) -> str:
        """`base_url`, or else where the sandbox plays the provider of that name; empty without."""
        if base_url or not self.sandbox_url:
            return base_url
        return f"{self.sandbox_url}/{name}"

    @property
    def bank_key(self) -> str:
        """The key in use."""
        return self.bank_api_key.get_secret_value() or sandbox_secret("bank")

    @property
    def bank_webhook_secrets(self) -> tuple[str, ...]:
        """The secrets that webhooks may be signed with."""
        return _secrets(self.bank_webhook_secret, sandbox_secret("bank webhook"))

    @property
    def stripe_key(self) -> str:
        """The key in use."""
        return self.stripe_secret_key.get_secret_value() or f"sk_test_{sandbox_secret('stripe')}"

    @property
    def stripe_webhook_secrets(self) -> tuple[str, ...]:
        """The secrets that webhooks may be signed with."""
        return _secrets(self.stripe_webhook_secret, f"whsec_{sandbox_secret('stripe webhook')}")


def _secrets(given: SecretStr, of_sandbox: str) -> tuple[str, ...]:
    parts = (part.strip() for part in given.get_secret_value().split(","))
    return tuple(part for part in parts if part) or (of_sandbox,)
