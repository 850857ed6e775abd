"""The personal data of redemption."""

from typing import Any
from uuid import UUID

import sqlalchemy as sa

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
from app.redemption.quotes.models import RedemptionQuoteRow
from app.redemption.requests import queries
from app.redemption.requests.models import RedemptionRow
from app.redemption.requests.queries import Redemption

_SECTION = ("redemptions",)


def _export_sections(session: Session, person_id: UUID) -> ExportSections:
    return {
        "redemptions": [
            _export(redemption) for redemption in queries.list_every_redemption(session, person_id)
        ]
    }


def _export(redemption: Redemption) -> dict[str, Any]:
    quote, address = redemption.quote, redemption.shipping_address
    return {
        "id": redemption.public_id,
        "status": redemption.status,
        "asset": quote.asset.code,
        "amount": str(quote.amount),
        "items": [{"sku": item.sku, "quantity": item.quantity} for item in quote.items],
        "fee": str(quote.fee),
        "shipping": str(quote.shipping),
        "insurance": str(quote.insurance),
        "topUp": str(quote.top_up),
        "total": str(quote.total),
        "paidIn": redemption.paid_in,
        "strategy": redemption.strategy,
        "shippingAddress": to_fields(address) if address else None,
        "submittedAt": clock.rfc3339(redemption.submitted_at),
        "history": [
            {"status": event.status, "at": clock.rfc3339(event.at)} for event in redemption.events
        ],
    }


def _erasure_blockers(session: Session, person_id: UUID) -> list[ErasureBlocker]:
    return [
        ErasureBlocker(
            f"redemptions.{redemption_id}", "This redemption waits, or its goods are on their way."
        )
        for redemption_id in queries.list_open_redemptions(session, person_id)
    ]


def _erase(session: Session, person_id: UUID) -> None:
    """Delete the person's quotes that were never used."""
    used = sa.exists().where(RedemptionRow.quote_id == RedemptionQuoteRow.id)
    session.write(
        sa.delete(RedemptionQuoteRow).where(RedemptionQuoteRow.user_id == person_id, sa.not_(used))
    )


def _retained(description: str, *, by_id: bool = False) -> PersonalDataTable:
    return PersonalDataTable(
        description,
        ErasureEffect.RETAINED,
        RETAINED_BY_LAW,
        export_sections=() if by_id else _SECTION,
        not_exported="The redemption has its status and history." if by_id else "",
    )


PERSONAL_DATA = PersonalData(
    "redemption",
    {
        "redemptions": _retained(
            "Redemptions of metal: status, times, and where they go; the address is sealed"
        ),
        "redemption_quotes": _retained(
            "What a redemption costs; quotes that were never used are deleted"
        ),
        "redemption_events": _retained(
            "When a redemption took a status, and who did it", by_id=True
        ),
    },
    export_sections=_export_sections,
    erasure_blockers=_erasure_blockers,
    erase=_erase,
)
