"""What is left of each lot at each location, and the accounts of sales of goods."""

from alembic import op

revision = "0066"
down_revision = "0065"
branch_labels = None
depends_on = None

CLASSES = """
INSERT INTO account_classes (code, kind, guarded, name) VALUES
    ('sales.premium', 'income', false, 'Sales of goods, above their metal'),
    ('sales.premium_cost', 'expense', false, 'Cost of goods sold, above their metal'),
    ('shrinkage', 'expense', false, 'Goods that were lost, less goods that were found');
"""

TABLES = """
CREATE TABLE lot_stock (
    location_id uuid NOT NULL CONSTRAINT lot_stock_location_id_fkey REFERENCES locations,
    sku text NOT NULL CONSTRAINT lot_stock_sku_fkey REFERENCES products,
    lot_id uuid NOT NULL CONSTRAINT lot_stock_lot_id_fkey REFERENCES lots,
    units bigint NOT NULL CONSTRAINT lot_stock_not_negative CHECK (units >= 0),
    premium_usd bigint NOT NULL,
    CONSTRAINT lot_stock_pkey PRIMARY KEY (location_id, sku, lot_id),
    CONSTRAINT premium_leaves_with_units CHECK (units > 0 OR premium_usd = 0)
);
CREATE INDEX lot_stock_lot_id_idx ON lot_stock (lot_id);
CREATE TABLE lot_movements (
    reference text NOT NULL,
    lot_id uuid NOT NULL CONSTRAINT lot_movements_lot_id_fkey REFERENCES lots,
    location_id uuid NOT NULL CONSTRAINT lot_movements_location_id_fkey REFERENCES locations,
    units bigint NOT NULL CONSTRAINT lot_movement_moves_units CHECK (units <> 0),
    premium_usd bigint NOT NULL,
    moved_at timestamptz NOT NULL,
    CONSTRAINT lot_movements_pkey PRIMARY KEY (reference, lot_id, location_id)
);
CREATE INDEX lot_movements_lot_id_idx ON lot_movements (lot_id);
"""

# Nothing has left a shelf yet: a lot is whole where it arrived.
LOTS = """
INSERT INTO lot_stock (location_id, sku, lot_id, units, premium_usd)
SELECT location_id, sku, id, units, premium_usd FROM lots;
INSERT INTO lot_movements (reference, lot_id, location_id, units, premium_usd, moved_at)
SELECT e.reference, l.id, l.location_id, l.units, l.premium_usd, l.received_at
FROM lots l
JOIN lot_stock s ON s.lot_id = l.id
JOIN entries e ON e.cause = 'goods_received' AND e.posted_at = l.received_at
JOIN postings p ON p.entry_id = e.id AND p.units = l.units
JOIN accounts a ON a.id = p.account_id AND a.class = 'stock.available' AND a.asset = l.sku
    AND a.owner_id = l.location_id;
"""


def upgrade() -> None:
    op.execute(CLASSES)
    op.execute(TABLES)
    op.execute(LOTS)
    role = (
        op.get_bind()
        .exec_driver_sql("SELECT quote_ident(current_setting('pbcex.application_role'))")
        .scalar_one()
    )
    op.execute(f"REVOKE UPDATE, DELETE ON lot_movements FROM {role}")
    op.execute(f"REVOKE DELETE ON lot_stock FROM {role}")


def downgrade() -> None:
    op.execute("""
DROP TABLE lot_movements, lot_stock;
DELETE FROM account_classes c WHERE c.code IN ('sales.premium', 'sales.premium_cost', 'shrinkage')
    AND NOT EXISTS (SELECT FROM accounts a WHERE a.class = c.code);
""")
