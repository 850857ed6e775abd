"""The personal data of the shop: which member of staff recorded a price rule."""

from app.kit.personal import RETAINED_BY_LAW, ErasureEffect, PersonalData, PersonalDataTable

PERSONAL_DATA = PersonalData(
    "shop",
    {
        "price_rules": PersonalDataTable(
            "Which member of staff recorded a price rule, by id",
            ErasureEffect.RETAINED,
            f"It proves who decided what goods cost. {RETAINED_BY_LAW}",
            not_exported="PBCEx's internal control.",
        ),
    },
)
