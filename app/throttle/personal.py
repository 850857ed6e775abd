"""What counts of requests hold on a person."""

from app.kit.personal import ErasureEffect, PersonalData, PersonalDataTable

PERSONAL_DATA = PersonalData(
    "throttle",
    {
        "throttle_counts": PersonalDataTable(
            "Requests within a minute, by a person's id or a network, while Redis is away",
            ErasureEffect.EXPIRES,
            "Deleted within minutes.",
            not_exported="Lasts a minute.",
        )
    },
)
