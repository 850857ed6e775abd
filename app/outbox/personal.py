"""Declare the personal data of the outbox."""

from app.kit.personal import ErasureEffect, PersonalData, PersonalDataTable

PERSONAL_DATA = PersonalData(
    "outbox",
    {
        "outbox": PersonalDataTable(
            "Jobs that name a person by id, with the figures of an order to confirm or an account"
            " to pay into",
            ErasureEffect.EXPIRES,
            "A job is deleted a week after it is done. One that runs after the erasure notifies no"
            " one.",
            not_exported="Copies of the messages and orders in the archive.",
        )
    },
)
