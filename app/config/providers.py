"""The URLs and keys of providers, one section each, in alphabetical order.

A provider is reached at `<P>_BASE_URL` in `<P>_MODE` `live` or `sandbox`. Without a URL it is the
sandbox that `bin/run` starts, which accepts the keys of `sandbox_secret`. Without a sandbox either,
the provider is not used, and the features that need it are switched off.
"""

import re
from decimal import Decimal
from hashlib import sha256
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.config import checks
from app.config.checks import LOOPBACK, Environment

Mode = Literal["sandbox", "live"]
_KES_PER_USD_MIN, _KES_PER_USD_MAX = 100, 1000


def sandbox_secret(name: str) -> str:
    """Return the sandbox's key of that name. It is derived from the name and no real secret."""
    return sha256(f"pbcex sandbox {name}".encode()).hexdigest()


def _fits_mode(mode: str, *, live_host: str = "") -> AfterValidator:
    """Return a validator of a provider's URL: the live URL in live mode, and only then.

    `mode` names the field with the mode; `live_host` is the provider's live host, if its sandbox
    has another one.
    """

    def validate(value: str, info: ValidationInfo) -> str:
        host, is_live = urlsplit(value).hostname, info.data.get(mode) == "live"
        if is_live and (host in LOOPBACK or not value.startswith("https://")):
            raise ValueError("must be the provider's own https:// URL in live mode")
        if not is_live and live_host and host == live_host:
            raise ValueError("moves real money: set the mode to live, or use the sandbox's URL")
        return value.rstrip("/")

    return AfterValidator(validate)


def _required_when_live(mode: str, *, address: str = "") -> AfterValidator:
    """Return a validator of a value that live mode requires.

    With `address`, the field of a URL, any URL beyond this machine requires it too, because the
    sandbox's keys are public.
    """

    def validate(value: SecretStr | str, info: ValidationInfo) -> SecretStr | str:
        host = urlsplit(info.data.get(address, "")).hostname
        if value.get_secret_value() if isinstance(value, SecretStr) else value:
            return value
        if info.data.get(mode) == "live":
            raise ValueError("is required in live mode")
        if host is not None and host not in LOOPBACK:
            raise ValueError("is required when the provider's URL is set")
        return value

    return AfterValidator(validate)


def _required_with(other: str) -> AfterValidator:
    """Return a validator of a URL that is required when the field `other` is set."""

    def validate(value: str, info: ValidationInfo) -> str:
        if info.data.get(other) and not value:
            raise ValueError("is required when the provider's other URL is set")
        return value

    return AfterValidator(validate)


def _key_fits_mode(mode: str, *, live_prefixes: tuple[str, ...]) -> AfterValidator:
    """Return a validator of a key whose prefix tells whether it moves real money."""

    def validate(value: SecretStr, info: ValidationInfo) -> SecretStr:
        key, is_live = value.get_secret_value(), info.data.get(mode) == "live"
        if is_live and not key.startswith(live_prefixes):
            raise ValueError(f"must start with {' or '.join(live_prefixes)} in live mode")
        if not is_live and key.startswith(live_prefixes):
            raise ValueError("moves real money: set the mode to live, or use a test key")
        return value

    return AfterValidator(validate)


def _check_kes_per_usd(value: Decimal, info: ValidationInfo) -> Decimal:
    """Check the shillings per dollar: with fewer, rounding would be worth more than a cent."""
    if value == 0 and info.data.get("mpesa_mode") != "live":
        return Decimal(130)
    if not _KES_PER_USD_MIN <= value <= _KES_PER_USD_MAX:
        raise ValueError(f"must be from {_KES_PER_USD_MIN} to {_KES_PER_USD_MAX} shillings")
    return value


