"""Quotes of redemptions name who sends the pieces; approved redemptions may be cancelled."""

from alembic import op

revision = "0111"
down_revision = "0110"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
ALTER TABLE redemption_quotes
    ADD COLUMN strategy text NOT NULL DEFAULT 'JM'
        CONSTRAINT quoted_strategy_known CHECK (strategy IN ('JM', 'BRINKS')),
    ADD COLUMN strategy_reason text NOT NULL DEFAULT 'It is the configured one.';
ALTER TABLE redemption_quotes
    ALTER COLUMN strategy DROP DEFAULT,
    ALTER COLUMN strategy_reason DROP DEFAULT;
ALTER TABLE redemptions
    DROP CONSTRAINT approved_redemption_says_when,
    ADD CONSTRAINT approved_redemption_says_when CHECK (
        (status IN ('approved', 'allocated', 'picking', 'shipped', 'delivered'))
        = (approved_at IS NOT NULL AND ended_at IS NULL)
    );
""")


def downgrade() -> None:
    """Forget who sends the pieces. Redemptions that were undone must be gone before."""
    op.execute("""
ALTER TABLE redemptions
    DROP CONSTRAINT approved_redemption_says_when,
    ADD CONSTRAINT approved_redemption_says_when CHECK (
        (status IN ('approved', 'allocated', 'picking', 'shipped', 'delivered'))
        = (approved_at IS NOT NULL)
    );
ALTER TABLE redemption_quotes DROP COLUMN strategy, DROP COLUMN strategy_reason;
""")
