"""Reads of trading."""

from datetime import datetime
from uuid import UUID

from app.catalog.rules import TRADABLE
from app.kit.db import Session
from app.kit.money import Amount
from app.kit.pagination import Page, decode_cursor, paginate
from app.kit.pipeline import Row
from app.trading.service import ConversionOrder

_COLUMNS = """
SELECT id, quote_id, from_asset, given_units, to_asset, received_units, price, fee_asset, fee_units,
       executed_at
FROM orders
"""
_HISTORY = f"{_COLUMNS} WHERE user_id = %(user)s ORDER BY id DESC LIMIT %(limit)s"
_HISTORY_BEFORE = (
    f"{_COLUMNS} WHERE user_id = %(user)s AND id < %(before)s ORDER BY id DESC LIMIT %(limit)s"
)
_OPEN_QUOTES = """
WITH open AS (
    SELECT q.* FROM quotes q
    WHERE q.expires_at > %(now)s AND NOT EXISTS (SELECT FROM orders o WHERE o.quote_id = q.id)
)
SELECT asset, sum(units) FROM (
    SELECT to_asset AS asset, received_units AS units FROM open
    UNION ALL SELECT from_asset, -given_units FROM open
) AS side GROUP BY asset
"""


def order_history(
    session: Session, user_id: UUID, *, limit: int, cursor: str | None
) -> Page[ConversionOrder]:
    """Return a page of a person's orders, newest first. Raises `Invalid` for a malformed cursor."""
    values = {"user": user_id, "limit": limit + 1}
    if cursor is None:
        rows = session.rows(_HISTORY, values)
    else:
        rows = session.rows(_HISTORY_BEFORE, {**values, "before": decode_cursor(cursor)})
    return paginate([_order_from_row(row) for row in rows], limit, lambda order: order.id)


def open_quote_units(session: Session, now: datetime) -> dict[str, int]:
    """Return, by asset, the minor units that filling every open quote would add to what we owe.

    A quote is open while it is neither filled nor expired at `now`. What a customer would receive
    is added, and what they would give is subtracted.
    """
    return {code: int(units) for code, units in session.rows(_OPEN_QUOTES, {"now": now})}


def _order_from_row(row: Row) -> ConversionOrder:
    order_id, quote_id, from_code, given, to_code, received, price, fee_code, fee, at = row
    return ConversionOrder(
        order_id,
        quote_id,
        Amount(TRADABLE[from_code], given),
        Amount(TRADABLE[to_code], received),
        price,
        Amount(TRADABLE[fee_code], fee),
        at,
    )
