"""The history of net exposure, and indexes to find open quotes and house accounts."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
CREATE TABLE exposures (
    taken_at timestamptz NOT NULL,
    metal text NOT NULL CONSTRAINT exposure_metal_known
        CHECK (metal IN ('AU', 'AG', 'PT', 'PD', 'CU')),
    net_units bigint NOT NULL,
    net_usd bigint,
    CONSTRAINT exposures_pkey PRIMARY KEY (taken_at, metal)
);
CREATE INDEX quotes_expires_at_idx ON quotes (expires_at);
CREATE INDEX accounts_not_of_customers_idx ON accounts (id)
    WHERE class NOT IN ('customer.funding', 'customer.trading');
""")


def downgrade() -> None:
    op.execute("""
DROP INDEX accounts_not_of_customers_idx, quotes_expires_at_idx;
DROP TABLE exposures;
""")
