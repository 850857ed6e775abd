"""Restock: suppliers, what shelves need, purchase orders, their receipts and invoices."""

import sqlalchemy as sa
from alembic import op

revision = "0129"
down_revision = "0128"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE suppliers (
    id uuid CONSTRAINT suppliers_pkey PRIMARY KEY,
    name text NOT NULL CONSTRAINT supplier_name_has_a_length
        CHECK (length(name) BETWEEN 1 AND 100),
    email text NOT NULL,
    provider text CONSTRAINT supplier_provider_known CHECK (provider IN ('fiztrade')),
    payment_days integer NOT NULL CONSTRAINT supplier_is_paid_in_time
        CHECK (payment_days BETWEEN 0 AND 180),
    lead_days integer NOT NULL CONSTRAINT supplier_delivers_in_time
        CHECK (lead_days BETWEEN 0 AND 365),
    minimum_usd bigint NOT NULL CONSTRAINT supplier_minimum_not_negative CHECK (minimum_usd >= 0),
    is_active boolean NOT NULL,
    added_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX suppliers_name_key ON suppliers (lower(name));
CREATE UNIQUE INDEX suppliers_provider_key ON suppliers (provider);
CREATE TABLE supplier_products (
    sku text CONSTRAINT supplier_products_pkey PRIMARY KEY
        CONSTRAINT supplier_products_sku_fkey REFERENCES products,
    supplier_id uuid NOT NULL CONSTRAINT supplier_products_supplier_id_fkey REFERENCES suppliers,
    code text NOT NULL CONSTRAINT supplier_code_has_a_length CHECK (length(code) BETWEEN 1 AND 100),
    CONSTRAINT supplier_products_code_key UNIQUE (supplier_id, code)
);
CREATE TABLE restock_needs (
    id uuid CONSTRAINT restock_needs_pkey PRIMARY KEY,
    sku text NOT NULL CONSTRAINT restock_needs_sku_fkey REFERENCES products,
    location_id uuid NOT NULL CONSTRAINT restock_needs_location_id_fkey REFERENCES locations,
    status text NOT NULL CONSTRAINT need_status_known
        CHECK (status IN ('open', 'ordered', 'sent', 'closed')),
    units bigint NOT NULL CONSTRAINT need_has_units CHECK (units > 0),
    available bigint NOT NULL,
    on_order bigint NOT NULL,
    sold bigint NOT NULL,
    fill_to bigint,
    opened_at timestamptz NOT NULL,
    ended_at timestamptz,
    CONSTRAINT open_need_has_no_end CHECK ((status = 'open') = (ended_at IS NULL))
);
CREATE UNIQUE INDEX restock_needs_one_open_key ON restock_needs (sku, location_id)
    WHERE status = 'open';
CREATE INDEX restock_needs_location_id_idx ON restock_needs (location_id, id);
CREATE TABLE purchase_orders (
    id uuid CONSTRAINT purchase_orders_pkey PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY (START WITH 70000001)
        CONSTRAINT purchase_orders_number_key UNIQUE,
    supplier_id uuid NOT NULL CONSTRAINT purchase_orders_supplier_id_fkey REFERENCES suppliers,
    location_id uuid NOT NULL CONSTRAINT purchase_orders_location_id_fkey REFERENCES locations,
    status text NOT NULL CONSTRAINT purchase_order_status_known CHECK (status IN ('planned', 'held',
        'locked', 'executing', 'ordered', 'shipped', 'part_received', 'received', 'closed',
        'cancelled', 'failed')),
    requested_by uuid CONSTRAINT purchase_orders_requested_by_fkey REFERENCES users,
    estimate_usd bigint NOT NULL CONSTRAINT purchase_estimate_positive CHECK (estimate_usd > 0),
    approved_usd bigint,
    lock_token text,
    lock_ends_at timestamptz,
    confirmation text,
    ordered_at timestamptz,
    expected_on date,
    tracking text NOT NULL,
    failure text NOT NULL,
    due_at timestamptz,
    planned_at timestamptz NOT NULL,
    ended_at timestamptz,
    CONSTRAINT locked_purchase_has_a_lock CHECK (
        status NOT IN ('locked', 'executing')
        OR (lock_token IS NOT NULL AND lock_ends_at IS NOT NULL)
    ),
    CONSTRAINT ordered_purchase_is_confirmed CHECK (
        (status IN ('ordered', 'shipped', 'part_received', 'received', 'closed'))
        = (ordered_at IS NOT NULL AND confirmation IS NOT NULL)
    ),
    CONSTRAINT ended_purchase_says_when CHECK (
        (status IN ('received', 'closed', 'cancelled', 'failed')) = (ended_at IS NOT NULL)
    )
);
CREATE UNIQUE INDEX purchase_orders_confirmation_key
    ON purchase_orders (supplier_id, confirmation);
CREATE INDEX purchase_orders_due_idx ON purchase_orders (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX purchase_orders_location_id_idx ON purchase_orders (location_id, id);
CREATE TABLE purchase_order_lines (
    order_id uuid NOT NULL CONSTRAINT purchase_order_lines_order_id_fkey REFERENCES purchase_orders,
    position integer NOT NULL,
    sku text NOT NULL CONSTRAINT purchase_order_lines_sku_fkey REFERENCES products,
    need_id uuid NOT NULL CONSTRAINT purchase_order_lines_need_id_fkey REFERENCES restock_needs
        CONSTRAINT need_is_ordered_once UNIQUE,
    code text NOT NULL,
    units bigint NOT NULL CONSTRAINT purchase_line_has_units CHECK (units > 0),
    cost_usd bigint CONSTRAINT purchase_cost_positive CHECK (cost_usd > 0),
    spot numeric(20, 6) CONSTRAINT purchase_spot_positive CHECK (spot > 0),
    shipped_units bigint NOT NULL DEFAULT 0,
    received_units bigint NOT NULL DEFAULT 0,
    CONSTRAINT purchase_order_lines_pkey PRIMARY KEY (order_id, position),
    CONSTRAINT purchase_order_lines_sku_key UNIQUE (order_id, sku),
    CONSTRAINT purchase_cost_has_its_spot CHECK ((cost_usd IS NULL) = (spot IS NULL)),
    CONSTRAINT arrived_units_not_negative CHECK (shipped_units >= 0 AND received_units >= 0)
);
CREATE INDEX purchase_order_lines_sku_idx ON purchase_order_lines (sku);
CREATE TABLE purchase_order_events (
    id uuid CONSTRAINT purchase_order_events_pkey PRIMARY KEY,
    order_id uuid NOT NULL CONSTRAINT purchase_order_events_order_id_fkey
        REFERENCES purchase_orders,
    from_status text,
    to_status text NOT NULL,
    actor_id uuid,
    evidence text,
    at timestamptz NOT NULL
);
CREATE INDEX purchase_order_events_order_id_idx ON purchase_order_events (order_id, id);
CREATE TABLE supplier_invoices (
    id uuid CONSTRAINT supplier_invoices_pkey PRIMARY KEY,
    order_id uuid NOT NULL CONSTRAINT supplier_invoices_order_id_fkey REFERENCES purchase_orders,
    supplier_id uuid NOT NULL CONSTRAINT supplier_invoices_supplier_id_fkey REFERENCES suppliers,
    branch_id uuid NOT NULL CONSTRAINT supplier_invoices_branch_id_fkey REFERENCES branches,
    number text NOT NULL,
    status text NOT NULL CONSTRAINT supplier_invoice_status_known
        CHECK (status IN ('differs', 'accepted', 'paid', 'rejected')),
    amount_usd bigint NOT NULL CONSTRAINT supplier_invoice_positive CHECK (amount_usd > 0),
    received_usd bigint NOT NULL CONSTRAINT supplier_invoice_has_receipts CHECK (received_usd > 0),
    invoiced_on date NOT NULL,
    due_on date NOT NULL,
    recorded_by uuid NOT NULL CONSTRAINT supplier_invoices_recorded_by_fkey REFERENCES users,
    recorded_at timestamptz NOT NULL,
    paid_at timestamptz,
    bank_reference text,
    CONSTRAINT paid_invoice_has_evidence CHECK (
        (status = 'paid') = (paid_at IS NOT NULL AND bank_reference IS NOT NULL)
    )
);
CREATE UNIQUE INDEX supplier_invoices_number_key
    ON supplier_invoices (supplier_id, lower(number)) WHERE status <> 'rejected';
CREATE INDEX supplier_invoices_order_id_idx ON supplier_invoices (order_id, id);
CREATE TABLE purchase_receipts (
    id uuid CONSTRAINT purchase_receipts_pkey PRIMARY KEY,
    order_id uuid NOT NULL,
    position integer NOT NULL,
    delivery_note text NOT NULL,
    lot_id uuid NOT NULL CONSTRAINT purchase_receipts_lot_id_fkey REFERENCES lots
        CONSTRAINT purchase_receipts_lot_id_key UNIQUE,
    units bigint NOT NULL CONSTRAINT purchase_receipt_has_units CHECK (units > 0),
    surplus_units bigint NOT NULL CONSTRAINT purchase_surplus_is_part
        CHECK (surplus_units BETWEEN 0 AND units),
    cost_usd bigint NOT NULL CONSTRAINT purchase_receipt_has_a_cost CHECK (cost_usd > 0),
    invoice_id uuid CONSTRAINT purchase_receipts_invoice_id_fkey REFERENCES supplier_invoices,
    received_by uuid NOT NULL CONSTRAINT purchase_receipts_received_by_fkey REFERENCES users,
    received_at timestamptz NOT NULL,
    CONSTRAINT purchase_receipts_order_id_position_fkey
        FOREIGN KEY (order_id, position) REFERENCES purchase_order_lines (order_id, position),
    CONSTRAINT delivery_note_is_received_once UNIQUE (order_id, position, delivery_note)
);
CREATE INDEX purchase_receipts_invoice_id_idx ON purchase_receipts (invoice_id);
ALTER TABLE reorder_points ADD COLUMN fill_to integer,
    ADD CONSTRAINT shelf_is_filled_above_its_point CHECK (fill_to >= reorder_below);
INSERT INTO account_classes (code, kind, guarded, name) VALUES
    ('purchase_variance', 'expense', false, 'Invoices of suppliers above the price agreed');
"""
HOLDERS = {
    "all:purchases:order": ["INVENTORY", "COMPLIANCE", "ADMIN"],
    "all:suppliers:edit": ["INVENTORY", "ADMIN"],
    "all:suppliers:pay": ["COMPLIANCE", "ADMIN"],
}
#: What the application may change; all else of these tables never changes.
CHANGING = {
    "suppliers": "name, email, provider, payment_days, lead_days, minimum_usd, is_active",
    "restock_needs": "status, units, available, on_order, sold, fill_to, ended_at",
    "purchase_orders": "status, approved_usd, lock_token, lock_ends_at, confirmation, ordered_at,"
    " expected_on, tracking, failure, due_at, ended_at",
    "purchase_order_lines": "cost_usd, spot, shipped_units, received_units",
    "supplier_invoices": "status, paid_at, bank_reference",
    "purchase_receipts": "invoice_id",
}
DROPPED = (
    "purchase_receipts, supplier_invoices, purchase_order_events, purchase_order_lines,"
    " purchase_orders, restock_needs, supplier_products, suppliers"
)


def upgrade() -> None:
    op.execute(TABLES)
    connection = op.get_bind()
    role = connection.exec_driver_sql(
        "SELECT quote_ident(current_setting('pbcex.application_role'))"
    ).scalar_one()
    op.execute(f"REVOKE UPDATE, DELETE ON purchase_order_events FROM {role}")
    for table, columns in CHANGING.items():
        op.execute(f"REVOKE UPDATE, DELETE ON {table} FROM {role}")
        op.execute(f"GRANT UPDATE ({columns}) ON {table} TO {role}")
    for permission, roles in HOLDERS.items():
        connection.execute(
            sa.text("SELECT set_default_holders(:permission, :roles)"),
            {"permission": permission, "roles": roles},
        )


def downgrade() -> None:
    """Drop the tables; an account of the class, if there is one, stays."""
    op.execute(f"""
DROP TABLE {DROPPED};
ALTER TABLE reorder_points DROP COLUMN fill_to;
DELETE FROM account_classes c WHERE c.code = 'purchase_variance'
    AND NOT EXISTS (SELECT FROM accounts a WHERE a.class = c.code);
""")
