"""Until when a price is fresh, and since when each source has reported the same one."""

from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
ALTER TABLE market_prices ADD COLUMN fresh_until timestamptz;
UPDATE market_prices SET fresh_until = as_of + interval '60 seconds';
ALTER TABLE market_prices ALTER COLUMN fresh_until SET NOT NULL;
CREATE TABLE source_prices (
    metal text NOT NULL,
    source text NOT NULL,
    bid numeric,
    ask numeric,
    mid numeric NOT NULL,
    observed_at timestamptz NOT NULL,
    unchanged_since timestamptz NOT NULL,
    CONSTRAINT source_prices_pkey PRIMARY KEY (metal, source),
    CONSTRAINT metal_known CHECK (metal IN ('AU', 'AG', 'PT', 'PD', 'CU', 'PAXG')),
    CONSTRAINT unchanged_until_observed CHECK (unchanged_since <= observed_at)
) WITH (fillfactor = 50);
""")


def downgrade() -> None:
    op.execute("""
DROP TABLE source_prices;
ALTER TABLE market_prices DROP COLUMN fresh_until;
""")
