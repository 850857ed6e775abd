"""Facts: what happened, published by the room that knows it for the rooms that subscribe to it."""

from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Fact:
    """What happened. Its fields are the arguments of the tasks that subscribe to it.

    Each kind of fact is a frozen dataclass. It loses no field and gains none without a default,
    because jobs that were staged before an upgrade run after it.
    """

    def to_arguments(self) -> dict[str, Any]:
        """Return the fields as the JSON arguments of a task."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            name: str(value) if isinstance(value, UUID) else value for name, value in values.items()
        }
