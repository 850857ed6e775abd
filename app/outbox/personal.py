"""What staged jobs hold on a person."""

from app.kit.personal import Fate, Room, Table

ROOM = Room(
    "outbox",
    {
        "outbox": Table(
            "Jobs that name a person by id, with the figures of an order that they are told of",
            Fate.PASSES,
            "A job that was done is deleted after a week. One that comes too late finds nobody to"
            " tell.",
            not_exported="Copies of what the archive tells of messages and orders.",
        )
    },
)
