"""Every setting, typed, in one place. Read once at start from the environment."""

from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT = Path(__file__).resolve().parent.parent


class Environment(StrEnum):
    """Where this process runs. Sample data and embedded servers exist only outside production."""

    SAMPLE = "sample"
    TEST = "test"
    PRODUCTION = "production"


class Settings(BaseSettings):
    """Each field is the environment variable of its alias."""

    model_config = SettingsConfigDict(extra="ignore", populate_by_name=True, frozen=True)

    env: Environment = Field(Environment.SAMPLE, alias="PBCEX_ENV")
    data_dir: Path = Field(PROJECT / ".pbcex", alias="PBCEX_DATA_DIR")
    database_url: str = Field("", alias="DATABASE_URL")
    database_owner_url: str = Field("", alias="DATABASE_OWNER_URL")
    redis_url: str = Field("", alias="REDIS_URL")
    secret_key: str = Field("", alias="PBCEX_SECRET_KEY", repr=False)
    #: `kid:secret,kid:secret`: the first signs access tokens, all verify; empty derives one key.
    token_keys: str = Field("", alias="PBCEX_TOKEN_KEYS", repr=False)
    access_token_seconds: int = Field(1800, alias="PBCEX_ACCESS_TOKEN_SECONDS", gt=0, le=8 * 3600)
    #: argon2id at the cost that OWASP's password storage guidance advises for one lane.
    argon2_memory_kib: int = Field(19_456, alias="PBCEX_ARGON2_MEMORY_KIB", ge=8)
    argon2_passes: int = Field(2, alias="PBCEX_ARGON2_PASSES", ge=1)
    argon2_lanes: int = Field(1, alias="PBCEX_ARGON2_LANES", ge=1)
    #: How long the outbox waits for a job before it sends it a second time; doubles each time.
    outbox_retry_seconds: float = Field(3, alias="PBCEX_OUTBOX_RETRY_SECONDS", gt=0, le=60)

    # Prices. Feeds by name, with commas; empty: simulated, and none in production.
    price_feeds: str = Field("", alias="PBCEX_PRICE_FEEDS")
    price_interval_seconds: int = Field(2, alias="PBCEX_PRICE_INTERVAL_SECONDS", ge=1, le=3600)
    price_seed: str = Field("pbcex", alias="PBCEX_PRICE_SEED")
    price_stale_after_seconds: int = Field(60, alias="PBCEX_PRICE_STALE_AFTER_SECONDS", ge=1)
    price_outlier_bps: int = Field(50, alias="PBCEX_PRICE_OUTLIER_BPS", ge=0, le=10_000)
    # JSON by metal, from bid to ask; the rest keep their defaults: {"AU": 30}
    price_spread_bps: dict[str, Decimal] = Field({}, alias="PBCEX_PRICE_SPREAD_BPS")
    # Empty: real in production, always open elsewhere.
    market_hours: Literal["", "always_open", "real"] = Field("", alias="PBCEX_MARKET_HOURS")
    metalpriceapi_base_url: str = Field(
        "https://api.metalpriceapi.com", alias="METALPRICEAPI_BASE_URL"
    )
    metalpriceapi_key: SecretStr = Field(SecretStr(""), alias="METALPRICEAPI_KEY")

    @model_validator(mode="after")
    def _prices_are_real_in_production(self) -> Self:
        if self.env is Environment.PRODUCTION:
            if "simulated" in self.price_feeds:
                raise ValueError("PBCEX_PRICE_FEEDS: simulated prices are refused in production")
            if self.market_hours == "always_open":
                raise ValueError("PBCEX_MARKET_HOURS: always_open is refused in production")
        return self

    @cached_property
    def flask(self) -> dict[str, Any]:
        """The same settings under the names that Flask and its extensions read."""
        return {
            "SECRET_KEY": self.secret_key,
            "SQLALCHEMY_DATABASE_URI": self.database_url,
        }
