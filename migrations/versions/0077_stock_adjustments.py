"""Adjustments of stock, which take two people."""

import sqlalchemy as sa
from alembic import op

revision = "0077"
down_revision = "0076"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE stock_adjustments (
    id uuid CONSTRAINT stock_adjustments_pkey PRIMARY KEY,
    sku text NOT NULL CONSTRAINT stock_adjustments_sku_fkey REFERENCES products,
    location_id uuid NOT NULL CONSTRAINT stock_adjustments_location_id_fkey REFERENCES locations,
    state text NOT NULL CONSTRAINT stock_adjustment_state_known
        CHECK (state IN ('available', 'quarantine', 'in_transit')),
    kind text NOT NULL CONSTRAINT stock_adjustment_kind_known
        CHECK (kind IN ('damage', 'loss', 'theft', 'found')),
    units bigint NOT NULL CONSTRAINT stock_adjustment_has_units CHECK (units > 0),
    transfer_id uuid CONSTRAINT stock_adjustments_transfer_id_fkey REFERENCES stock_transfers,
    spot numeric(20, 6) NOT NULL,
    metal_usd bigint NOT NULL,
    premium_usd bigint NOT NULL,
    approval_id uuid NOT NULL CONSTRAINT stock_adjustments_approval_id_key UNIQUE
        CONSTRAINT stock_adjustments_approval_id_fkey REFERENCES approvals,
    requested_by uuid NOT NULL CONSTRAINT stock_adjustments_requested_by_fkey REFERENCES users,
    approved_by uuid NOT NULL CONSTRAINT stock_adjustments_approved_by_fkey REFERENCES users,
    adjusted_at timestamptz NOT NULL,
    CONSTRAINT transfer_if_in_transit CHECK ((transfer_id IS NOT NULL) = (state = 'in_transit')),
    CONSTRAINT adjustment_takes_two_people CHECK (approved_by <> requested_by)
);
CREATE INDEX stock_adjustments_sku_idx ON stock_adjustments (sku, id);
CREATE INDEX stock_adjustments_location_idx ON stock_adjustments (location_id, id);

-- For what moved of one product.
CREATE INDEX accounts_of_goods_idx ON accounts (asset) WHERE class IN (
    'stock.available', 'stock.quarantine', 'stock.in_transit', 'stock.allocated', 'stock.picked'
);
"""


def upgrade() -> None:
    op.execute(TABLE)
    role = (
        op.get_bind()
        .exec_driver_sql("SELECT quote_ident(current_setting('pbcex.application_role'))")
        .scalar_one()
    )
    op.execute(f"REVOKE UPDATE, DELETE ON stock_adjustments FROM {role}")
    op.get_bind().execute(
        sa.text("SELECT set_default_holders(:permission, :roles)"),
        {"permission": "all:vault:adjust", "roles": ["INVENTORY", "COMPLIANCE", "ADMIN"]},
    )


def downgrade() -> None:
    op.execute("DROP INDEX accounts_of_goods_idx; DROP TABLE stock_adjustments;")
