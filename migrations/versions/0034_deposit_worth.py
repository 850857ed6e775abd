"""What a deposit is worth in dollars, as limits count it."""

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
ALTER TABLE deposits ADD COLUMN usd_units bigint;
-- Only deposits of the last days still count: the price that is known now is close enough.
UPDATE deposits SET usd_units = floor(coalesce(credited_units, asked_units) * CASE asset
    WHEN 'USD' THEN 1
    WHEN 'USDC' THEN 0.0001
    ELSE coalesce((SELECT bid FROM market_prices WHERE metal = 'AU'), 0) / 1000000
END);
ALTER TABLE deposits
    ALTER COLUMN usd_units SET NOT NULL,
    ADD CONSTRAINT deposit_worth_not_negative CHECK (usd_units >= 0);
""")


def downgrade() -> None:
    op.execute("ALTER TABLE deposits DROP COLUMN usd_units")
