"""The personal data of settings: which member of staff changed one."""

from app.kit.personal import RETAINED_BY_LAW, ErasureEffect, PersonalData, PersonalDataTable

PERSONAL_DATA = PersonalData(
    "settings",
    {
        "setting_changes": PersonalDataTable(
            "Which member of staff changed a setting, by id, and why",
            ErasureEffect.RETAINED,
            f"It proves who decided which fee or limit was in force. {RETAINED_BY_LAW}",
            not_exported="PBCEx's internal control.",
        ),
    },
)
