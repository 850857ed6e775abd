"""Find people by phone number, and audit records by request."""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX users_phone_idx ON users (phone)")
    op.execute("CREATE INDEX audit_records_request_id_idx ON audit_records (request_id)")


def downgrade() -> None:
    op.execute("DROP INDEX audit_records_request_id_idx")
    op.execute("DROP INDEX users_phone_idx")
