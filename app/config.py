"""Every setting, typed, in one place. Read once at start from the environment."""

from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import Field
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

    @cached_property
    def flask(self) -> dict[str, Any]:
        """The same settings under the names that Flask and its extensions read."""
        return {
            "SECRET_KEY": self.secret_key,
            "SQLALCHEMY_DATABASE_URI": self.database_url,
        }
