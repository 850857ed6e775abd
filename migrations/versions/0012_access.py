"""Permissions of roles, branches, suspensions with a reason, and approvals by a second person."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TABLES = r"""
CREATE TABLE permissions (
    name text CONSTRAINT permissions_pkey PRIMARY KEY
);
CREATE TABLE role_grants (
    role text NOT NULL,
    permission text NOT NULL
        CONSTRAINT role_grants_permission_fkey REFERENCES permissions,
    CONSTRAINT role_grants_pkey PRIMARY KEY (role, permission)
);

CREATE TABLE branches (
    id uuid CONSTRAINT branches_pkey PRIMARY KEY,
    code text NOT NULL CONSTRAINT branches_code_key UNIQUE
        CONSTRAINT branch_code_is_short CHECK (code ~ '^[A-Z][A-Z0-9]{1,11}$'),
    name text NOT NULL
        CONSTRAINT branch_name_has_a_length CHECK (length(name) BETWEEN 1 AND 100),
    opened_at timestamptz NOT NULL
);

ALTER TABLE users
    ADD COLUMN suspended_at timestamptz,
    ADD COLUMN suspended_reason text,
    ADD COLUMN branch_id uuid CONSTRAINT users_branch_id_fkey REFERENCES branches,
    ADD CONSTRAINT reason_if_suspended
        CHECK ((suspended_at IS NULL) = (suspended_reason IS NULL)),
    ADD CONSTRAINT active_has_no_suspension
        CHECK (suspended_at IS NULL OR status = 'suspended'),
    ADD CONSTRAINT branch_is_a_tellers CHECK (branch_id IS NULL OR role = 'TELLER');
CREATE INDEX users_role_id_idx ON users (role, id);

ALTER TABLE login_sessions
    DROP CONSTRAINT revoked_reason_known,
    ADD CONSTRAINT revoked_reason_known CHECK (revoked_reason IN
        ('logged_out', 'token_reused', 'password_changed', 'role_changed', 'suspended'));

CREATE TABLE approvals (
    id uuid CONSTRAINT approvals_pkey PRIMARY KEY,
    action text NOT NULL,
    subject text NOT NULL,
    subject_id uuid,
    payload jsonb NOT NULL,
    before jsonb NOT NULL,
    after jsonb NOT NULL,
    hash bytea NOT NULL CONSTRAINT approval_hash_is_sha256 CHECK (octet_length(hash) = 32),
    reason text NOT NULL,
    maker_id uuid NOT NULL,
    status text NOT NULL CONSTRAINT approval_status_known CHECK (status IN
        ('pending', 'approved', 'rejected', 'withdrawn', 'superseded', 'outdated', 'expired')),
    checker_id uuid,
    decision_reason text,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    decided_at timestamptz,
    CONSTRAINT maker_is_not_checker CHECK (checker_id <> maker_id),
    CONSTRAINT subject_is_not_checker CHECK (checker_id <> subject_id),
    CONSTRAINT decided_if_ended CHECK ((decided_at IS NULL) = (status = 'pending')),
    CONSTRAINT checker_if_decided
        CHECK ((checker_id IS NOT NULL) = (status IN ('approved', 'rejected'))),
    CONSTRAINT approval_expires_after_start CHECK (expires_at > created_at)
);
CREATE UNIQUE INDEX approvals_one_pending_key ON approvals (action, subject)
    WHERE status = 'pending';
CREATE INDEX approvals_status_id_idx ON approvals (status, id);

CREATE TABLE approval_events (
    id uuid CONSTRAINT approval_events_pkey PRIMARY KEY,
    approval_id uuid NOT NULL
        CONSTRAINT approval_events_approval_id_fkey REFERENCES approvals,
    from_status text,
    to_status text NOT NULL,
    actor_id uuid,
    at timestamptz NOT NULL
);
CREATE INDEX approval_events_approval_id_idx ON approval_events (approval_id);
"""

# A request and its decision are never changed.
RIGHTS = """
REVOKE UPDATE, DELETE ON approvals, approval_events FROM {role};
GRANT UPDATE (status, checker_id, decision_reason, decided_at) ON approvals TO {role};
REVOKE UPDATE, DELETE ON permissions FROM {role};
REVOKE UPDATE ON role_grants FROM {role};
"""


def upgrade() -> None:
    op.execute(TABLES)
    setting = "SELECT quote_ident(current_setting('pbcex.application_role'))"
    op.execute(RIGHTS.format(role=op.get_bind().exec_driver_sql(setting).scalar()))


def downgrade() -> None:
    op.execute("""
DROP TABLE approval_events, approvals;
UPDATE login_sessions SET revoked_reason = 'logged_out'
    WHERE revoked_reason IN ('role_changed', 'suspended');
ALTER TABLE login_sessions
    DROP CONSTRAINT revoked_reason_known,
    ADD CONSTRAINT revoked_reason_known
        CHECK (revoked_reason IN ('logged_out', 'token_reused', 'password_changed'));
DROP INDEX users_role_id_idx;
ALTER TABLE users
    DROP COLUMN suspended_at, DROP COLUMN suspended_reason, DROP COLUMN branch_id;
DROP TABLE branches, role_grants, permissions;
""")
