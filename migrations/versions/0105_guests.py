"""Guests: people who buy without a password, signed in by a mailed link."""

from alembic import op

revision = "0105"
down_revision = "0104"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE one_time_tokens DROP CONSTRAINT purpose_known, ADD CONSTRAINT purpose_known
            CHECK (purpose IN ('confirm_email', 'reset_password', 'invitation', 'guest'))
        """
    )


def downgrade() -> None:
    """Forget the links of guests: an older release does not know them. Guests stay, and choose a
    password to sign in."""
    op.execute(
        """
        DELETE FROM one_time_tokens WHERE purpose = 'guest';
        ALTER TABLE one_time_tokens DROP CONSTRAINT purpose_known, ADD CONSTRAINT purpose_known
            CHECK (purpose IN ('confirm_email', 'reset_password', 'invitation'))
        """
    )
