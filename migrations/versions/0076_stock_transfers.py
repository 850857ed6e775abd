"""Transfers of goods between locations."""

import sqlalchemy as sa
from alembic import op

revision = "0076"
down_revision = "0075"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE stock_transfers (
    id uuid CONSTRAINT stock_transfers_pkey PRIMARY KEY,
    origin_id uuid NOT NULL CONSTRAINT stock_transfers_origin_id_fkey REFERENCES locations,
    destination_id uuid NOT NULL
        CONSTRAINT stock_transfers_destination_id_fkey REFERENCES locations,
    status text NOT NULL CONSTRAINT stock_transfer_status_known
        CHECK (status IN ('in_transit', 'received', 'short', 'written_off', 'cancelled')),
    sent_by uuid NOT NULL CONSTRAINT stock_transfers_sent_by_fkey REFERENCES users,
    sent_at timestamptz NOT NULL,
    CONSTRAINT goods_go_to_another_location CHECK (origin_id <> destination_id)
);
CREATE INDEX stock_transfers_status_idx ON stock_transfers (status, id);
CREATE INDEX stock_transfers_origin_idx ON stock_transfers (origin_id, id);
CREATE INDEX stock_transfers_destination_idx ON stock_transfers (destination_id, id);
CREATE TABLE stock_transfer_lines (
    transfer_id uuid NOT NULL
        CONSTRAINT stock_transfer_lines_transfer_id_fkey REFERENCES stock_transfers,
    sku text NOT NULL CONSTRAINT stock_transfer_lines_sku_fkey REFERENCES products,
    units bigint NOT NULL CONSTRAINT stock_transfer_line_has_units CHECK (units > 0),
    received_units bigint NOT NULL DEFAULT 0,
    written_off_units bigint NOT NULL DEFAULT 0,
    CONSTRAINT stock_transfer_lines_pkey PRIMARY KEY (transfer_id, sku),
    CONSTRAINT no_more_arrives_than_was_sent CHECK (
        received_units >= 0 AND written_off_units >= 0
        AND received_units + written_off_units <= units
    )
);
CREATE TABLE stock_transfer_receipts (
    transfer_id uuid NOT NULL
        CONSTRAINT stock_transfer_receipts_transfer_id_fkey REFERENCES stock_transfers,
    number integer NOT NULL,
    sku text NOT NULL CONSTRAINT stock_transfer_receipts_sku_fkey REFERENCES products,
    units bigint NOT NULL CONSTRAINT stock_transfer_receipt_has_units CHECK (units > 0),
    received_by uuid NOT NULL
        CONSTRAINT stock_transfer_receipts_received_by_fkey REFERENCES users,
    received_at timestamptz NOT NULL,
    CONSTRAINT stock_transfer_receipts_pkey PRIMARY KEY (transfer_id, number, sku)
);
"""


def upgrade() -> None:
    op.execute(TABLES)
    role = (
        op.get_bind()
        .exec_driver_sql("SELECT quote_ident(current_setting('pbcex.application_role'))")
        .scalar_one()
    )
    op.execute(
        f"REVOKE UPDATE, DELETE ON stock_transfers, stock_transfer_lines, stock_transfer_receipts"
        f" FROM {role}"
    )
    op.execute(f"GRANT UPDATE (status) ON stock_transfers TO {role}")
    op.execute(
        f"GRANT UPDATE (received_units, written_off_units) ON stock_transfer_lines TO {role}"
    )
    op.get_bind().execute(
        sa.text("SELECT set_default_holders(:permission, :roles)"),
        {"permission": "all:vault:transfer", "roles": ["INVENTORY", "ADMIN"]},
    )


def downgrade() -> None:
    op.execute("DROP TABLE stock_transfer_receipts, stock_transfer_lines, stock_transfers;")
