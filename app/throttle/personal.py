"""The personal data of throttle."""

from app.kit.personal import ErasureEffect, PersonalData, PersonalDataTable

PERSONAL_DATA = PersonalData(
    "throttle",
    {
        "throttle_counts": PersonalDataTable(
            "Request counts of one minute, by person id or network, while Redis is unavailable",
            ErasureEffect.EXPIRES,
            "Deleted within minutes.",
            not_exported="Lasts a minute.",
        )
    },
)
