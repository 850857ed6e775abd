"""Alerts of low stock: one open alert for each product and location."""

from alembic import op

revision = "0078"
down_revision = "0077"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE stock_alerts (
    id uuid CONSTRAINT stock_alerts_pkey PRIMARY KEY,
    sku text NOT NULL CONSTRAINT stock_alerts_sku_fkey REFERENCES products,
    location_id uuid NOT NULL CONSTRAINT stock_alerts_location_id_fkey REFERENCES locations,
    level text NOT NULL
        CONSTRAINT stock_alert_level_known CHECK (level IN ('enough', 'low', 'critical')),
    notified text NOT NULL
        CONSTRAINT stock_alert_notified_known CHECK (notified IN ('enough', 'low', 'critical')),
    opened_at timestamptz NOT NULL,
    closed_at timestamptz,
    CONSTRAINT stock_alert_ends_with_enough CHECK ((level = 'enough') = (closed_at IS NOT NULL))
);
CREATE UNIQUE INDEX stock_alerts_one_open_key ON stock_alerts (sku, location_id)
    WHERE closed_at IS NULL;
"""


def upgrade() -> None:
    op.execute(TABLE)
    role = (
        op.get_bind()
        .exec_driver_sql("SELECT quote_ident(current_setting('pbcex.application_role'))")
        .scalar_one()
    )
    op.execute(f"REVOKE UPDATE, DELETE ON stock_alerts FROM {role}")
    op.execute(f"GRANT UPDATE (level, notified, closed_at) ON stock_alerts TO {role}")


def downgrade() -> None:
    op.execute("DROP TABLE stock_alerts")
