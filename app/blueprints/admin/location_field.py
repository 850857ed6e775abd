"""The choice of a location of goods in a form."""

from app.kit.db import Session
from app.vault.locations import queries as locations_queries


def list_choices(session: Session) -> list[tuple[str, str]]:
    """Return the locations that the field offers."""
    return [
        (location.code, f"{location.code}: {location.name}")
        for location in locations_queries.list_locations(session)
    ]
