"""From a provider to its rail."""

from collections.abc import Mapping
from typing import Protocol, TypeVar

from app.catalog.rules import PaymentMethod


class _Named(Protocol):
    name: str


Rail = TypeVar("Rail", bound=_Named)


def rail_of(rails: Mapping[PaymentMethod, Rail], provider: str) -> Rail | None:
    """Return the rail of a provider; None if the provider is not configured any more."""
    return next((rail for rail in rails.values() if rail.name == provider), None)
