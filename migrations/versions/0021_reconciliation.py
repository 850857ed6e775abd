"""Reconciliation runs and their results."""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
CREATE TABLE reconciliations (
    id uuid CONSTRAINT reconciliations_pkey PRIMARY KEY,
    source text NOT NULL,
    since timestamptz NOT NULL,
    began_at timestamptz NOT NULL,
    ended_at timestamptz NOT NULL,
    compared integer NOT NULL,
    healed integer NOT NULL,
    differences integer NOT NULL,
    failure text,
    CONSTRAINT counts_of_comparison CHECK (compared >= 0 AND healed >= 0 AND differences >= 0)
);
""")


def downgrade() -> None:
    op.execute("DROP TABLE reconciliations;")
