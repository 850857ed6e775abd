"""The personal data of feature flags: who changed one, and who has a feature in any case."""

from app.kit.personal import RETAINED_BY_LAW, ErasureEffect, PersonalData, PersonalDataTable

PERSONAL_DATA = PersonalData(
    "flags",
    {
        "flag_changes": PersonalDataTable(
            "Which member of staff changed a feature flag and why, and who has the feature in any"
            " case, by id",
            ErasureEffect.RETAINED,
            f"It proves who could use which feature when. {RETAINED_BY_LAW}",
            not_exported="PBCEx's internal control.",
        ),
    },
)
