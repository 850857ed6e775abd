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
    secret_key: str = Field("", alias="PBCEX_SECRET_KEY")
    #: How long the outbox waits for a job before it sends it a second time; doubles each time.
    outbox_retry_seconds: float = Field(3, alias="PBCEX_OUTBOX_RETRY_SECONDS", gt=0, le=60)

    @cached_property
    def flask(self) -> dict[str, Any]:
        """The same settings under the names that Flask and its extensions read."""
        return {
            "SECRET_KEY": self.secret_key,
            "SQLALCHEMY_DATABASE_URI": self.database_url,
        }
