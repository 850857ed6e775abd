"""Count the denied requests of each person by route and hour."""

from alembic import op

revision = "0058"
down_revision = "0057"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
CREATE TABLE denial_counts (
    actor_id uuid NOT NULL,
    route text NOT NULL,
    hour timestamptz NOT NULL,
    actor_role text NOT NULL,
    denials integer NOT NULL,
    refusals text[] NOT NULL,
    subjects text[] NOT NULL,
    CONSTRAINT denial_counts_pkey PRIMARY KEY (actor_id, route, hour)
);
CREATE INDEX denial_counts_hour_idx ON denial_counts (hour);
""")


def downgrade() -> None:
    op.execute("DROP TABLE denial_counts")
