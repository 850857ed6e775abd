"""The personal data of imports: who sent a file."""

from app.kit.personal import RETAINED_BY_LAW, ErasureEffect, PersonalData, PersonalDataTable

PERSONAL_DATA = PersonalData(
    "imports",
    {
        "imports": PersonalDataTable(
            "Which member of staff imported a file, by id",
            ErasureEffect.RETAINED,
            f"It proves who changed the catalogue. {RETAINED_BY_LAW}",
            not_exported="PBCEx's internal control.",
        ),
    },
)
