"""Products, locations, and stock in the ledger.

A SKU is an asset of scale 0, a location owns its accounts, and the state of a unit is the class of
the account that counts it. Metal and premium of what is on the shelves belong to the branch.
"""

import sqlalchemy as sa
from alembic import op

revision = "0065"
down_revision = "0064"
branch_labels = None
depends_on = None

HOLDERS = {
    "all:products:edit": ["INVENTORY", "ADMIN"],
    "all:vault:read": ["INVENTORY", "COMPLIANCE", "AUDITOR", "ADMIN"],
    "all:vault:receive": ["INVENTORY", "ADMIN"],
    "all:vault:edit": ["ADMIN"],
}

CLASSES = """
INSERT INTO account_classes (code, kind, guarded, name) VALUES
    ('customer.goods', 'liability', true, 'Goods that customers own and have not received'),
    ('stock.available', 'asset', true, 'Goods for sale'),
    ('stock.quarantine', 'asset', true, 'Goods to be examined'),
    ('stock.in_transit', 'asset', true, 'Goods on their way between locations'),
    ('stock.allocated', 'asset', true, 'Goods that customers own, on the shelf'),
    ('stock.picked', 'asset', true, 'Goods that customers own, packed to go out'),
    ('stock.position', 'equity', false, 'Goods that were bought and are not sold'),
    ('inventory.metal', 'asset', false, 'Metal of goods that are not sold'),
    ('inventory.premium', 'asset', false, 'Cost of goods that are not sold, above their metal'),
    ('payables', 'liability', false, 'What we owe suppliers');

-- Reads of the books of money and metal never pass goods, however many there are.
DROP INDEX accounts_not_of_customers_idx;
CREATE INDEX accounts_of_the_exchange_idx ON accounts (id) WHERE class NOT IN (
    'customer.funding', 'customer.trading', 'customer.goods', 'stock.available', 'stock.quarantine',
    'stock.in_transit', 'stock.allocated', 'stock.picked', 'stock.position'
);
"""

TABLES = """
CREATE TABLE products (
    sku text CONSTRAINT products_pkey PRIMARY KEY
        CONSTRAINT products_sku_fkey REFERENCES assets,
    name text NOT NULL CONSTRAINT product_name_has_a_length CHECK (length(name) BETWEEN 1 AND 100),
    metal text NOT NULL
        CONSTRAINT product_metal_known CHECK (metal IN ('AU', 'AG', 'PT', 'PD', 'CU')),
    form text NOT NULL CONSTRAINT product_form_known CHECK (form IN ('coin', 'round', 'bar')),
    gross_units bigint NOT NULL,
    fineness numeric(6, 5) NOT NULL
        CONSTRAINT fineness_is_a_share CHECK (fineness > 0 AND fineness < 1),
    fine_units bigint NOT NULL,
    reorder_below integer NOT NULL
        CONSTRAINT reorder_point_not_negative CHECK (reorder_below >= 0),
    added_at timestamptz NOT NULL,
    CONSTRAINT fine_is_a_part CHECK (fine_units > 0 AND fine_units <= gross_units)
);
CREATE TABLE locations (
    id uuid CONSTRAINT locations_pkey PRIMARY KEY,
    branch_id uuid NOT NULL CONSTRAINT locations_branch_id_fkey REFERENCES branches,
    code text NOT NULL CONSTRAINT locations_code_key UNIQUE
        CONSTRAINT location_code_is_short CHECK (code ~ '^[A-Z][A-Z0-9-]{1,15}$'),
    name text NOT NULL CONSTRAINT location_name_has_a_length CHECK (length(name) BETWEEN 1 AND 100),
    kind text NOT NULL CONSTRAINT location_kind_known
        CHECK (kind IN ('vault', 'store', 'receiving', 'picking', 'staging', 'depot')),
    opened_at timestamptz NOT NULL
);
CREATE INDEX locations_branch_id_idx ON locations (branch_id);
CREATE TABLE lots (
    id uuid CONSTRAINT lots_pkey PRIMARY KEY,
    sku text NOT NULL CONSTRAINT lots_sku_fkey REFERENCES products,
    location_id uuid NOT NULL CONSTRAINT lots_location_id_fkey REFERENCES locations,
    units bigint NOT NULL CONSTRAINT lot_has_units CHECK (units > 0),
    ounces_units bigint NOT NULL CONSTRAINT lot_has_ounces CHECK (ounces_units > 0),
    spot numeric(20, 6) NOT NULL CONSTRAINT lot_spot_positive CHECK (spot > 0),
    metal_usd bigint NOT NULL CONSTRAINT lot_metal_positive CHECK (metal_usd > 0),
    premium_usd bigint NOT NULL,
    supplier text NOT NULL
        CONSTRAINT lot_supplier_has_a_length CHECK (length(supplier) BETWEEN 1 AND 100),
    supplier_reference text NOT NULL CONSTRAINT lot_reference_has_a_length
        CHECK (length(supplier_reference) BETWEEN 1 AND 100),
    received_by uuid CONSTRAINT lots_received_by_fkey REFERENCES users,
    received_at timestamptz NOT NULL,
    CONSTRAINT lots_delivery_key UNIQUE (supplier, supplier_reference, sku)
);
CREATE INDEX lots_sku_idx ON lots (sku, id);
"""


def upgrade() -> None:
    op.execute(CLASSES)
    op.execute(TABLES)
    role = (
        op.get_bind()
        .exec_driver_sql("SELECT quote_ident(current_setting('pbcex.application_role'))")
        .scalar_one()
    )
    op.execute(f"REVOKE UPDATE, DELETE ON products, lots FROM {role}")
    op.execute(f"GRANT UPDATE (name, reorder_below) ON products TO {role}")
    for permission, roles in HOLDERS.items():
        op.get_bind().execute(
            sa.text("SELECT set_default_holders(:permission, :roles)"),
            {"permission": permission, "roles": roles},
        )


def downgrade() -> None:
    """Remove what was never used: accounts of the classes, and the assets of SKUs, stay."""
    op.execute("""
DROP TABLE lots, locations, products;
DROP INDEX accounts_of_the_exchange_idx;
CREATE INDEX accounts_not_of_customers_idx ON accounts (id)
    WHERE class NOT IN ('customer.funding', 'customer.trading');
DELETE FROM account_classes c WHERE c.code IN (
    'customer.goods', 'stock.available', 'stock.quarantine', 'stock.in_transit', 'stock.allocated',
    'stock.picked', 'stock.position', 'inventory.metal', 'inventory.premium', 'payables'
) AND NOT EXISTS (SELECT FROM accounts a WHERE a.class = c.code);
""")
