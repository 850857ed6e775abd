"""How long API keys live."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.kit.errors import Invalid
from app.kit.formatting import format_number_of
from app.settings.rules import setting, settings_group


@settings_group("api_keys", "API keys")
@dataclass(frozen=True, slots=True)
class ApiKeyRules:
    """How long API keys live: one that was forgotten ends by itself."""

    default_days: int = setting(
        "Lifetime without another choice",
        90,
        minimum=1,
        maximum=3650,
        unit="days",
        about="Of keys that are created from then on.",
    )
    max_days: int = setting(
        "Longest lifetime",
        365,
        minimum=1,
        maximum=3650,
        unit="days",
        about="Of keys that are created from then on.",
    )

    def __post_init__(self) -> None:
        """Check that the settings go together. Raises `ValueError`."""
        if self.default_days > self.max_days:
            raise ValueError("The lifetime without another choice exceeds the longest one.")

    def expiry_of(self, wanted: datetime | None, now: datetime) -> datetime:
        """Return when a key that is created now expires. Raises `Invalid` naming the field."""
        if wanted is None:
            return now + timedelta(days=self.default_days)
        if wanted <= now:
            raise Invalid("expiresAt", "Enter a time in the future.")
        if wanted > now + timedelta(days=self.max_days):
            days = format_number_of(self.max_days, "day")
            raise Invalid("expiresAt", f"Enter a time within {days}.")
        return wanted
