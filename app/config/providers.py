"""What the settings of providers have in common; each provider's own are in its folder.

A provider is reached at `<P>_BASE_URL` in `<P>_MODE` `live` or `sandbox`. Without a URL it is the
sandbox that `bin/run` starts, which accepts the keys of `sandbox_secret`. Without a sandbox either,
the provider is not used, and the features that need it are switched off.
"""

import re
from hashlib import sha256
from typing import ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, SecretStr, ValidationInfo

from app.config.checks import LOOPBACK, check_web_url
from app.config.section import SettingsSection

Mode = Literal["sandbox", "live"]


class ProviderSettings(SettingsSection):
    """The settings of one provider. Its first field is `mode: Mode`, on which checks depend."""

    #: The variable of the address of another provider without which this one is of no use.
    needs: ClassVar[str] = ""

    @property
    def address(self) -> str:
        """The configured URL; empty if the provider is not used, or played by the sandbox."""
        return str(getattr(self, "base_url", ""))

    @property
    def is_used(self) -> bool:
        """Whether the provider has an address of its own."""
        return bool(self.address)

    @property
    def is_live(self) -> bool:
        """Whether it moves real money, or reaches real people."""
        return getattr(self, "mode", "") == "live"

    def variable(self, field: str) -> str:
        """Return the environment variable of a field."""
        return self._variable_name(field)


#: The names of all keys of the sandbox.
_SANDBOX_SECRETS = frozenset(
    {
        "anchorage", "anchorage addresses", "anchorage requests", "bank", "bank webhook", "brinks",
        "daraja consumer", "daraja consumer secret", "daraja credential", "daraja passkey",
        "depository", "fedex", "fiztrade", "jmb",
        "paxos", "plaid", "primetrust", "sendgrid key", "sendgrid webhook", "stripe",
        "stripe webhook", "twilio account", "twilio token", "ups",
    }
)  # fmt: skip
#: How providers name the hosts that play with money: sandbox.plaid.com, api.anchorage-staging.com.
_SANDBOX_HOST = re.compile(r"(?:^|[.-])(?:sandbox|staging|development|test)(?:[.-]|$)")
#: Who guesses a secret that signs webhooks credits themselves. The shortest in use are Daraja's.
PROVIDER_SECRET_LENGTH_MIN = 16
#: Some keys of the sandbox are shortened to this length.
_SHORT_LENGTH = 32


def sandbox_secret(name: str) -> str:
    """Return the sandbox's key of that name. It is derived from the name and no real secret."""
    if name not in _SANDBOX_SECRETS:
        raise ValueError(f"name {name!r} in _SANDBOX_SECRETS, so that production refuses its key")
    return sha256(f"pbcex sandbox {name}".encode()).hexdigest()


def is_public(secret: str) -> bool:
    """Return whether this is a key of the sandbox, which everyone can calculate."""
    return any(sandbox_secret(name)[:_SHORT_LENGTH] in secret for name in _SANDBOX_SECRETS)


def secret_or_sandbox(configured: SecretStr, name: str) -> str:
    """Return the configured secret, or else the sandbox's key of that name, which works nowhere
    else."""
    return configured.get_secret_value() or sandbox_secret(name)


def split_secrets(configured: SecretStr, sandbox_default: str) -> tuple[str, ...]:
    """Return the secrets that webhooks may be signed with: two while one replaces the other.
    `has_full_parts` has checked them."""
    text = configured.get_secret_value()
    return tuple(part.strip() for part in text.split(",")) if text else (sandbox_default,)


def has_full_parts(*, length_min: int) -> AfterValidator:
    """Return a validator of secrets that are separated by commas. Live, and at addresses beyond
    this machine, each has at least `length_min` characters."""

    def validate(value: SecretStr, info: ValidationInfo) -> SecretStr:
        text = value.get_secret_value()
        lengths = [len(part.strip()) for part in text.split(",")] if text else []
        if 0 in lengths:
            raise ValueError("has an empty part: remove the comma too many")
        host = urlsplit(info.data.get("base_url", "")).hostname
        is_elsewhere = host is not None and host not in LOOPBACK
        if (is_elsewhere or info.data.get("mode") == "live") and any(
            length < length_min for length in lengths
        ):
            raise ValueError(f"must have {length_min} characters or more, each if there are two")
        return value

    return AfterValidator(validate)


def fits_mode(*, live_host: str = "") -> AfterValidator:
    """Return a validator of a provider's URL: the live URL in live mode, and only then.

    `live_host` is the provider's live host, if its sandbox has another one.
    """

    def validate(value: str, info: ValidationInfo) -> str:
        check_web_url(value)
        host, is_live = urlsplit(value).hostname, info.data.get("mode") == "live"
        if is_live and (host in LOOPBACK or not value.startswith("https://")):
            raise ValueError("must be the provider's own https:// URL in live mode")
        if is_live and _SANDBOX_HOST.search(host or ""):
            raise ValueError("is a sandbox: set the mode to sandbox, or use the provider's own URL")
        if not is_live and live_host and host == live_host:
            raise ValueError("moves real money: set the mode to live, or use the sandbox's URL")
        return value.rstrip("/")

    return AfterValidator(validate)


def required_when_live(*, with_url: str = "", length_min: int = 0) -> AfterValidator:
    """Return a validator of a value that live mode requires, with `length_min` characters or more.

    With `with_url`, the field of a URL, any URL beyond this machine requires it too, because the
    sandbox's keys are public.
    """

    def validate(value: SecretStr | str, info: ValidationInfo) -> SecretStr | str:
        host = urlsplit(info.data.get(with_url, "")).hostname
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        is_live = info.data.get("mode") == "live"
        if is_live and 0 < len(text.strip()) < length_min:
            raise ValueError(f"must have {length_min} characters or more")
        if text.strip():
            return value
        if is_live:
            raise ValueError("is required in live mode")
        if host is not None and host not in LOOPBACK:
            raise ValueError("is required when the provider's URL is set")
        return value

    return AfterValidator(validate)


def required_with(other: str) -> AfterValidator:
    """Return a validator of a URL that is required when the field `other` is set."""

    def validate(value: str, info: ValidationInfo) -> str:
        if info.data.get(other) and not value:
            raise ValueError("is required when the provider's other URL is set")
        return value

    return AfterValidator(validate)


def key_fits_mode(*, live_prefixes: tuple[str, ...]) -> AfterValidator:
    """Return a validator of a key whose prefix tells whether it moves real money."""

    def validate(value: SecretStr, info: ValidationInfo) -> SecretStr:
        key, is_live = value.get_secret_value(), info.data.get("mode") == "live"
        if is_live and not key.startswith(live_prefixes):
            raise ValueError(f"must start with {' or '.join(live_prefixes)} in live mode")
        if not is_live and key.startswith(live_prefixes):
            raise ValueError("moves real money: set the mode to live, or use a test key")
        return value

    return AfterValidator(validate)


def check_ed25519_key(value: SecretStr) -> SecretStr:
    """Check that a key, if there is one, has the form of an Ed25519 key."""
    text = value.get_secret_value()
    if text and not re.fullmatch(r"[0-9a-f]{64}", text, re.ASCII):
        raise ValueError("must be an Ed25519 key as 64 hexadecimal digits")
    return value