def _check_ed25519_key(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if text and not re.fullmatch(r"[0-9a-f]{64}", text, re.ASCII):
        raise ValueError("must be an Ed25519 key as 64 hexadecimal digits")
    return value


def _forbid_sandbox(value: str) -> None:
    if value:
        raise ValueError("is refused in production: there is no sandbox")


class ProviderSettings(BaseSettings):
    """The settings of providers: what all share, then a section for each."""

    model_config = SettingsConfigDict(
        extra="ignore",
        populate_by_name=True,
        frozen=True,
        validate_default=True,
        hide_input_in_errors=True,
    )

    env: Environment = Field(Environment.SAMPLE, alias="PBCEX_ENV")

    #: The sandbox that stands in for providers. Empty outside production: the one of `bin/run`.
    sandbox_url: Annotated[str, checks.in_production(_forbid_sandbox)] = Field(
        "", alias="PBCEX_SANDBOX_URL"
    )
    #: The time limit of a call, from its start to the last byte.
    provider_timeout_seconds: int = Field(10, alias="PBCEX_PROVIDER_TIMEOUT_SECONDS", ge=1, le=30)

    anchorage_mode: Mode = Field("sandbox", alias="ANCHORAGE_MODE")
    anchorage_base_url: Annotated[
        str, _fits_mode("anchorage_mode", live_host="api.anchorage.com")
    ] = Field("", alias="ANCHORAGE_BASE_URL")
    anchorage_access_key: Annotated[SecretStr, _required_when_live("anchorage_mode")] = Field(
        SecretStr(""), alias="ANCHORAGE_ACCESS_KEY"
    )
    #: The seed of the Ed25519 key that signs our requests.
    anchorage_signing_key: Annotated[
        SecretStr, AfterValidator(_check_ed25519_key), _required_when_live("anchorage_mode")
    ] = Field(SecretStr(""), alias="ANCHORAGE_SIGNING_KEY")
    #: The public key that proves that a wallet address is ours; Anchorage hands it over separately.
    anchorage_address_key: Annotated[
        SecretStr, AfterValidator(_check_ed25519_key), _required_when_live("anchorage_mode")
    ] = Field(SecretStr(""), alias="ANCHORAGE_ADDRESS_KEY")
    anchorage_vault_id: Annotated[str, _required_when_live("anchorage_mode")] = Field(
        "", alias="ANCHORAGE_VAULT_ID"
    )

    bank_mode: Mode = Field("sandbox", alias="BANK_MODE")
    bank_base_url: Annotated[str, _fits_mode("bank_mode")] = Field("", alias="BANK_BASE_URL")
    bank_api_key: Annotated[
        SecretStr, _required_when_live("bank_mode", address="bank_base_url")
    ] = Field(SecretStr(""), alias="BANK_API_KEY")
    #: Two secrets, separated by a comma, while one replaces the other.
    bank_webhook_secret: Annotated[
        SecretStr, _required_when_live("bank_mode", address="bank_base_url")
    ] = Field(SecretStr(""), alias="BANK_WEBHOOK_SECRET")

    plaid_mode: Mode = Field("sandbox", alias="PLAID_MODE")
    plaid_base_url: Annotated[str, _fits_mode("plaid_mode", live_host="production.plaid.com")] = (
        Field("", alias="PLAID_BASE_URL")
    )
    plaid_client_id: str = Field("pbcex", alias="PLAID_CLIENT_ID")
    plaid_secret: Annotated[SecretStr, _required_when_live("plaid_mode")] = Field(
        SecretStr(""), alias="PLAID_SECRET"
    )
    #: The identity verification template at Plaid.
    plaid_template_id: str = Field("idvtmp_pbcex", alias="PLAID_TEMPLATE_ID")

    paxos_mode: Mode = Field("sandbox", alias="PAXOS_MODE")
    paxos_base_url: Annotated[str, _fits_mode("paxos_mode", live_host="api.paxos.com")] = Field(
        "", alias="PAXOS_BASE_URL"
    )
    paxos_oauth_url: Annotated[
        str, _fits_mode("paxos_mode", live_host="oauth.paxos.com"), _required_with("paxos_base_url")
    ] = Field("", alias="PAXOS_OAUTH_URL")
    paxos_client_id: Annotated[str, _required_when_live("paxos_mode")] = Field(
        "", alias="PAXOS_CLIENT_ID"
    )
    paxos_client_secret: Annotated[SecretStr, _required_when_live("paxos_mode")] = Field(
        SecretStr(""), alias="PAXOS_CLIENT_SECRET"
    )
    #: The profile that holds our assets at Paxos.
    paxos_profile_id: Annotated[str, _required_when_live("paxos_mode")] = Field(
        "", alias="PAXOS_PROFILE_ID"
    )

    primetrust_mode: Mode = Field("sandbox", alias="PRIMETRUST_MODE")
    primetrust_base_url: Annotated[
        str, _fits_mode("primetrust_mode", live_host="api.primetrust.com")
    ] = Field("", alias="PRIMETRUST_BASE_URL")
    primetrust_user: Annotated[str, _required_when_live("primetrust_mode")] = Field(
        "", alias="PRIMETRUST_USER"
    )
    primetrust_password: Annotated[SecretStr, _required_when_live("primetrust_mode")] = Field(
        SecretStr(""), alias="PRIMETRUST_PASSWORD"
    )
    primetrust_account_id: Annotated[str, _required_when_live("primetrust_mode")] = Field(
        "", alias="PRIMETRUST_ACCOUNT_ID"
    )

    #: How emails are sent.
    mailer: Literal["smtp", "sendgrid"] = Field("smtp", alias="PBCEX_MAILER")

    mpesa_mode: Mode = Field("sandbox", alias="MPESA_MODE")
    mpesa_base_url: Annotated[str, _fits_mode("mpesa_mode", live_host="api.safaricom.co.ke")] = (
        Field("", alias="MPESA_BASE_URL")
    )
    mpesa_consumer_key: Annotated[
        SecretStr, _required_when_live("mpesa_mode", address="mpesa_base_url")
    ] = Field(SecretStr(""), alias="MPESA_CONSUMER_KEY")
    mpesa_consumer_secret: Annotated[
        SecretStr, _required_when_live("mpesa_mode", address="mpesa_base_url")
    ] = Field(SecretStr(""), alias="MPESA_CONSUMER_SECRET")
    mpesa_shortcode: str = Field("174379", alias="MPESA_SHORTCODE", pattern="^[0-9]{5,7}$")
    mpesa_passkey: Annotated[
        SecretStr, _required_when_live("mpesa_mode", address="mpesa_base_url")
    ] = Field(SecretStr(""), alias="MPESA_PASSKEY")
    mpesa_initiator: str = Field("sandbox", alias="MPESA_INITIATOR")
    #: The initiator's password, encrypted with M-Pesa's certificate.
    mpesa_security_credential: Annotated[
        SecretStr, _required_when_live("mpesa_mode", address="mpesa_base_url")
    ] = Field(SecretStr(""), alias="MPESA_SECURITY_CREDENTIAL")
    #: Shillings per dollar, for deposits and payouts. In sandbox mode, 0 means 130.
    mpesa_kes_per_usd: Annotated[Decimal, AfterValidator(_check_kes_per_usd)] = Field(
        Decimal(0), alias="MPESA_KES_PER_USD"
    )

    sendgrid_mode: Mode = Field("sandbox", alias="SENDGRID_MODE")
    sendgrid_base_url: Annotated[str, _fits_mode("sendgrid_mode", live_host="api.sendgrid.com")] = (
        Field("", alias="SENDGRID_BASE_URL")
    )
    sendgrid_api_key: Annotated[SecretStr, _required_when_live("sendgrid_mode")] = Field(
        SecretStr(""), alias="SENDGRID_API_KEY"
    )
    #: The public key that SendGrid shows for its event webhook: base64, without the PEM frame.
    sendgrid_webhook_key: Annotated[SecretStr, _required_when_live("sendgrid_mode")] = Field(
        SecretStr(""), alias="SENDGRID_WEBHOOK_PUBLIC_KEY"
    )

    stripe_mode: Mode = Field("sandbox", alias="STRIPE_MODE")
    stripe_api_base: Annotated[str, _fits_mode("stripe_mode")] = Field("", alias="STRIPE_API_BASE")
    #: `sk_…` or `rk_…`. Empty: the sandbox's key.
    stripe_secret_key: Annotated[
        SecretStr,
        _required_when_live("stripe_mode", address="stripe_api_base"),
        _key_fits_mode("stripe_mode", live_prefixes=("sk_live_", "rk_live_")),
    ] = Field(SecretStr(""), alias="STRIPE_SECRET_KEY")
    #: `whsec_…`; two, separated by a comma, while one replaces the other.
    stripe_webhook_secret: Annotated[
        SecretStr, _required_when_live("stripe_mode", address="stripe_api_base")
    ] = Field(SecretStr(""), alias="STRIPE_WEBHOOK_SECRET")

    twilio_mode: Mode = Field("sandbox", alias="TWILIO_MODE")
    twilio_base_url: Annotated[str, _fits_mode("twilio_mode", live_host="api.twilio.com")] = Field(
        "", alias="TWILIO_BASE_URL"
    )
    twilio_account_sid: Annotated[SecretStr, _required_when_live("twilio_mode")] = Field(
        SecretStr(""), alias="TWILIO_ACCOUNT_SID"
    )
    twilio_auth_token: Annotated[SecretStr, _required_when_live("twilio_mode")] = Field(
        SecretStr(""), alias="TWILIO_AUTH_TOKEN"
    )
    #: The phone number or messaging service (MG…) that sends text messages.
    twilio_from: Annotated[SecretStr, _required_when_live("twilio_mode")] = Field(
        SecretStr(""), alias="TWILIO_FROM"
    )

    def provider_url(self, base_url: str, name: str) -> str:
        """Return `base_url`, else the sandbox's URL of that provider, else an empty text."""
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
        return _split_secrets(self.bank_webhook_secret, sandbox_secret("bank webhook"))

    @property
    def stripe_key(self) -> str:
        """The key in use."""
        return self.stripe_secret_key.get_secret_value() or f"sk_test_{sandbox_secret('stripe')}"

    @property
    def stripe_webhook_secrets(self) -> tuple[str, ...]:
        """The secrets that webhooks may be signed with."""
        return _split_secrets(
            self.stripe_webhook_secret, f"whsec_{sandbox_secret('stripe webhook')}"
        )


def _split_secrets(configured: SecretStr, sandbox_default: str) -> tuple[str, ...]:
    parts = (part.strip() for part in configured.get_secret_value().split(","))
    return tuple(part for part in parts if part) or (sandbox_default,)
