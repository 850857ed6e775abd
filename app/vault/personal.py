"""The personal data of the vault: who received a delivery, counted or moved goods, and whose bars
are on the shelf."""

from uuid import UUID

import sqlalchemy as sa

from app.kit.db import Session
from app.kit.personal import (
    RETAINED_BY_LAW,
    ErasureEffect,
    ExportSections,
    PersonalData,
    PersonalDataTable,
    export_records,
)
from app.vault.bars.models import Bar
from app.vault.bars.queries import PREFIX

_BARS_OF = sa.select(
    Bar.lot_id, Bar.sku, Bar.refiner, Bar.serial, Bar.fineness, Bar.state
).order_by(Bar.lot_id)


def _export_sections(session: Session, person_id: UUID) -> ExportSections:
    bars = session.select(lambda **bar: bar, _BARS_OF.where(Bar.owner_id == person_id))
    fields = "id sku refiner serial fineness state"
    return {"bars": export_records([bar.values() for bar in bars], fields, id=PREFIX)}


_COUNTED = f"It proves who counted the goods. {RETAINED_BY_LAW}"
_NOT_EXPORTED = "PBCEx's internal control."

PERSONAL_DATA = PersonalData(
    "vault",
    {
        "lots": PersonalDataTable(
            "Which member of staff received a delivery, by id",
            ErasureEffect.RETAINED,
            _COUNTED,
            not_exported=_NOT_EXPORTED,
        ),
        "counts": PersonalDataTable(
            "Which members of staff started and submitted a count, by id",
            ErasureEffect.RETAINED,
            _COUNTED,
            not_exported=_NOT_EXPORTED,
        ),
        "count_lines": PersonalDataTable(
            "Which member of staff counted a product, by id",
            ErasureEffect.RETAINED,
            _COUNTED,
            not_exported=_NOT_EXPORTED,
        ),
        "bars": PersonalDataTable(
            "Which bars a customer bought, by refiner and serial",
            ErasureEffect.RETAINED,
            f"It proves what was sold to whom. {RETAINED_BY_LAW}",
            export_sections=("bars",),
        ),
        "assays": PersonalDataTable(
            "Which member of staff examined goods, by id",
            ErasureEffect.RETAINED,
            f"It proves who let goods be sold. {RETAINED_BY_LAW}",
            not_exported=_NOT_EXPORTED,
        ),
        "quarantines": PersonalDataTable(
            "Which member of staff put goods into quarantine, by id",
            ErasureEffect.RETAINED,
            f"It proves who let goods be examined. {RETAINED_BY_LAW}",
            not_exported=_NOT_EXPORTED,
        ),
        "stock_adjustments": PersonalDataTable(
            "Which members of staff requested and approved an adjustment of stock, by id",
            ErasureEffect.RETAINED,
            f"It proves who wrote goods off. {RETAINED_BY_LAW}",
            not_exported=_NOT_EXPORTED,
        ),
        "supplier_returns": PersonalDataTable(
            "Which members of staff requested and approved a return to a supplier, by id",
            ErasureEffect.RETAINED,
            f"It proves who gave goods back. {RETAINED_BY_LAW}",
            not_exported=_NOT_EXPORTED,
        ),
        "stock_transfers": PersonalDataTable(
            "Which member of staff sent goods to another location, by id",
            ErasureEffect.RETAINED,
            f"It proves who moved the goods. {RETAINED_BY_LAW}",
            not_exported=_NOT_EXPORTED,
        ),
        "stock_transfer_receipts": PersonalDataTable(
            "Which member of staff received them, by id",
            ErasureEffect.RETAINED,
            _COUNTED,
            not_exported=_NOT_EXPORTED,
        ),
    },
    export_sections=_export_sections,
)
