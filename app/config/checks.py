"""Validate settings: formats, and what production requires or forbids."""

import re
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, ValidationInfo
from pydantic_settings import NoDecode

PROJECT = Path(__file__).resolve().parents[2]
SECRET_LENGTH_MIN = 32
_SECRET_CHARACTERS_MIN = 12
_EMAIL_ADDRESS = re.compile(r"[^@\s<>]+@[^@\s<>]+")
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0"})  # noqa: S104 - a name to refuse


class Environment(StrEnum):
    """The kind of environment. Sample data and embedded servers exist only outside production."""

    SAMPLE = "sample"
    TEST = "test"
    PRODUCTION = "production"


def in_production(check: Callable[[Any], None]) -> AfterValidator:
    """Return a validator that runs `check` in production, and if the environment is invalid."""

    def validate(value: Any, info: ValidationInfo) -> Any:
        if info.data.get("env", Environment.PRODUCTION) is Environment.PRODUCTION:
            check(value)
        return value

    return AfterValidator(validate)


def require_value(value: object) -> None:
    if not value:
        raise ValueError("is required in production")


def check_postgresql_url(value: str) -> None:
    require_value(value)
    if not value.startswith("postgresql+psycopg://"):
        raise ValueError("must be the URL of a PostgreSQL server")


def check_redis_url(value: str) -> None:
    require_value(value)
    parts = urlsplit(value)
    if parts.scheme not in {"redis", "rediss"}:
        raise ValueError("must be the URL of a Redis server")
    # Write access to Redis allows enqueueing jobs.
    if not parts.password:
        raise ValueError("must contain a password")


def check_public_url(value: str) -> None:
    require_value(value)
    parts = urlsplit(value)
    if parts.scheme != "https":
        raise ValueError("must start with https:// in production")
    if parts.hostname is None or parts.hostname in LOOPBACK:
        raise ValueError("is a placeholder: customers cannot reach it")


def check_allowed_hosts(value: tuple[str, ...]) -> None:
    require_value(value)
    if set(value) <= LOOPBACK:
        raise ValueError("is a placeholder: customers cannot reach it")


def check_secret(value: str) -> None:
    require_value(value)
    if len(value) < SECRET_LENGTH_MIN:
        raise ValueError(f"must have {SECRET_LENGTH_MIN} characters or more")
    if len(set(value)) < _SECRET_CHARACTERS_MIN or "secret" in value.lower():
        raise ValueError("is a placeholder: use a random secret")


def check_key_ring_path(value: str) -> None:
    require_value(value)
    path = Path(value)
    if not path.is_absolute() or path.resolve().is_relative_to(PROJECT):
        raise ValueError("must be an absolute path outside the checkout")


def check_smtp_url(value: str) -> str:
    if value:
        parts = urlsplit(value)
        is_smtp = parts.scheme in {"smtp", "smtp+starttls", "smtps"}
        if not is_smtp or not parts.hostname or parts.path not in {"", "/"}:
            raise ValueError("must look like smtps://user:password@mail.example.com")
    return value


def check_encrypted_smtp(value: str, info: ValidationInfo) -> str:
    """Require an encrypted SMTP connection in production, if emails are sent by SMTP."""
    is_production = info.data.get("env", Environment.PRODUCTION) is Environment.PRODUCTION
    if is_production and info.data.get("mailer") == "smtp":
        require_value(value)
        if urlsplit(value).scheme == "smtp":
            raise ValueError("must be smtps:// or smtp+starttls:// in production")
    return value


def check_email_address(value: str) -> str:
    if not _EMAIL_ADDRESS.fullmatch(value):
        raise ValueError("must be an email address, like support@pbcex.example")
    return value


def check_sender(value: str) -> None:
    if value.endswith((".local", ".local>")):
        raise ValueError("is required in production")


def check_keyed_secrets(value: str) -> str:
    secrets = [item.strip().partition(":")[2] for item in value.split(",")] if value else []
    if any(len(secret) < SECRET_LENGTH_MIN for secret in secrets):
        raise ValueError(
            f"must be kid:secret,… with secrets of {SECRET_LENGTH_MIN} characters or more"
        )
    return value


def forbid_rate_limit_override(value: str) -> None:
    if value:
        raise ValueError("limits cannot be overridden in production")


def forbid_simulated_prices(value: tuple[str, ...]) -> None:
    if "simulated" in value:
        raise ValueError("simulated prices are refused in production")


def forbid_always_open(value: str) -> None:
    if value == "always_open":
        raise ValueError("always_open is refused in production")


def check_rate_limit(value: str) -> str:
    if value and not re.fullmatch(r"off|[1-9][0-9]{0,8}/minute", value):
        raise ValueError("must be off or N/minute")
    return value


def check_origins(value: tuple[str, ...]) -> tuple[str, ...]:
    for origin in value:
        if not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:[0-9]+)?", origin):
            raise ValueError("must be a list of origins such as https://app.example.com")
    return value


def use_psycopg_driver(value: str) -> str:
    """Return the URL with the scheme by which SQLAlchemy uses psycopg."""
    return re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", value)


def split_names(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(split_names)]


def check_tier_limits(value: str) -> str:
    """Require whole dollars for four tiers, none less than the one before."""
    limits = value.split(",")
    if len(limits) != len("0123") or not all(re.fullmatch(r"\d{1,12}", limit) for limit in limits):
        raise ValueError("must be four whole numbers of dollars, for the tiers from 0 to 3")
    if sorted(limits, key=int) != limits:
        raise ValueError("must not decrease from one tier to the next")
    return value


def forbid_sandbox(value: str) -> None:
    if value:
        raise ValueError("is refused in production: there is no sandbox")
