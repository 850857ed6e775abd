"""Shipments that are taken over from partners."""

from alembic import op

revision = "0128"
down_revision = "0127"
branch_labels = None
depends_on = None

STATUSES = """
ALTER TABLE partner_orders
    DROP CONSTRAINT partner_order_status_known,
    ADD CONSTRAINT partner_order_status_known CHECK (status IN ({statuses}))
"""
BEFORE = "'received', 'processing', 'shipped', 'cancelled', 'rejected'"


def upgrade() -> None:
    op.execute(STATUSES.format(statuses=f"{BEFORE}, 'withdrawing'"))
    op.execute(f"GRANT DELETE ON partner_orders TO {_application_role()}")


def downgrade() -> None:
    """Forget the status. No shipment may have it."""
    op.execute(f"REVOKE DELETE ON partner_orders FROM {_application_role()}")
    op.execute(STATUSES.format(statuses=BEFORE))


def _application_role() -> str:
    query = "SELECT quote_ident(current_setting('pbcex.application_role'))"
    role: str = op.get_bind().exec_driver_sql(query).scalar_one()
    return role
