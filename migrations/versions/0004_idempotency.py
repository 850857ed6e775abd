"""Responses by idempotency key, and the counters of rate limits while Redis is unavailable."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE idempotent_answers (
    actor_id uuid NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    status smallint NOT NULL CONSTRAINT only_successes_are_stored CHECK (status BETWEEN 200 AND 299),
    content_type text NOT NULL,
    body bytea NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT idempotent_answers_pkey PRIMARY KEY (actor_id, key)
);
-- Rows arrive in the order of created_at and are only pruned by it: a range index is enough.
CREATE INDEX idempotent_answers_created_at_idx ON idempotent_answers USING brin (created_at);

CREATE UNLOGGED TABLE throttle_counts (
    key text NOT NULL CONSTRAINT throttle_counts_pkey PRIMARY KEY,
    hits integer NOT NULL,
    expires_at timestamptz NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX throttle_counts_expires_at_idx ON throttle_counts (expires_at);
"""


# /health/ready compares this revision with that of the code.
RIGHTS = "GRANT SELECT ON alembic_version TO {role}"


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(RIGHTS.format(role=_role()))


def downgrade() -> None:
    op.execute("DROP TABLE throttle_counts, idempotent_answers")
    op.execute(RIGHTS.replace("GRANT", "REVOKE").replace(" TO ", " FROM ").format(role=_role()))


def _role() -> str:
    setting = "SELECT quote_ident(current_setting('pbcex.application_role'))"
    return str(op.get_bind().exec_driver_sql(setting).scalar_one())
