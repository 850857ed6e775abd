"""The personal data of keys: the files that other rooms keep for people to fetch."""

from app.kit.personal import ErasureEffect, PersonalData, PersonalDataTable

PERSONAL_DATA = PersonalData(
    "keys",
    {
        "file_parts": PersonalDataTable(
            "Data exports, and CSV files of lists that staff requested, in encrypted parts",
            ErasureEffect.EXPIRES,
            "Deleted a day after they were written. Their key is deleted with the request.",
            not_exported="The copy itself.",
        )
    },
)
