"""Orders of goods of the past, as the shop and its books record them, set-based."""

from collections.abc import Sequence
from uuid import UUID

import psycopg

# Ids carry their time, as those of the application do: new rows come to the end of each index.
_SETUP = """
CREATE FUNCTION pg_temp.bench_id(at timestamptz, kind integer, number bigint) RETURNS uuid
LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7000800'
        || to_hex(kind) || lpad(to_hex(number), 12, '0'))::uuid
$$;
CREATE TEMP TABLE bench_goods AS
SELECT row_number() OVER (ORDER BY sku) - 1 AS place, sku, lots.id AS lot_id,
    price_rules.id AS rule_id, lots.location_id, locations.branch_id
FROM lots JOIN price_rules USING (sku) JOIN locations ON locations.id = lots.location_id
WHERE sku = ANY(%(skus)s);
CREATE TEMP TABLE bench_customers AS
SELECT number - 1 AS place, user_id
FROM unnest(%(customers)s::uuid[]) WITH ORDINALITY AS customer (user_id, number);
INSERT INTO accounts (class, owner_id, asset, guarded, normal)
SELECT 'customer.goods', user_id, sku, true, -1 FROM bench_customers, bench_goods
UNION ALL SELECT 'stock.allocated', location_id, sku, true, 1 FROM bench_goods
UNION ALL SELECT DISTINCT class, branch_id, 'USD', false, normal FROM bench_goods,
    (VALUES ('sales.premium', -1), ('sales.premium_cost', 1)) AS side (class, normal)
ON CONFLICT DO NOTHING;
INSERT INTO balances (account_id)
SELECT id FROM accounts WHERE guarded ON CONFLICT DO NOTHING;
CREATE TEMP TABLE bench_sides AS
SELECT class, asset, owner_id, id AS account_id FROM accounts
"""
_GROW = """
CREATE TEMP TABLE past AS
SELECT number, placed_at, user_id, goods.*,
    pg_temp.bench_id(placed_at, 1, number) AS lock_id,
    pg_temp.bench_id(placed_at, 2, number) AS hold_id,
    pg_temp.bench_id(placed_at, 3, number) AS order_id,
    pg_temp.bench_id(placed_at, 4, number) AS event_id
FROM (
    SELECT number, now() - interval '2 years' + number * interval '50 seconds' AS placed_at
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS number
) AS dated
JOIN bench_customers AS customer
    ON customer.place = number %% (SELECT count(*) FROM bench_customers)
JOIN bench_goods AS goods ON goods.place = number * 7 %% (SELECT count(*) FROM bench_goods);
ANALYZE past;
INSERT INTO entries (cause, reference, posted_at)
SELECT 'goods_sold', 'bench_order_' || number, placed_at FROM past ORDER BY number;
INSERT INTO postings (entry_id, account_id, units)
SELECT entries.id, account.account_id, side.units
FROM past JOIN entries ON reference = 'bench_order_' || number
CROSS JOIN LATERAL (VALUES
    ('inventory.premium', 'USD', branch_id, -100),
    ('position', 'USD', '00000000-0000-0000-0000-000000000000', -5020),
    ('inventory.metal', 'XAG-s', branch_id, -100000000),
    ('position', 'XAG-s', '00000000-0000-0000-0000-000000000000', 100000000),
    ('stock.available', sku, location_id, -1),
    ('stock.position', sku, branch_id, 1),
    ('customer.funding', 'USD', user_id, 5170),
    ('sales.premium', 'USD', branch_id, -150),
    ('sales.premium_cost', 'USD', branch_id, 100),
    ('customer.goods', sku, user_id, -1),
    ('stock.allocated', sku, location_id, 1)
) AS side (class, asset, owner_id, units)
JOIN bench_sides AS account ON account.class = side.class AND account.asset = side.asset
    AND account.owner_id = side.owner_id::uuid;
INSERT INTO holds (id, account_id, units, cause, status, placed_at, expires_at, settled_at,
    entry_id)
SELECT hold_id, account_id, 1, 'price_lock', 'posted', placed_at, placed_at + interval '10 minutes',
    placed_at, entries.id
FROM past JOIN entries ON reference = 'bench_order_' || number
JOIN bench_sides AS account ON class = 'stock.available' AND asset = sku AND owner_id = location_id;
INSERT INTO lot_movements (reference, lot_id, location_id, units, premium_usd, moved_at)
SELECT 'bench_order_' || number, lot_id, location_id, -1, -100, placed_at FROM past;
INSERT INTO price_locks (id, user_id, status, locked_at, expires_at, ended_at, total_units, pieces,
    terms_version, after_hours_percent, checkout_id, cancel_fee_units, cancel_offset_percent,
    cancel_vault_hours)
SELECT lock_id, user_id, 'used', placed_at, placed_at + interval '10 minutes', placed_at, 5170, 1,
    3, 0, order_id, 0, 100, 1 FROM past;
INSERT INTO price_lock_metals SELECT lock_id, 'AG', 50.2, 49.8, 'bench', placed_at FROM past;
INSERT INTO price_lock_lines SELECT lock_id, 0, sku, 1, 5170, 50.2, 100000000, rule_id, 'bullion'
FROM past;
INSERT INTO price_lock_parts SELECT hold_id, lock_id, 0, location_id, 1 FROM past;
INSERT INTO shop_orders (id, user_id, lock_id, status, destination, goods_units, tax_units,
    shipping_units, insurance_units, total_units, placed_at, paid_at)
SELECT order_id, user_id, lock_id, 'allocated', 'vault', 5170, 0, 0, 0, 5170, placed_at, placed_at
FROM past;
INSERT INTO shop_order_lines SELECT order_id, 0, sku, 1, 5170, 5170, 50.2, 'bullion', 0, ''
FROM past;
INSERT INTO shop_order_parts
SELECT order_id, 0, 0, location_id, 1, 5170, 0, hold_id, NULL, 'US', 'NH', '03301' FROM past;
INSERT INTO shop_order_payments SELECT order_id, 0, 'balance', 'USD', 5170, 5170, NULL, 0, 0
FROM past;
INSERT INTO shop_order_events
SELECT event_id, order_id, NULL, 'allocated', user_id, NULL, placed_at FROM past;
UPDATE lot_stock
SET units = lot_stock.units - sold.units, premium_usd = premium_usd - 100 * sold.units
FROM (SELECT lot_id, count(*) AS units FROM past GROUP BY lot_id) AS sold
WHERE lot_stock.lot_id = sold.lot_id;
UPDATE balances SET posted = found.units
FROM (SELECT a.id, sum(a.normal * p.units) AS units FROM accounts a
      JOIN postings p ON p.account_id = a.id WHERE a.guarded GROUP BY a.id) AS found
WHERE found.id = account_id AND found.units <> posted;
DROP TABLE past
"""


def prepare(connection: psycopg.Connection, customers: Sequence[UUID], skus: Sequence[str]) -> None:
    """Let `add_orders` on this connection sell these products, of each of which one lot was
    received, to these customers."""
    _run(connection, _SETUP, {"customers": list(customers), "skus": list(skus)})


def add_orders(connection: psycopg.Connection, count: int) -> None:
    """Add orders of one unit into the vault until there are `count` of them."""
    [(present,)] = connection.execute("SELECT count(*) FROM shop_orders")
    _run(connection, _GROW, {"first": present + 1, "last": count})


def _run(connection: psycopg.Connection, script: str, values: dict[str, object]) -> None:
    with connection.transaction():
        for statement in script.split(";\n"):
            connection.execute(statement, values)
