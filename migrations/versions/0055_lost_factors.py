"""Let compliance and administrators remove lost second factors, two people each time."""

from alembic import op

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SELECT set_default_holders('all:people:recover', '{COMPLIANCE,ADMIN}')")


def downgrade() -> None:
    """The grants of the permission stay without a use."""
