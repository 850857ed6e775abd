"""What trading holds on a person, and how it forgets them."""

from typing import Any
from uuid import UUID

from app.catalog.rules import TRADABLE
from app.kit import clock, ids
from app.kit.db import Session
from app.kit.money import Amount
from app.kit.personal import KEPT_BY_LAW, Fate, Open, Room, Sections, Table, told
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
_FORGET_QUOTES = """
DELETE FROM quotes q WHERE q.user_id = %s
    AND NOT EXISTS (SELECT FROM orders o WHERE o.quote_id = q.id)
"""
_AMOUNTS = "fromAsset fromAmount toAsset toAmount feeAsset feeAmount"


def _held(session: Session, person_id: UUID) -> Sections:
    orders, quotes = session.fetch((_ORDERS, (person_id,)), (_QUOTES, (person_id,)))
    return {
        "orders": told(
            map(_in_words, orders),
            f"{_AMOUNTS} id quoteId price executedAt",
            id="trd",
            quoteId="qt",
        ),
        "quotes": told(map(_in_words, quotes), f"{_AMOUNTS} id price quotedAt expiresAt", id="qt"),
    }


def _in_words(row: Row) -> tuple[Any, ...]:
    """The row with its three pairs of asset and minor units as asset and amount."""
    amounts = [
        text
        for code, units in zip(row[0:6:2], row[1:6:2], strict=True)
        for text in (code, str(Amount(TRADABLE[code], units)))
    ]
    return (*amounts, *row[6:])


def _still_open(session: Session, person_id: UUID) -> list[Open]:
    return [
        Open(
            f"quotes.{ids.encode('qt', quote_id)}",
            f"A quote is open until {clock.rfc3339(expires_at)}. Use it or let it expire.",
        )
        for quote_id, expires_at in session.rows(_OPEN_QUOTES, (person_id, clock.now()))
    ]


def _forget(session: Session, person_id: UUID) -> None:
    session.send(_FORGET_QUOTES, (person_id,))


ROOM = Room(
    "trading",
    {
        "orders": Table(
            "Conversions: what for what, at which price, when",
            Fate.KEPT,
            KEPT_BY_LAW,
            exported=("orders",),
        ),
        "quotes": Table(
            "Prices that were kept for the person",
            Fate.DELETED,
            f"Those that became an order stay with it. {KEPT_BY_LAW}",
            exported=("quotes",),
        ),
    },
    held=_held,
    still_open=_still_open,
    forget=_forget,
)
