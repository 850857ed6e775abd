"""The personal data in trading, and its erasure."""

from typing import Any
from uuid import UUID

from app.catalog.rules import TRADABLE
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.money import Amount
from app.kit.personal import (
    RETAINED_BY_LAW,
    ErasureBlocker,
    ErasureEffect,
    ExportSections,
    PersonalData,
    PersonalDataTable,
    export_records,
)
from app.kit.pipeline import Row

_ORDERS = """
SELECT from_asset, given_units, to_asset, received_units, fee_asset, fee_units, id, quote_id, price,
    executed_at
FROM orders WHERE user_id = %s ORDER BY id
"""
_QUOTES = """
SELECT from_asset, given_units, to_asset, received_units, fee_asset, fee_units, id, price,
    quoted_at, expires_at
FROM quotes WHERE user_id = %s ORDER BY id
"""
_OPEN_QUOTES = """
SELECT q.id, q.expires_at FROM quotes q
WHERE q.user_id = %s AND q.expires_at > %s
    AND NOT EXISTS (SELECT FROM orders o WHERE o.quote_id = q.id) ORDER BY q.id
"""
_DELETE_UNFILLED_QUOTES = """
DELETE FROM quotes q WHERE q.user_id = %s
    AND NOT EXISTS (SELECT FROM orders o WHERE o.quote_id = q.id)
"""
_AMOUNTS = "fromAsset fromAmount toAsset toAmount feeAsset feeAmount"


def _export_sections(session: Session, person_id: UUID) -> ExportSections:
    orders, quotes = session.fetch((_ORDERS, (person_id,)), (_QUOTES, (person_id,)))
    return {
        "orders": export_records(
            map(_with_amounts, orders),
            f"{_AMOUNTS} id quoteId price executedAt",
            id="trd",
            quoteId="qt",
        ),
        "quotes": export_records(
            map(_with_amounts, quotes), f"{_AMOUNTS} id price quotedAt expiresAt", id="qt"
        ),
    }


def _with_amounts(row: Row) -> tuple[Any, ...]:
    """Return the row with an amount in place of the minor units of each of its three pairs."""
    given, given_units, received, received_units, fee, fee_units, *rest = row
    return (
        given,
        _amount_text(given, given_units),
        received,
        _amount_text(received, received_units),
        fee,
        _amount_text(fee, fee_units),
        *rest,
    )


def _amount_text(asset: str, units: int) -> str:
    return str(Amount(TRADABLE[asset], units))


def _erasure_blockers(session: Session, person_id: UUID) -> list[ErasureBlocker]:
    return [
        ErasureBlocker(
            f"quotes.{ids.encode('qt', quote_id)}",
            f"A quote is open until {clock.rfc3339(expires_at)}. Use it or let it expire.",
        )
        for quote_id, expires_at in session.rows(_OPEN_QUOTES, (person_id, clock.now()))
    ]


def _erase(session: Session, person_id: UUID) -> None:
    session.send(_DELETE_UNFILLED_QUOTES, (person_id,))


PERSONAL_DATA = PersonalData(
    "trading",
    {
        "orders": PersonalDataTable(
            "Conversions: assets, amounts, price and time",
            ErasureEffect.RETAINED,
            RETAINED_BY_LAW,
            export_sections=("orders",),
        ),
        "quotes": PersonalDataTable(
            "Prices quoted to the person",
            ErasureEffect.DELETED,
            f"Filled quotes are kept with their orders. {RETAINED_BY_LAW}",
            export_sections=("quotes",),
        ),
    },
    export_sections=_export_sections,
    erasure_blockers=_erasure_blockers,
    erase=_erase,
)
