"""What the settings of providers have in common; each provider's own are in its folder.

A provider is reached at `<P>_BASE_URL` in `<P>_MODE` `live` or `sandbox`. Without a URL it is the
sandbox that `bin/run` starts, which accepts the keys of `sandbox_secret`. Without a sandbox either,
the provider is not used, and the features that need it are switched off.
"""

import re
from hashlib import sha256
from typing import Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, SecretStr, ValidationInfo

from app.config.checks import LOOPBACK
from app.config.section import SettingsSection

Mode = Literal["sandbox", "live"]


class ProviderSettings(SettingsSection):
    """The settings of one provider. Its first field is `mode: Mode`, on which checks depend."""


def sandbox_secret(name: str) -> str:
    """Return the sandbox's key of that name. It is derived from the name and no real secret."""
    return sha256(f"pbcex sandbox {name}".encode()).hexdigest()


def secret_or_sandbox(configured: SecretStr, name: str) -> str:
    """Return the configured secret, or else the sandbox's key of that name, which works nowhere
    else."""
    return configured.get_secret_value() or sandbox_secret(name)


def split_secrets(configured: SecretStr, sandbox_default: str) -> tuple[str, ...]:
    """Return the secrets that webhooks may be signed with: two while one replaces the other."""
    parts = (part.strip() for part in configured.get_secret_value().split(","))
    return tuple(part for part in parts if part) or (sandbox_default,)


def fits_mode(*, live_host: str = "") -> AfterValidator:
    """Return a validator of a provider's URL: the live URL in live mode, and only then.

    `live_host` is the provider's live host, if its sandbox has another one.
    """

    def validate(value: str, info: ValidationInfo) -> str:
        host, is_live = urlsplit(value).hostname, info.data.get("mode") == "live"
        if is_live and (host in LOOPBACK or not value.startswith("https://")):
            raise ValueError("must be the provider's own https:// URL in live mode")
        if not is_live and live_host and host == live_host:
            raise ValueError("moves real money: set the mode to live, or use the sandbox's URL")
        return value.rstrip("/")

    return AfterValidator(validate)


def required_when_live(*, with_url: str = "") -> AfterValidator:
    """Return a validator of a value that live mode requires.

    With `with_url`, the field of a URL, any URL beyond this machine requires it too, because the
    sandbox's keys are public.
    """

    def validate(value: SecretStr | str, info: ValidationInfo) -> SecretStr | str:
        host = urlsplit(info.data.get(with_url, "")).hostname
        if value.get_secret_value() if isinstance(value, SecretStr) else value:
            return value
        if info.data.get("mode") == "live":
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
