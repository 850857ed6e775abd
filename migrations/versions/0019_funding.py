"""Deposits, disputes and withdrawals."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE deposits (
    id uuid CONSTRAINT deposits_pkey PRIMARY KEY,
    user_id uuid NOT NULL CONSTRAINT deposits_user_id_fkey REFERENCES users,
    method text NOT NULL CONSTRAINT deposit_method_known
        CHECK (method IN ('card', 'bank', 'crypto', 'mobile_money')),
    asset text NOT NULL,
    asked_units bigint CONSTRAINT deposit_asks_for_something CHECK (asked_units > 0),
    credited_units bigint CONSTRAINT deposit_credits_something CHECK (credited_units > 0),
    cost_units bigint NOT NULL DEFAULT 0
        CONSTRAINT deposit_cost_not_negative CHECK (cost_units >= 0),
    status text NOT NULL CONSTRAINT deposit_status_known CHECK (status IN
        ('requested', 'unknown', 'pending', 'credited', 'disputed', 'taken_back', 'failed',
         'cancelled')),
    provider text NOT NULL,
    provider_ref text,
    source_sealed bytea,
    instructions_sealed bytea,
    code text,
    requested_at timestamptz NOT NULL,
    opened_at timestamptz,
    looked_at timestamptz NOT NULL,
    credited_at timestamptz,
    CONSTRAINT credited_says_when
        CHECK ((status IN ('credited', 'disputed', 'taken_back')) = (credited_at IS NOT NULL)),
    CONSTRAINT credited_says_how_much CHECK ((credited_at IS NULL) = (credited_units IS NULL)),
    CONSTRAINT credited_has_evidence CHECK (credited_at IS NULL OR provider_ref IS NOT NULL),
    CONSTRAINT deposit_has_an_amount CHECK (asked_units IS NOT NULL OR credited_units IS NOT NULL),
    CONSTRAINT deposits_provider_provider_ref_key UNIQUE (provider, provider_ref)
);
CREATE INDEX deposits_user_id_id_idx ON deposits (user_id, id);
CREATE INDEX deposits_open_looked_at_idx ON deposits (looked_at)
    WHERE status IN ('requested', 'unknown', 'pending');

CREATE TABLE deposit_events (
    id uuid CONSTRAINT deposit_events_pkey PRIMARY KEY,
    deposit_id uuid NOT NULL CONSTRAINT deposit_events_deposit_id_fkey REFERENCES deposits,
    from_status text,
    to_status text NOT NULL,
    evidence text,
    at timestamptz NOT NULL
);
CREATE INDEX deposit_events_deposit_id_id_idx ON deposit_events (deposit_id, id);

CREATE TABLE given_accounts (
    id uuid CONSTRAINT given_accounts_pkey PRIMARY KEY,
    user_id uuid NOT NULL CONSTRAINT given_accounts_user_id_fkey REFERENCES users,
    method text NOT NULL,
    provider text NOT NULL,
    account_ref text NOT NULL,
    details jsonb NOT NULL,
    given_at timestamptz NOT NULL,
    CONSTRAINT given_accounts_user_id_method_key UNIQUE (user_id, method),
    CONSTRAINT given_accounts_provider_account_ref_key UNIQUE (provider, account_ref)
);

CREATE TABLE disputes (
    id uuid CONSTRAINT disputes_pkey PRIMARY KEY,
    deposit_id uuid NOT NULL CONSTRAINT disputes_deposit_id_fkey REFERENCES deposits,
    provider text NOT NULL,
    provider_ref text NOT NULL,
    units bigint NOT NULL CONSTRAINT dispute_is_about_something CHECK (units > 0),
    cost_units bigint NOT NULL CONSTRAINT dispute_cost_not_negative CHECK (cost_units >= 0),
    status text NOT NULL
        CONSTRAINT dispute_status_known CHECK (status IN ('open', 'won', 'lost')),
    opened_at timestamptz NOT NULL,
    closed_at timestamptz,
    CONSTRAINT open_until_closed CHECK ((status = 'open') = (closed_at IS NULL)),
    CONSTRAINT disputes_provider_provider_ref_key UNIQUE (provider, provider_ref)
);
CREATE INDEX disputes_deposit_id_idx ON disputes (deposit_id);

CREATE TABLE withdrawals (
    id uuid CONSTRAINT withdrawals_pkey PRIMARY KEY,
    user_id uuid NOT NULL CONSTRAINT withdrawals_user_id_fkey REFERENCES users,
    method text NOT NULL CONSTRAINT withdrawal_method_known
        CHECK (method IN ('card', 'bank', 'crypto', 'mobile_money')),
    asset text NOT NULL,
    units bigint NOT NULL CONSTRAINT withdrawal_pays_something CHECK (units > 0),
    usd_units bigint NOT NULL CONSTRAINT withdrawal_worth_not_negative CHECK (usd_units >= 0),
    status text NOT NULL CONSTRAINT withdrawal_status_known CHECK (status IN
        ('in_review', 'awaiting_approval', 'approved', 'sending', 'unknown', 'sent', 'completed',
         'returned', 'failed', 'rejected', 'cancelled')),
    destination_sealed bytea NOT NULL,
    destination_index bytea NOT NULL,
    destination_masked text NOT NULL,
    provider text NOT NULL,
    provider_ref text,
    code text,
    requested_at timestamptz NOT NULL,
    looked_at timestamptz NOT NULL,
    completed_at timestamptz,
    CONSTRAINT sent_has_evidence
        CHECK (status NOT IN ('sent', 'completed', 'returned') OR provider_ref IS NOT NULL),
    CONSTRAINT completed_says_when
        CHECK ((status IN ('completed', 'returned')) = (completed_at IS NOT NULL))
);
CREATE INDEX withdrawals_user_id_id_idx ON withdrawals (user_id, id);
CREATE INDEX withdrawals_under_way_looked_at_idx ON withdrawals (looked_at)
    WHERE status IN ('in_review', 'approved', 'sending', 'unknown', 'sent');
CREATE INDEX withdrawals_provider_provider_ref_idx ON withdrawals (provider, provider_ref);

CREATE TABLE withdrawal_events (
    id uuid CONSTRAINT withdrawal_events_pkey PRIMARY KEY,
    withdrawal_id uuid NOT NULL
        CONSTRAINT withdrawal_events_withdrawal_id_fkey REFERENCES withdrawals,
    from_status text,
    to_status text NOT NULL,
    actor_id uuid,
    evidence text,
    at timestamptz NOT NULL
);
CREATE INDEX withdrawal_events_withdrawal_id_id_idx ON withdrawal_events (withdrawal_id, id);

CREATE TRIGGER deposits_of_nobody_erased BEFORE INSERT ON deposits
    FOR EACH ROW EXECUTE FUNCTION forbid_adding_to_erased();
CREATE TRIGGER withdrawals_of_nobody_erased BEFORE INSERT ON withdrawals
    FOR EACH ROW EXECUTE FUNCTION forbid_adding_to_erased();
CREATE TRIGGER given_accounts_of_nobody_erased BEFORE INSERT ON given_accounts
    FOR EACH ROW EXECUTE FUNCTION forbid_adding_to_erased();
"""


def upgrade() -> None:
    op.execute(TABLES)


def downgrade() -> None:
    op.execute("""
DROP TABLE withdrawal_events, withdrawals, disputes, given_accounts, deposit_events, deposits;
""")
