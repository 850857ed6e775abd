"""Load settings from the environment, or refuse them with every problem at once."""

from collections.abc import Mapping
from typing import Self

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict


class UnsafeSettings(ValueError):
    """The settings are invalid or unsafe; `problems` has every problem by variable name."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        self.problems = problems
        lines = [f"  {variable}: {problem}" for variable, problem in sorted(problems.items())]
        heading = "The settings are invalid or unsafe; docs/configuration.md explains each:"
        super().__init__("\n".join([heading, *lines]))


class SettingsSection(BaseSettings):
    """Settings that are validated together. A field's alias is its environment variable."""

    model_config = SettingsConfigDict(
        extra="ignore", frozen=True, validate_default=True, hide_input_in_errors=True
    )

    @classmethod
    def load(cls, **overrides: object) -> Self:
        """Return the settings of this process. Raises `UnsafeSettings` with every problem."""
        try:
            return cls(**overrides)
        except ValidationError as invalid:
            problems = {
                cls._variable_name(error["loc"][0]): error["msg"].removeprefix("Value error, ")
                for error in invalid.errors(include_input=False, include_url=False)
            }
            raise UnsafeSettings(problems) from None

    @classmethod
    def _variable_name(cls, name: object) -> str:
        """Return the environment variable of a field; errors use the field's name or its alias."""
        field = cls.model_fields.get(str(name))
        return field.alias if field and field.alias else str(name)
