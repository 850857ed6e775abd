"""The verb of popularity: count what was bought."""

from datetime import timedelta

from app.catalog.products import service as products
from app.kit import clock
from app.kit.db import Session

#: Whose orders count.
_PERIOD = timedelta(days=90)
#: A pair that fewer people bought together is not shown: it could tell what one of them bought.
PEOPLE_MIN = 5
_PAIRS_MAX = 8
_COUNT_PEOPLE = """
SELECT l.sku, count(DISTINCT o.user_id) FROM shop_orders o
JOIN shop_order_lines l ON l.order_id = o.id
WHERE o.paid_at >= %s AND o.status NOT IN ('cancelled', 'refunded') GROUP BY l.sku
"""
_STORE_PAIRS = """
WITH lines AS (
    SELECT DISTINCT o.id, o.user_id, l.sku FROM shop_orders o
    JOIN shop_order_lines l ON l.order_id = o.id
    WHERE o.paid_at >= %s AND o.status NOT IN ('cancelled', 'refunded')
), pairs AS (
    SELECT a.sku, b.sku AS other_sku, count(DISTINCT a.user_id) AS people
    FROM lines a JOIN lines b ON b.id = a.id AND b.sku <> a.sku
    GROUP BY a.sku, b.sku HAVING count(DISTINCT a.user_id) >= %s
), placed AS (
    SELECT sku, other_sku,
        row_number() OVER (PARTITION BY sku ORDER BY people DESC, other_sku) AS place
    FROM pairs
)
INSERT INTO bought_together (sku, place, other_sku)
SELECT sku, place, other_sku FROM placed WHERE place <= %s
"""


def count_sales(session: Session) -> None:
    """Count how many people bought each product lately, and what they bought together with it.

    A person counts once, however much or often they bought. What was cancelled or refunded as a
    whole counts for none.
    """
    since = clock.now() - _PERIOD
    products.set_popularity(session, dict(session.rows(_COUNT_PEOPLE, (since,))))
    session.send("DELETE FROM bought_together")
    session.send(_STORE_PAIRS, (since, PEOPLE_MIN, _PAIRS_MAX))
