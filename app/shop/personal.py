"""The personal data of the shop: which member of staff recorded a price rule, and what is in a
person's cart."""

from app.kit.personal import RETAINED_BY_LAW, ErasureEffect, PersonalData, PersonalDataTable
from app.shop.cart import personal as cart_personal

PERSONAL_DATA = PersonalData(
    "shop",
    {
        "price_rules": PersonalDataTable(
            "Which member of staff recorded a price rule, by id",
            ErasureEffect.RETAINED,
            f"It proves who decided what goods cost. {RETAINED_BY_LAW}",
            not_exported="PBCEx's internal control.",
        ),
        **cart_personal.TABLES,
    },
    export_sections=cart_personal.export_sections,
    erase=cart_personal.erase,
)
