"""Deposit addresses at custodians, arrivals, payouts, and the balances that custodians report."""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE custody_addresses (
    id uuid CONSTRAINT custody_addresses_pkey PRIMARY KEY,
    user_id uuid NOT NULL CONSTRAINT custody_addresses_user_id_fkey REFERENCES users,
    asset text NOT NULL,
    network text NOT NULL,
    custodian text,
    address text,
    address_key text,
    asked_at timestamptz NOT NULL,
    ready_at timestamptz,
    retired_at timestamptz,
    CONSTRAINT custody_addresses_network_address_key UNIQUE (network, address_key),
    CONSTRAINT address_is_whole
        CHECK (num_nulls(custodian, address, address_key, ready_at) IN (0, 4))
);
CREATE UNIQUE INDEX custody_addresses_current_key ON custody_addresses (user_id, asset)
    WHERE retired_at IS NULL;
CREATE TRIGGER custody_addresses_of_nobody_erased BEFORE INSERT ON custody_addresses
    FOR EACH ROW EXECUTE FUNCTION forbid_adding_to_erased();

CREATE TABLE custody_arrivals (
    id uuid CONSTRAINT custody_arrivals_pkey PRIMARY KEY,
    custodian text NOT NULL,
    provider_ref text NOT NULL,
    address_id uuid CONSTRAINT custody_arrivals_address_id_fkey REFERENCES custody_addresses,
    address text NOT NULL,
    asset text NOT NULL,
    units bigint NOT NULL CONSTRAINT something_arrived CHECK (units > 0),
    tx_hash text NOT NULL,
    arrived_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    CONSTRAINT custody_arrivals_custodian_provider_ref_key UNIQUE (custodian, provider_ref)
);
CREATE INDEX custody_arrivals_address_id_idx ON custody_arrivals (address_id);

CREATE TABLE custody_sends (
    id uuid CONSTRAINT custody_sends_pkey PRIMARY KEY,
    reference text NOT NULL CONSTRAINT custody_sends_reference_key UNIQUE,
    asset text NOT NULL,
    units bigint NOT NULL CONSTRAINT something_is_sent CHECK (units > 0),
    network text NOT NULL,
    address_sealed bytea NOT NULL,
    state text NOT NULL CONSTRAINT send_state_known CHECK (state IN
        ('planned', 'unknown', 'accepted', 'completed', 'failed', 'refused', 'disputed')),
    custodian text,
    attempts integer NOT NULL DEFAULT 0,
    unsettled_at timestamptz,
    claim_id uuid,
    claimed_until timestamptz,
    provider_ref text,
    tx_hash text NOT NULL DEFAULT '',
    cost_units bigint,
    code text NOT NULL DEFAULT '',
    planned_at timestamptz NOT NULL,
    looked_at timestamptz NOT NULL,
    settled_at timestamptz,
    CONSTRAINT settled_at_if_over
        CHECK ((settled_at IS NULL) = (state IN ('planned', 'unknown', 'accepted'))),
    CONSTRAINT custodian_if_asked CHECK
        (state NOT IN ('unknown', 'accepted', 'completed', 'failed') OR custodian IS NOT NULL),
    CONSTRAINT send_claim_is_whole CHECK ((claim_id IS NULL) = (claimed_until IS NULL))
);
CREATE INDEX custody_sends_open_looked_at_idx ON custody_sends (looked_at)
    WHERE settled_at IS NULL;

CREATE TABLE custody_send_events (
    id uuid CONSTRAINT custody_send_events_pkey PRIMARY KEY,
    send_id uuid NOT NULL CONSTRAINT custody_send_events_send_id_fkey REFERENCES custody_sends,
    at timestamptz NOT NULL,
    state text NOT NULL,
    custodian text,
    what text NOT NULL,
    code text NOT NULL
);
CREATE INDEX custody_send_events_send_id_idx ON custody_send_events (send_id);

CREATE TABLE custody_balances (
    custodian text NOT NULL,
    asset text NOT NULL,
    available_units bigint NOT NULL,
    total_units bigint NOT NULL,
    observed_at timestamptz NOT NULL,
    CONSTRAINT custody_balances_pkey PRIMARY KEY (custodian, asset)
);

CREATE TABLE custody_polls (
    custodian text CONSTRAINT custody_polls_pkey PRIMARY KEY,
    since timestamptz NOT NULL,
    polled_at timestamptz NOT NULL
);
"""
# Arrivals and requests are never changed.
RIGHTS = """
REVOKE UPDATE, DELETE ON custody_addresses, custody_arrivals, custody_sends, custody_send_events
    FROM {role};
GRANT UPDATE (custodian, address, address_key, ready_at, retired_at) ON custody_addresses TO {role};
GRANT UPDATE (address_sealed, state, custodian, attempts, unsettled_at, claim_id, claimed_until,
    provider_ref, tx_hash, cost_units, code, looked_at, settled_at) ON custody_sends TO {role};
"""
UNDO = """
DROP TABLE custody_polls, custody_balances, custody_send_events, custody_sends, custody_arrivals,
    custody_addresses;
"""


def upgrade() -> None:
    op.execute(TABLES)
    setting = "SELECT quote_ident(current_setting('pbcex.application_role'))"
    op.execute(RIGHTS.format(role=op.get_bind().exec_driver_sql(setting).scalar()))


def downgrade() -> None:
    op.execute(UNDO)
