"""Who works on what waits for staff: claims of the queue."""

from alembic import op

revision = "0120"
down_revision = "0119"
branch_labels = None
depends_on = None

UPGRADE = """
CREATE TABLE queue_claims (
    subject_id uuid NOT NULL CONSTRAINT queue_claims_pkey PRIMARY KEY,
    source text NOT NULL,
    since timestamptz NOT NULL,
    touched_by uuid NOT NULL,
    touched_at timestamptz NOT NULL,
    assignee_id uuid,
    snoozed_until timestamptz,
    escalated_at timestamptz,
    escalated_by uuid,
    escalation_sealed bytea,
    done_at timestamptz,
    CONSTRAINT escalation_says_who_and_why
        CHECK (num_nulls(escalated_at, escalated_by, escalation_sealed) IN (0, 3))
);
CREATE INDEX queue_claims_touched_at_idx ON queue_claims (touched_at);
SELECT set_default_holders('all:queue:work', '{SUPPORT,COMPLIANCE,ADMIN}');
"""


def _application_role() -> str:
    connection = op.get_bind()
    statement = "SELECT quote_ident(current_setting('pbcex.application_role'))"
    return str(connection.exec_driver_sql(statement).scalar_one())


def upgrade() -> None:
    op.execute(UPGRADE)
    op.execute(f"REVOKE DELETE ON queue_claims FROM {_application_role()}")


def downgrade() -> None:
    """Forget claims. The permission stays: an older release does not know it."""
    op.execute("DROP TABLE queue_claims")
