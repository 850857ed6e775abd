"""What staged jobs hold on a person."""

from app.kit.personal import ErasureEffect, PersonalData, PersonalDataTable

PERSONAL_DATA = PersonalData(
    "outbox",
    {
        "outbox": PersonalDataTable(
            "Jobs that name a person by id, with the figures of an order that they are told of",
            ErasureEffect.EXPIRES,
            "A job that was done is deleted after a week. One that comes too late finds nobody to"
            " tell.",
            not_exported="Copies of what the archive tells of messages and orders.",
        )
    },
)
