"""Calls to providers, their webhooks, and accounts for assets that others hold for us or owe us."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE provider_calls (
    id uuid CONSTRAINT provider_calls_pkey PRIMARY KEY,
    provider text NOT NULL,
    operation text NOT NULL,
    reference text NOT NULL,
    attempt integer NOT NULL CONSTRAINT attempts_count_from_one CHECK (attempt > 0),
    began_at timestamptz NOT NULL,
    ended_at timestamptz,
    outcome text NOT NULL CONSTRAINT call_outcome_known
        CHECK (outcome IN ('pending', 'answered', 'refused', 'away', 'unknown')),
    code text,
    CONSTRAINT ended_if_not_pending CHECK ((ended_at IS NULL) = (outcome = 'pending'))
);
CREATE INDEX provider_calls_reference_idx ON provider_calls (reference);
CREATE INDEX provider_calls_began_at_idx ON provider_calls (began_at);

CREATE TABLE webhook_events (
    id uuid CONSTRAINT webhook_events_pkey PRIMARY KEY,
    provider text NOT NULL,
    event_id text NOT NULL,
    kind text NOT NULL,
    subject text NOT NULL,
    body_sealed bytea NOT NULL,
    received_at timestamptz NOT NULL,
    deliveries integer NOT NULL DEFAULT 1
        CONSTRAINT deliveries_count_from_one CHECK (deliveries > 0),
    CONSTRAINT webhook_events_provider_event_id_key UNIQUE (provider, event_id)
);
CREATE INDEX webhook_events_received_at_idx ON webhook_events (received_at);

INSERT INTO account_classes (code, kind, guarded, name) VALUES
    ('custody', 'asset', false, 'Held for us by custodians'),
    ('processor', 'asset', false, 'Taken in for us by processors of payments'),
    ('bank', 'asset', false, 'At banks'),
    ('customer.receivable', 'asset', false, 'Owed to us by customers'),
    ('processing_costs', 'expense', false, 'Charged by processors, banks and networks'),
    ('losses', 'expense', false, 'Owed by customers and given up');
"""
UNDO = """
DELETE FROM account_classes WHERE code IN
    ('custody', 'processor', 'bank', 'customer.receivable', 'processing_costs', 'losses');
DROP TABLE webhook_events;
DROP TABLE provider_calls;
"""


def upgrade() -> None:
    op.execute(TABLES)


def downgrade() -> None:
    op.execute(UNDO)
