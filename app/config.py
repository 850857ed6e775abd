"""Every setting, typed, in one place. Read once at start from the environment."""

import re
from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

VERSION = "0.1.0"
PROJECT = Path(__file__).resolve().parent.parent
SECRET_LENGTH_MIN = 32
_SECRET_CHARACTERS_MIN = 12
_LOOPBACK = {"localhost", "127.0.0.1", "::1", "0.0.0.0"}  # noqa: S104 - a name to refuse


class Environment(StrEnum):
    """Where this process runs. Sample data and embedded servers exist only outside production."""

    SAMPLE = "sample"
    TEST = "test"
    PRODUCTION = "production"


class UnsafeSettings(ValueError):
    """The settings cannot be used; lists every problem under the variable's name."""

    def __init__(self, problems: dict[str, str]) -> None:
        self.problems = problems
        lines = [f"  {variable}: {problem}" for variable, problem in sorted(problems.items())]
        super().__init__("\n".join(["the settings cannot be used:", *lines]))


def _in_production(check: Callable[[Any], None]) -> AfterValidator:
    """A check that binds in production, and where the environment itself is not understood."""

    def validate(value: Any, info: ValidationInfo) -> Any:
        if info.data.get("env", Environment.PRODUCTION) is Environment.PRODUCTION:
            check(value)
        return value

    return AfterValidator(validate)


def _given(value: object) -> None:
    if not value:
        raise ValueError("is required in production")


def _postgresql(value: str) -> None:
    _given(value)
    if not value.startswith("postgresql+psycopg://"):
        raise ValueError("is not the address of a PostgreSQL server")


def _redis(value: str) -> None:
    _given(value)
    parts = urlsplit(value)
    if parts.scheme not in {"redis", "rediss"}:
        raise ValueError("is not the address of a Redis server")
    # Whoever can write to Redis can enqueue jobs.
    if not parts.password:
        raise ValueError("has no password")


def _public_url(value: str) -> None:
    _given(value)
    parts = urlsplit(value)
    if parts.scheme != "https":
        raise ValueError("must start with https:// in production")
    if parts.hostname is None or parts.hostname in _LOOPBACK:
        raise ValueError("is a placeholder: customers cannot reach it")


def _allowed_hosts(value: tuple[str, ...]) -> None:
    _given(value)
    if set(value) <= _LOOPBACK:
        raise ValueError("is a placeholder: customers cannot reach it")


def _secret(value: str) -> None:
    _given(value)
    if len(value) < SECRET_LENGTH_MIN:
        raise ValueError(f"is shorter than {SECRET_LENGTH_MIN} characters")
    if len(set(value)) < _SECRET_CHARACTERS_MIN or "secret" in value.lower():
        raise ValueError("is a placeholder: use a random one")


def _key_ring(value: str) -> None:
    _given(value)
    path = Path(value)
    if not path.is_absolute() or path.resolve().is_relative_to(PROJECT):
        raise ValueError("is an absolute path outside the checkout")


def _smtp_url(value: str) -> str:
    if value:
        parts = urlsplit(value)
        known = parts.scheme in {"smtp", "smtp+starttls", "smtps"}
        if not known or not parts.hostname or parts.path not in {"", "/"}:
            raise ValueError("is not like smtps://user:password@mail.example.com")
    return value


def _encrypted_smtp(value: str) -> None:
    _given(value)
    if urlsplit(value).scheme == "smtp":
        raise ValueError("must be smtps:// or smtp+starttls:// in production")


def _own_sender(value: str) -> None:
    if value.endswith((".local", ".local>")):
        raise ValueError("is required in production")


def _keyed_secrets(value: str) -> str:
    secrets = [item.strip().partition(":")[2] for item in value.split(",")] if value else []
    if any(len(secret) < SECRET_LENGTH_MIN for secret in secrets):
        raise ValueError(f"is kid:secret,… with secrets of {SECRET_LENGTH_MIN} characters or more")
    return value


def _no_override(value: str) -> None:
    if value:
        raise ValueError("limits cannot be overridden in production")


def _no_simulation(value: tuple[str, ...]) -> None:
    if "simulated" in value:
        raise ValueError("simulated prices are refused in production")


def _no_endless_market(value: str) -> None:
    if value == "always_open":
        raise ValueError("always_open is refused in production")


def _rate_limit(value: str) -> str:
    if value and not re.fullmatch(r"off|[1-9][0-9]{0,8}/minute", value):
        raise ValueError("is off or N/minute")
    return value


def _origins(value: tuple[str, ...]) -> tuple[str, ...]:
    for origin in value:
        if not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:[0-9]+)?", origin):
            raise ValueError("is a list of origins such as https://app.example.com")
    return value


def _driver(value: str) -> str:
    """SQLAlchemy picks the driver by the scheme; the usual ones mean psycopg here."""
    return re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", value)


def _split(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]


