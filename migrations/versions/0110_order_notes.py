"""Notes of staff on orders of goods, and when their customers were reminded to pay."""

from alembic import op

revision = "0110"
down_revision = "0109"
branch_labels = None
depends_on = None

UPGRADE = """
CREATE TABLE shop_order_notes (
    id uuid NOT NULL CONSTRAINT shop_order_notes_pkey PRIMARY KEY,
    order_id uuid NOT NULL CONSTRAINT shop_order_notes_order_id_fkey REFERENCES shop_orders,
    actor_id uuid NOT NULL,
    is_for_customer boolean NOT NULL,
    text_sealed bytea NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX shop_order_notes_order_id_id_idx ON shop_order_notes (order_id, id);
ALTER TABLE shop_orders ADD COLUMN reminded_at timestamptz;
SELECT set_default_holders('all:shop_orders:note', '{SUPPORT,INVENTORY,COMPLIANCE,ADMIN}');
"""


def _application_role() -> str:
    connection = op.get_bind()
    statement = "SELECT quote_ident(current_setting('pbcex.application_role'))"
    return str(connection.exec_driver_sql(statement).scalar_one())


def upgrade() -> None:
    op.execute(UPGRADE)
    role = _application_role()
    op.execute(f"REVOKE UPDATE, DELETE ON shop_order_notes FROM {role}")
    op.execute(f"GRANT UPDATE (text_sealed) ON shop_order_notes TO {role}")
    op.execute(f"GRANT UPDATE (reminded_at) ON shop_orders TO {role}")


def downgrade() -> None:
    """Forget notes and reminders. The permission stays: an older release does not know it."""
    op.execute("DROP TABLE shop_order_notes")
    op.execute("ALTER TABLE shop_orders DROP COLUMN reminded_at")
