"""Settings of the business: each change with its effect, reason and maker; who may see and edit."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

HOLDERS = {
    "all:settings:edit": ["COMPLIANCE", "ADMIN"],
    "all:settings:read": ["COMPLIANCE", "AUDITOR", "ADMIN"],
}


def upgrade() -> None:
    op.execute("""
CREATE TABLE setting_changes (
    id uuid CONSTRAINT setting_changes_pkey PRIMARY KEY,
    name text NOT NULL,
    value text NOT NULL,
    effective_at timestamptz NOT NULL,
    reason text NOT NULL,
    maker_id uuid,
    approval_id uuid,
    made_at timestamptz NOT NULL,
    CONSTRAINT setting_change_is_not_backdated CHECK (effective_at >= made_at)
);
CREATE INDEX setting_changes_name_effective_at_id_idx
    ON setting_changes (name, effective_at, id);
CREATE INDEX setting_changes_effective_at_id_idx ON setting_changes (effective_at, id);
CREATE TRIGGER setting_changes_append_only BEFORE UPDATE OR DELETE ON setting_changes
    FOR EACH ROW EXECUTE FUNCTION forbid_rewriting();
CREATE TRIGGER setting_changes_never_truncated BEFORE TRUNCATE ON setting_changes
    FOR EACH STATEMENT EXECUTE FUNCTION forbid_rewriting();
""")
    for permission, roles in HOLDERS.items():
        op.get_bind().execute(
            sa.text("SELECT set_default_holders(:permission, :roles)"),
            {"permission": permission, "roles": roles},
        )


def downgrade() -> None:
    """Drop the history: the grants of the permissions stay without a use."""
    op.execute("DROP TABLE setting_changes")