class Settings(BaseSettings):
    """Each field is the environment variable of its alias; lists are separated by commas."""

    model_config = SettingsConfigDict(
        extra="ignore",
        populate_by_name=True,
        frozen=True,
        validate_default=True,
        hide_input_in_errors=True,
    )

    env: Environment = Field(Environment.SAMPLE, alias="PBCEX_ENV")
    data_dir: Path = Field(PROJECT / ".pbcex", alias="PBCEX_DATA_DIR")
    log_level: Annotated[str, Field(pattern="^(DEBUG|INFO|WARNING|ERROR)$")] = Field(
        "INFO", alias="PBCEX_LOG_LEVEL"
    )

    #: Outside production, missing addresses are those of the embedded servers that run.
    database_url: Annotated[str, AfterValidator(_driver), _in_production(_postgresql)] = Field(
        "", alias="DATABASE_URL"
    )
    #: The role that migrates. The web and worker processes do not need it.
    database_owner_url: Annotated[str, AfterValidator(_driver)] = Field(
        "", alias="DATABASE_OWNER_URL"
    )
    redis_url: Annotated[str, _in_production(_redis)] = Field("", alias="REDIS_URL")
    #: Connections that one process keeps to PostgreSQL: one for each thread that serves requests.
    database_pool_size: int = Field(8, alias="PBCEX_DATABASE_POOL_SIZE", ge=1, le=200)

    secret_key: Annotated[str, _in_production(_secret)] = Field(
        "", alias="PBCEX_SECRET_KEY", repr=False
    )
    #: `kid:secret,kid:secret`: the first signs access tokens, all verify; empty derives one key.
    token_keys: Annotated[str, AfterValidator(_keyed_secrets)] = Field(
        "", alias="PBCEX_TOKEN_KEYS", repr=False
    )
    #: The same for the audit trail's hashes: a secret stays here for as long as its records do.
    audit_keys: Annotated[str, AfterValidator(_keyed_secrets)] = Field(
        "", alias="PBCEX_AUDIT_KEYS", repr=False
    )
    #: The file of the key ring that seals personal data (app/keys/ring.py has its format): mode
    #: 0600, never in the repository; `flask keys` makes it, rotates it and backs it up. Empty
    #: outside production: `keys.json` in the data folder, made when it is first needed.
    key_ring: Annotated[str, _in_production(_key_ring)] = Field("", alias="PBCEX_KEY_RING")
    #: After so many days the sealing key should be replaced: `flask keys list` says so.
    key_rotation_days: int = Field(365, alias="PBCEX_KEY_ROTATION_DAYS", ge=1)
    access_token_seconds: int = Field(1800, alias="PBCEX_ACCESS_TOKEN_SECONDS", gt=0, le=8 * 3600)
    #: argon2id at the cost that OWASP's password storage guidance advises for one lane.
    argon2_memory_kib: int = Field(19_456, alias="PBCEX_ARGON2_MEMORY_KIB", ge=8)
    argon2_passes: int = Field(2, alias="PBCEX_ARGON2_PASSES", ge=1)
    argon2_lanes: int = Field(1, alias="PBCEX_ARGON2_LANES", ge=1)

    port: int = Field(4001, alias="PORT", ge=1, le=65_535)
    #: Where customers reach this exchange, as links and the API's document name it.
    public_url: Annotated[str, _in_production(_public_url)] = Field("", alias="PBCEX_PUBLIC_URL")
    #: Host headers that are answered; empty means any.
    allowed_hosts: Annotated[Names, _in_production(_allowed_hosts)] = Field(
        (), alias="PBCEX_ALLOWED_HOSTS"
    )
    #: Other origins whose pages may call the API.
    cors_origins: Annotated[Names, AfterValidator(_origins)] = Field((), alias="PBCEX_CORS_ORIGINS")
    #: How many proxies of ours stand in front and set X-Forwarded-For and -Proto.
    proxies: int = Field(0, alias="PBCEX_PROXIES", ge=0, le=5)
    body_bytes_max: int = Field(256 * 1024, alias="PBCEX_BODY_BYTES_MAX", ge=1024)

    #: `off` or `N/minute` in place of every class's own limit.
    rate_limit: Annotated[str, AfterValidator(_rate_limit), _in_production(_no_override)] = Field(
        "", alias="PBCEX_RATE_LIMIT"
    )

    #: `smtps://user:password@host:465`, or `smtp+starttls://…:587`; `smtp://` only outside
    #: production. Empty there: the catcher that `bin/run` starts, and none without it.
    smtp_url: Annotated[str, AfterValidator(_smtp_url), _in_production(_encrypted_smtp)] = Field(
        "", alias="PBCEX_SMTP_URL", repr=False
    )
    #: From the connection to the server's last word.
    smtp_timeout_seconds: int = Field(15, alias="PBCEX_SMTP_TIMEOUT_SECONDS", ge=1, le=45)
    #: Whom customers see as the sender.
    mail_from: Annotated[str, _in_production(_own_sender)] = Field(
        "PBCEx <no-reply@pbcex.local>", alias="PBCEX_MAIL_FROM"
    )

    #: How long the outbox waits for a job before it sends it a second time; doubles each time.
    outbox_retry_seconds: float = Field(3, alias="PBCEX_OUTBOX_RETRY_SECONDS", gt=0, le=60)

    #: Feeds by name, with commas; empty: simulated, and none in production.
    price_feeds: Annotated[Names, _in_production(_no_simulation)] = Field(
        (), alias="PBCEX_PRICE_FEEDS"
    )
    price_interval_seconds: int = Field(2, alias="PBCEX_PRICE_INTERVAL_SECONDS", ge=1, le=3600)
    price_seed: str = Field("pbcex", alias="PBCEX_PRICE_SEED")
    price_stale_after_seconds: int = Field(60, alias="PBCEX_PRICE_STALE_AFTER_SECONDS", ge=1)
    price_outlier_bps: int = Field(50, alias="PBCEX_PRICE_OUTLIER_BPS", ge=0, le=10_000)
    #: JSON by metal, from bid to ask; the rest keep their defaults: {"AU": 30}
    price_spread_bps: dict[str, Decimal] = Field({}, alias="PBCEX_PRICE_SPREAD_BPS")
    #: Empty: real in production, always open elsewhere.
    market_hours: Annotated[
        Literal["", "always_open", "real"], _in_production(_no_endless_market)
    ] = Field("", alias="PBCEX_MARKET_HOURS")
    metalpriceapi_base_url: str = Field(
        "https://api.metalpriceapi.com", alias="METALPRICEAPI_BASE_URL"
    )
    metalpriceapi_key: SecretStr = Field(SecretStr(""), alias="METALPRICEAPI_KEY")

    fee_bps: int = Field(50, alias="PBCEX_FEE_BPS", ge=0, lt=10_000)
    quote_seconds: int = Field(30, alias="PBCEX_QUOTE_SECONDS", ge=1, le=3600)
    #: JSON by metal: how many troy ounces the net may be off zero; the rest keep their defaults.
    exposure_band_ounces: dict[str, Decimal] = Field({}, alias="PBCEX_EXPOSURE_BAND_OUNCES")
    #: Troy ounces that may pass between PAXG and XAU-s: at once, and within 24 hours.
    transfer_ounces_max: Decimal = Field(Decimal(100), alias="PBCEX_TRANSFER_OUNCES_MAX", gt=0)
    transfer_ounces_per_day: Decimal = Field(
        Decimal(250), alias="PBCEX_TRANSFER_OUNCES_PER_DAY", gt=0
    )
    #: The gate between them closes while PAXG is further from gold than this.
    paxg_stray_bps_max: int = Field(100, alias="PBCEX_PAXG_STRAY_BPS_MAX", ge=0)

    #: From this score of 100 on, a name like that of a listed party is looked into.
    screening_threshold: int = Field(85, alias="PBCEX_SCREENING_THRESHOLD", ge=50, le=100)

    @classmethod
    def load(cls, **given: object) -> Self:
        """The settings of this process. Raises `UnsafeSettings` naming every problem at once."""
        try:
            return cls(**given)  # type: ignore[arg-type] # checked by pydantic
        except ValidationError as invalid:
            problems = {
                cls._variable(error["loc"][0]): error["msg"].removeprefix("Value error, ")
                for error in invalid.errors(include_input=False, include_url=False)
            }
            raise UnsafeSettings(problems) from None

    @classmethod
    def _variable(cls, name: object) -> str:
        """The environment variable of a field, which errors call by either name."""
        field = cls.model_fields.get(str(name))
        return field.alias if field and field.alias else str(name)

    @property
    def is_production(self) -> bool:
        return self.env is Environment.PRODUCTION

    @property
    def second_factor_required(self) -> bool:
        """Whether staff must have a second factor: everywhere but with sample data."""
        return self.env is not Environment.SAMPLE

    @property
    def passkey_url(self) -> str:
        """Where passkeys count. Browsers bind them to a name, never to 127.0.0.1."""
        return self.public_url or f"http://localhost:{self.port}"

    @property
    def base_url(self) -> str:
        """Where people reach this exchange, for the links of mails."""
        return self.public_url or f"http://127.0.0.1:{self.port}"

    @property
    def key_ring_path(self) -> Path:
        """Where the key ring stands."""
        return Path(self.key_ring) if self.key_ring else self.data_dir / "keys.json"

    @property
    def flask(self) -> dict[str, Any]:
        """The same settings under the names that Flask and its extensions read."""
        return {
            # For the cookie of the pages; the API has none and opens none (blueprints/signin.py).
            "SECRET_KEY": self.secret_key,
            "MAX_CONTENT_LENGTH": self.body_bytes_max,
            "MAX_FORM_MEMORY_SIZE": self.body_bytes_max,
            "TRUSTED_HOSTS": list(self.allowed_hosts) or None,
            "SQLALCHEMY_DATABASE_URI": self.database_url,
            "RATELIMIT_ENABLED": self.rate_limit != "off",
        }
