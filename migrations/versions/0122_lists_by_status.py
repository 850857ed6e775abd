"""Indexes of the lists of staff by a status or a method that few rows have."""

from alembic import op

revision = "0122"
down_revision = "0121"
branch_labels = None
depends_on = None

INDEXES = {
    "deposits_status_requested_at_id_idx": "deposits (status, requested_at, id)",
    "deposits_method_requested_at_id_idx": "deposits (method, requested_at, id)",
    "withdrawals_status_requested_at_id_idx": "withdrawals (status, requested_at, id)",
    "withdrawals_method_requested_at_id_idx": "withdrawals (method, requested_at, id)",
    "shop_orders_status_placed_at_idx": "shop_orders (status, placed_at, id)",
    "users_status_id_idx": "users (status, id)",
}


def upgrade() -> None:
    for name, definition in INDEXES.items():
        op.execute(f"CREATE INDEX {name} ON {definition}")


def downgrade() -> None:
    for name in INDEXES:
        op.execute(f"DROP INDEX {name}")
