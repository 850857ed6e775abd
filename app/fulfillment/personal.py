"""The personal data in fulfilment."""

from typing import Any
from uuid import UUID

from app.fulfillment.shipments import queries
from app.fulfillment.shipments.queries import ShipmentRow
from app.kit import clock
from app.kit.db import Session
from app.kit.personal import (
    RETAINED_BY_LAW,
    ErasureBlocker,
    ErasureEffect,
    ExportSections,
    PersonalData,
    PersonalDataTable,
)
from app.kit.postal_addresses import to_fields

_WITH_THE_ORDER = "Exported with the order or redemption that it is of."


def _export_sections(session: Session, person_id: UUID) -> ExportSections:
    return {
        "shipments": [
            _export(session, shipment)
            for shipment in queries.list_every_shipment(session, person_id)
        ]
    }


def _export(session: Session, shipment: ShipmentRow) -> dict[str, Any]:
    return {
        "id": shipment.public_id,
        "number": str(shipment.number),
        "subject": shipment.subject_public_id,
        "status": shipment.status,
        "address": to_fields(shipment.address) if shipment.address else None,
        "items": [
            {"sku": line.sku, "quantity": line.units, "serial": line.serial}
            for line in queries.list_lines(session, shipment.id)
        ],
        "requestedAt": clock.rfc3339(shipment.requested_at),
    }


def _erasure_blockers(session: Session, person_id: UUID) -> list[ErasureBlocker]:
    return [
        ErasureBlocker(f"shipments.{shipment.public_id}", "This shipment is not delivered yet.")
        for shipment in queries.list_open_shipments(session, person_id)
    ]


def _table(description: str, *, is_exported: bool = True) -> PersonalDataTable:
    return PersonalDataTable(
        description,
        ErasureEffect.RETAINED,
        RETAINED_BY_LAW,
        export_sections=("shipments",) if is_exported else (),
        not_exported="" if is_exported else "The shipment has its status.",
    )


def _staff(description: str) -> PersonalDataTable:
    return PersonalDataTable(
        description,
        ErasureEffect.RETAINED,
        f"It proves who bought the goods. {RETAINED_BY_LAW}",
        not_exported="PBCEx's internal control.",
    )


PERSONAL_DATA = PersonalData(
    "fulfillment",
    {
        "shipments": _table("Shipments of goods, and where they go; the address is sealed"),
        "shipment_lines": _table("The products and bars in a shipment"),
        "shipment_events": _table(
            "When a shipment took a status, and who did it", is_exported=False
        ),
        "parcel_labels": PersonalDataTable(
            "The labels of parcels, sealed, with the recipient's address",
            ErasureEffect.EXPIRES,
            "The document is deleted after 30 days; the rest identifies the person only by the"
            " parcel.",
            not_exported=_WITH_THE_ORDER,
        ),
        "tracked_parcels": PersonalDataTable(
            "Where parcels are, and the proof of delivery, sealed, with the recipient's signature",
            ErasureEffect.EXPIRES,
            "Deleted after two years: evidence of the delivery until then.",
            not_exported=_WITH_THE_ORDER,
        ),
        "tracking_events": PersonalDataTable(
            "What happened to parcels on their way, with the city",
            ErasureEffect.EXPIRES,
            "Deleted after two years, with the parcel.",
            not_exported=_WITH_THE_ORDER,
        ),
        "purchase_orders": _staff("Which member of staff ordered goods from a supplier, by id"),
        "purchase_order_events": _staff(
            "Which member of staff changed the status of a purchase order, by id"
        ),
        "purchase_receipts": _staff("Which member of staff received goods of an order, by id"),
        "supplier_invoices": _staff("Which member of staff recorded a supplier's invoice, by id"),
    },
    export_sections=_export_sections,
    erasure_blockers=_erasure_blockers,
)
