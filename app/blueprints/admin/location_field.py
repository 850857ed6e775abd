"""The choice of a location of goods in a form, and in the filters of a list."""

from app.blueprints.lists import ChoiceFilter
from app.kit.db import Session
from app.vault.locations import queries as locations_queries


def list_choices(session: Session) -> list[tuple[str, str]]:
    """Return the locations that the field offers."""
    return [
        (location.code, f"{location.code}: {location.name}")
        for location in locations_queries.list_locations(session)
    ]


def location_filter(name: str = "location", label: str = "Location") -> ChoiceFilter:
    """Return the filter of a list by a location."""
    return ChoiceFilter(name, label, choices=lambda session, _actor: list_choices(session))
