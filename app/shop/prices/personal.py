"""What price rules hold on a person: which member of staff recorded one or prepared a change."""

from app.kit.personal import RETAINED_BY_LAW, ErasureEffect, PersonalDataTable

TABLES = {
    "price_rules": PersonalDataTable(
        "Which member of staff recorded a price rule, by id",
        ErasureEffect.RETAINED,
        f"It proves who decided what goods cost. {RETAINED_BY_LAW}",
        not_exported="PBCEx's internal control.",
    ),
    "price_changes": PersonalDataTable(
        "Which member of staff prepared a change of price rules, by id",
        ErasureEffect.RETAINED,
        f"It proves who decided what goods cost. {RETAINED_BY_LAW}",
        not_exported="PBCEx's internal control.",
    ),
}
