"""Shipments that partners send from their depots."""

from alembic import op

revision = "0109"
down_revision = "0108"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE partner_orders (
    shipment_id uuid CONSTRAINT partner_orders_pkey PRIMARY KEY
        CONSTRAINT partner_orders_shipment_id_fkey REFERENCES shipments,
    strategy text NOT NULL
        CONSTRAINT partner_of_order_known CHECK (strategy IN ('JM', 'BRINKS')),
    status text CONSTRAINT partner_order_status_known
        CHECK (status IN ('received', 'processing', 'shipped', 'cancelled', 'rejected')),
    due_at timestamptz
);
CREATE INDEX partner_orders_due_idx ON partner_orders (due_at) WHERE due_at IS NOT NULL;
"""


def upgrade() -> None:
    op.execute(TABLE)
    role = (
        op.get_bind()
        .exec_driver_sql("SELECT quote_ident(current_setting('pbcex.application_role'))")
        .scalar_one()
    )
    op.execute(f"REVOKE UPDATE, DELETE ON partner_orders FROM {role}")
    op.execute(f"GRANT UPDATE (status, due_at) ON partner_orders TO {role}")


def downgrade() -> None:
    op.execute("DROP TABLE partner_orders")
