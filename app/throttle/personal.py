"""What counts of requests hold on a person."""

from app.kit.personal import Fate, Room, Table

ROOM = Room(
    "throttle",
    {
        "throttle_counts": Table(
            "Requests within a minute, by a person's id or a network, while Redis is away",
            Fate.PASSES,
            "Deleted within minutes.",
            not_exported="Lasts a minute.",
        )
    },
)
