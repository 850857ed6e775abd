"""The personal data of pricing: which member of staff halted a market."""

from app.kit.personal import RETAINED_BY_LAW, ErasureEffect, PersonalData, PersonalDataTable

PERSONAL_DATA = PersonalData(
    "pricing",
    {
        "market_halts": PersonalDataTable(
            "Which member of staff halted a market or lifted the halt, by id, and why",
            ErasureEffect.RETAINED,
            f"It proves who decided that a market did not trade. {RETAINED_BY_LAW}",
            not_exported="PBCEx's internal control.",
        ),
    },
)
