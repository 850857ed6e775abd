"""The personal data of throttle."""

from app.kit.personal import ErasureEffect, PersonalData, PersonalDataTable

PERSONAL_DATA = PersonalData(
    "throttle",
    {
        "throttle_counts": PersonalDataTable(
            "Request counts of one minute, by person id or network, while Redis is unavailable;"
            " counts of one hour: of submissions, screenings and cases that staff viewed, by both"
            " ids, of registrations with a taken address by network",
            ErasureEffect.EXPIRES,
            "Deleted within minutes of the window's end.",
            not_exported="Lasts an hour at most.",
        )
    },
)
